"""Amounts on the command line: any text is a positive amount with a unit, or is refused in one line."""

import math
import re
from argparse import ArgumentTypeError
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.commands import amounts

# Of the International System of Units and of IEC 80000-13
SIZES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15}
SIZES |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "pib": 2**50}
TIMES = {"ms": Fraction(1, 1000), "s": 1, "min": 60, "h": 3600, "d": 86400}
KINDS = [(amounts.memory, SIZES, 10**18), (amounts.seconds, TIMES, 1000 * 86400)]
WRONG = [
    *(
        "",
        " ",
        "8",
        "8 ",
        "+5",
        "+5s",
        "-1GB",
        "-5s",
        "-0s",
        "0GB",
        "0s",
        "0x10",
        "0x10GB",
        "1e3",
        "1e3GB",
        "1e3s",
        "٨GB",
    ),
    *(
        "٨",
        "8\u212aB",
        "५s",
        "²s",
        "½h",
        "1_000MB",
        "1,000MB",
        "1,5h",
        "inf",
        "infs",
        "infGB",
        "nan",
        "NaNs",
        "NaT",
        "much",
    ),
    *(
        "GB",
        "s",
        "8 G B",
        "8GBs",
        "8GB?",
        "8GB;rm",
        "8GB\n9",
        "8\0GB",
        "\udcff",
        "8xs",
        "8GB 1foo",
        "5m",
        "1.GB",
        "1..5s",
    ),
    *(
        "9" * 10_000 + "GB",
        "1" + "0" * 400 + "s",
        "0." + "0" * 400 + "1s",
        "s" * 10**6,
        "1s " * 10**5,
        "1s  " * 20 + "!",
    ),
    *("1001PB", "1001d", "99999999999999999999GB", "2h 99999d", "True", "None", "[8]", "P1D", "00:10", "now"),
]


@pytest.mark.parametrize("function", [amounts.memory, amounts.seconds])
@given(text=st.text() | st.from_regex(r"[-+ 0-9.٨]{0,9}[ a-zA-Z]{0,4}[0-9a-z]?", fullmatch=True))
def test_a_text_is_an_amount_with_its_unit_or_is_refused_in_a_line(function, text) -> None:
    try:
        amount = function(text)
    except ArgumentTypeError as error:
        is_refused(error)
    else:
        assert 0 < amount < math.inf
        assert re.fullmatch(r"\s*([0-9.]+ *[A-Za-z]+ *)+\s*", text)


@pytest.mark.parametrize("text", WRONG, ids=lambda text: ascii(text[:9]))
@pytest.mark.parametrize("function", [amounts.memory, amounts.seconds])
def test_what_is_no_amount_with_its_unit_is_refused(function, text) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        function(text)
    is_refused(caught.value)
    assert text in ("", " ") or repr(text[:9])[1:-1] in str(caught.value)


def is_refused(error: ArgumentTypeError) -> None:
    message = str(error)
    assert re.search(r" is no (amount of memory|time) with its unit; allowed are \d+\w+, ", message)
    assert message.isprintable() and len(message) < 300


@pytest.mark.parametrize(("function", "units", "most"), KINDS, ids=["memory", "seconds"])
@given(data=st.data())
def test_the_amount_is_the_sum_of_the_numbers_times_their_units(function, units, most, data) -> None:
    part = st.tuples(st.decimals(0, 2000, places=3), st.sampled_from(sorted(units)), st.sampled_from(["", " ", "  "]))
    parts = data.draw(st.lists(part, min_size=1, max_size=3))
    wanted = sum(Fraction(number) * units[unit] for number, unit, _ in parts)
    text = "".join(f"{number}{space}{unit}{space}" for number, unit, space in parts)
    if 1 <= wanted <= most * (1 - 1e-9):
        for written in (text, text.upper(), f" {text}"):
            assert function(written) == pytest.approx(
                float(wanted), rel=1e-9, abs=1 if function is amounts.memory else 0
            )


@pytest.mark.parametrize(
    ("function", "text", "amount"),
    [
        (amounts.memory, "500MB", 500 * 10**6),
        (amounts.memory, "8GB", 8 * 10**9),
        (amounts.memory, "16GiB", 16 * 2**30),
        (amounts.memory, "0.5 gb", 5 * 10**8),
        (amounts.memory, "8B", 8),
        (amounts.memory, "1000PB", 10**18),
        (amounts.seconds, "20ms", 0.02),
        (amounts.seconds, "90s", 90),
        (amounts.seconds, ".5min", 30),
        (amounts.seconds, "1h 30min", 5400),
        (amounts.seconds, "1h30min", 5400),
        (amounts.seconds, "1000d", 86_400_000),
    ],
)
def test_amounts(function, text, amount) -> None:
    assert function(text) == amount


@given(st.integers(1, 2**63 - 1))
def test_batch_sizes(number) -> None:
    assert amounts.batch_size(str(number)) == number


@pytest.mark.parametrize("text", ["", "0", "-2", "+2", "2.0", "1_0", "1e3", "2 ", "٢", "x", "9" * 5000, str(2**63)])
def test_what_is_no_batch_size_is_refused(text) -> None:
    with pytest.raises(
        ArgumentTypeError, match=r" is no batch size; allowed are whole numbers from 1 to \d+$"
    ) as caught:
        amounts.batch_size(text)
    assert len(str(caught.value)) < 200


@given(st.floats(0, exclude_min=True, allow_infinity=False))
def test_learning_rates(number) -> None:
    assert amounts.learning_rate(repr(number)) == number
    assert amounts.learning_rate(repr(number).upper()) == number


@pytest.mark.parametrize(
    "text", ["", "0", "-0.1", "+1", "nan", "inf", "1e999", "1e-999", "1_0", "0,1", "٢", ".", "1e", "x", "9" * 5000]
)
def test_what_is_no_learning_rate_is_refused(text) -> None:
    with pytest.raises(ArgumentTypeError, match=r" is no learning rate; allowed are numbers above 0, ") as caught:
        amounts.learning_rate(text)
    assert len(str(caught.value)) < 200
