"""What a CSV file and its columns are taken for, and which task follows from a target."""

import locale

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data.csv import columns, guess, reading, times
from batchwise.data.csv.columns import Column, Table

RANDOM = np.random.default_rng(0)
ROWS = 60
N = np.arange(ROWS)


def cycle(*values: object) -> list:
    return [values[row % len(values)] for row in range(ROWS)]


# {what it is: (values of a column, its kind, words of the note)}
COLUMNS: dict[str, tuple[list, str, str]] = {
    "fractions": (RANDOM.normal(size=ROWS).tolist(), "number", ""),
    "numbers, some missing": (cycle(1.5, None, 3.25), "number", ""),
    "whole numbers": (RANDOM.integers(1000, size=ROWS).tolist(), "number", ""),
    "flags": (cycle(0, 1), "number", ""),
    "one number, or none": (cycle(1, None), "number", ""),
    "numbers with spaces": ([f" {row % 7} " for row in N], "number", ""),
    "numbers that are missing as NA with a space": (cycle("1.5", "NA ", "2"), "number", ""),
    "words": (cycle("red", "green", "blue"), "category", ""),
    "words, some missing": (cycle("red", "", "blue"), "category", ""),
    "truths": (cycle("True", "False"), "category", ""),
    "codes": (cycle("007", "010", "123"), "category", "numbers with leading zeros"),
    "None": (cycle("None", "Brick"), "category", ""),
    "a number": ([3.5] * ROWS, "constant", "3.5 in all rows"),
    "a word": (["red"] * ROWS, "constant", "'red' in all rows"),
    "nothing": ([""] * ROWS, "constant", "no value in any row"),
    "rows": (N.tolist(), "identifier", "whole numbers in sequence, each once"),
    "rows in another order": (RANDOM.permutation(ROWS).tolist(), "identifier", "in sequence"),
    "customer_id": ((N * 37 % 1009 * 7).tolist(), "identifier", "whole numbers, all different"),
    "large": ([2**60 + 2**20 * int(row * 3) for row in N], "identifier", "all different"),
    "names": ([f"wine-{row}" for row in N], "identifier", "texts without spaces, all different"),
    "sentences": ([f"a wine of {row}" for row in N], "text", "60 different values"),
    "beyond 64 bits": ([f"{row % 7}{'0' * 25}" for row in N], "number", ""),
    "numbers, but for some": (
        [f"{row}.5" if row % 20 else f"n.d. {row}" for row in N],
        "text",
        "but for 3 texts such as 'n.d. 0'; leave these fields empty",
    ),
    "few numbers, but for one": (cycle(*range(20), "n.d."), "category", "but for 1 text such as 'n.d.'; leave these"),
    "words of which some are numbers": (cycle("a", "b", "1"), "category", ""),
    "thousands": ([f"{row * 1000 + 7:,}" for row in N], "text", "numbers with signs, such as '1,007'; write them"),
    "thousands of all forms": (
        cycle("1.234,5", "1 234", "-12'345'678.9", "17", "0.5"),
        "category",
        "numbers with signs",
    ),
    "prices": ([f"${row}.50" for row in N], "text", "numbers with signs, such as '$0.50'; write them without"),
    "prices, the sign behind": ([f"{row},50 €" for row in N], "text", "numbers with signs"),
    "shares": (cycle(*(f"{row}%" for row in range(20))), "category", "numbers with signs, such as '0%'"),
    "many words, each twice": ([f"kind {row // 2} of wine" for row in N], "category", ""),
    "ISO dates": (pd.date_range("2026-01-01", periods=ROWS).strftime("%Y-%m-%d").tolist(), "date", "order of a split"),
    "ISO times": (
        pd.date_range("2026-01-01", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ").tolist(),
        "date",
        "",
    ),
    "German dates": (pd.date_range("2026-01-01", periods=ROWS).strftime("%d.%m.%Y").tolist(), "date", ""),
    "American dates": (pd.date_range("2026-01-01", periods=ROWS).strftime("%m/%d/%Y").tolist(), "date", ""),
    "dates that can be read in two ways": (
        cycle("01/02/2026", "03/04/2026"),
        "date",
        "'01/02/2026' can be read with the day or the month first; write it as 2026-12-31",
    ),
    "dates, some missing": (cycle("2026-01-01", "", "2026-01-03"), "date", ""),
}


def look(tmp_path, **form: object) -> Table:
    path = tmp_path / "wine.csv"
    pd.DataFrame({name: values for name, (values, *_) in COLUMNS.items()}).to_csv(path, index=False, **form)
    return columns.look(path)


def test_what_a_column_is(tmp_path) -> None:
    table = look(tmp_path)
    assert table.rows == ROWS
    found = {column.name: column for column in table.columns}
    assert [*found] == [*COLUMNS]
    assert {name: column.kind for name, column in found.items()} == {
        name: kind for name, (_, kind, _) in COLUMNS.items()
    }
    for name, (values, _, words) in COLUMNS.items():
        assert words in found[name].note
        assert found[name].missing == sum(value in (None, "", "NA ") for value in values)
    assert found["words"] == Column("words", "category", 0, 3)
    assert table.names("constant") == ["a number", "a word", "nothing"]


def test_columns_of_one_kind_are_that_however_the_file_is_written(tmp_path) -> None:
    known = look(tmp_path)
    for form in (
        {"sep": ";", "encoding": "utf-16", "quoting": 1},
        {"sep": "\t", "lineterminator": "\r\n"},
        {"sep": "|", "encoding": "utf-8-sig"},
    ):
        assert look(tmp_path, **form).columns == known.columns
    comma = look(tmp_path, sep=";", decimal=",")
    assert (comma.form.separator, comma.form.decimal) == (";", ",")


def test_all_rows_count(tmp_path, monkeypatch) -> None:
    """What a column is may be seen in its last row; it is read in parts."""
    monkeypatch.setattr(reading, "CHUNK", 7)
    path = tmp_path / "wine.csv"
    rows = [f"{row};{row % 5};{row},{'5' if row == 1999 else '0'};x" for row in range(2000)]
    path.write_text("\n".join(["a;b;c;d", *rows, "x;007;1,5;y", "x;1;2,5;y"]))
    kinds = {column.name: column.kind for column in columns.look(path).columns}
    assert kinds == {"a": "text", "b": "category", "c": "number", "d": "category"}
    rows = [f"{row};x" for row in range(1500)] + ["1500,5;y"]  # no decimal sign among the first
    path.write_text("\n".join(["a;b", *rows, ""]))
    table = columns.look(path)
    assert (table.form.decimal, table.columns[0].kind) == (",", "number")


FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9)


@given(
    FLOATS, st.sampled_from(",;\t|"), st.sampled_from(".,"), st.sampled_from(["utf-8", "utf-16", "cp1252"]), st.data()
)
def test_how_a_file_is_written_is_found(tmp_path_factory, numbers, separator, decimal, encoding, data) -> None:
    texts = st.text("aé ,;|\n", min_size=1, max_size=5).filter(lambda text: text == text.strip())
    path = tmp_path_factory.getbasetemp() / "guess.csv"
    numbers = [0.5, *numbers]
    table = pd.DataFrame({"größe": numbers, "n": numbers, "farbe": [data.draw(texts) for _ in numbers]})
    table.to_csv(path, index=False, sep=separator, decimal=decimal, encoding=encoding)
    form = guess.form(path)
    assert (form.separator, form.decimal, form.encoding) == (separator, decimal, encoding)
    found = reading.read(path, form, numbers=["größe"], texts=["farbe"])
    assert (found["größe"].tolist(), found["farbe"].tolist()) == (numbers, table["farbe"].tolist())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n", (",", ".", "utf-8")),
        ('a;b\n"1,5;x";2\n"2,5;x";3\n', (";", ".", "utf-8")),
        ("id;size (w,h);y\n1;2;3\n", (";", ".", "utf-8")),
        ('a,b\n"1,5","x"\n"2,75","y"\n', (",", ",", "utf-8")),
        ('a,b\n"1,234","x"\n"2,345","y"\n', (",", ".", "utf-8")),  # thousands, perhaps
        ("a;b\n1,5;2.5\n", (";", ".", "utf-8")),  # both, so that the first are no decimal commas
        ("farbe;größe\nx;1\n".encode("cp1252"), (";", ".", "cp1252")),
        (b"a;b\n\x81;1\n", (";", ".", "iso-8859-1")),
    ],
)
def test_how_a_file_is_probably_written(tmp_path, content, expected) -> None:
    path = tmp_path / "wine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    form = guess.form(path)
    assert (form.separator, form.decimal, form.encoding) == expected


# {values: (task, classes)}
TARGETS = {
    "two words": (cycle("no", "yes"), ("binary_classification", {"no": 30, "yes": 30})),
    "two numbers": (cycle(0, 1, 1), ("binary_classification", {"0": 20, "1": 40})),
    "two fractions": (cycle(0.5, 1.5), ("binary_classification", {"0.5": 30, "1.5": 30})),
    "words": (cycle("a", "c", "b"), ("multiclass_classification", {"a": 20, "b": 20, "c": 20})),
    "few whole numbers": (cycle(10, 3, 9, 3), ("multiclass_classification", {"3": 30, "9": 15, "10": 15})),
    "many whole numbers": (RANDOM.integers(1000, size=ROWS).tolist(), ("regression", {})),
    "few whole numbers, one seldom": ([8, *cycle(5, 6, 7)[1:]], ("regression", {})),
    "fractions": (RANDOM.normal(size=ROWS).tolist(), ("regression", {})),
    "few fractions": (cycle(0.5, 1, 1.5), ("regression", {})),
}


def targets(tmp_path, names: list[str], **values: list) -> columns.Target:
    path = tmp_path / "wine.csv"
    pd.DataFrame({"input": cycle(1.5, 2.5), **values}).to_csv(path, index=False)
    return columns.target(columns.look(path), names)


@pytest.mark.parametrize("case", TARGETS)
def test_which_task_follows(tmp_path, case) -> None:
    values, (task, classes) = TARGETS[case]
    found = targets(tmp_path, ["y"], y=values)
    assert (found.task, found.classes, [*found.classes], found.missing) == (task, classes, [*classes], 0)


def test_words_of_any_number_are_classes_if_each_has_rows(tmp_path) -> None:
    path = tmp_path / "wine.csv"
    path.write_text("\n".join(["input,y", *(f"{row},kind {row % 150}" for row in range(450))]))
    found = columns.target(columns.look(path), ["y"])
    assert (found.task, len(found.classes)) == ("multiclass_classification", 150)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("many whole numbers", "`--task count_regression`"),
        ("few whole numbers, one seldom", "`--task count_regression`"),
        ("few whole numbers", "`--task regression`"),
        ("two numbers", ""),
        ("words", ""),
        ("fractions", ""),
        ("few fractions", ""),
    ],
)
def test_what_else_could_be_meant_is_said(tmp_path, case, words) -> None:
    note = targets(tmp_path, ["y"], y=TARGETS[case][0]).note
    assert words in note and bool(words) == bool(note)


def test_counts_are_from_0_up(tmp_path) -> None:
    assert not targets(tmp_path, ["y"], y=[*range(-1, ROWS - 1)]).note


def test_rows_without_a_target_are_counted(tmp_path) -> None:
    found = targets(tmp_path, ["y"], y=cycle("no", "", "yes"))
    assert (found.task, found.classes, found.missing) == ("binary_classification", {"no": 20, "yes": 20}, 20)


def test_of_several_targets(tmp_path) -> None:
    found = targets(tmp_path, ["p", "q"], p=cycle(0, 1, 0), q=cycle(1, 0, 1))
    assert (found.task, found.classes) == ("multiclass_classification", {"p": 20, "q": 40})
    found = targets(tmp_path, ["p", "q"], p=cycle(0, 1, 1), q=cycle(1, 0, 1))
    assert (found.task, found.classes) == ("multilabel_classification", {"p": 40, "q": 40})


@pytest.mark.parametrize(
    ("names", "columns", "words"),
    [
        (["z"], {"y": cycle(1, 2)}, "'z' is not a known column; allowed: input, y"),
        (["y"], {"y": ["a"] * ROWS}, "the target 'y' has one value, 'a', in all rows"),
        (["y"], {"y": [""] * ROWS}, "the target 'y' has no value in any row"),
        (["y"], {"y": COLUMNS["ISO dates"][0]}, "the target 'y' is date, of 60 values"),
        (["y"], {"y": COLUMNS["names"][0]}, "the target 'y' is identifier, of 60 values; .*: each needs 3 rows"),
        (["y"], {"y": COLUMNS["sentences"][0]}, "the target 'y' is text, of 60 values; .*: each needs 3 rows"),
        (["y"], {"y": COLUMNS["thousands"][0]}, "'y' is text, numbers with signs, such as '1,007'; write them without"),
        (["y"], {"y": COLUMNS["prices"][0]}, r"'y' is text, numbers with signs, such as '\$0.50'"),
        (["y"], {"y": COLUMNS["numbers, but for some"][0]}, "'y' is text, numbers, but for 3 texts such as 'n.d. 0'"),
        (["y", "input"], {"y": cycle(0, 1)}, "the target 'input' has the value '1.5'; each of several is 0 or 1"),
    ],
)
def test_what_no_task_follows_from(tmp_path, names, columns, words) -> None:
    with pytest.raises(UserError, match=words):
        targets(tmp_path, names, **columns)


@given(
    st.lists(st.datetimes(pd.Timestamp("1950-01-01"), pd.Timestamp("2100-01-01")), min_size=1, max_size=5), st.data()
)
def test_dates_are_read_as_they_are_written_or_refused(dates, data) -> None:
    form = data.draw(st.sampled_from(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", *times.DAY_FIRST, *times.MONTH_FIRST]))
    written = [date.strftime(form) for date in dates]
    try:
        found = times.times(written)
    except UserError as error:
        assert "can be read with the day or the month first" in str(error)
        assert all(date.day <= 12 for date in dates)
        return
    assert found is not None
    assert pd.Series(found).dt.strftime(form).tolist() == written


@pytest.mark.parametrize(
    "text", ["", "1", "2026", "20260102", "2026-13-01", "31.02.2026", "Jan 2026", "1:30", "x2026-01-02"]
)
def test_what_is_no_date(text) -> None:
    assert times.times(["2026-01-02", text]) is None


def test_nothing_depends_on_the_locale(tmp_path) -> None:
    known = look(tmp_path)
    before = locale.setlocale(locale.LC_ALL)
    try:
        for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            assert look(tmp_path).columns == known.columns
    finally:
        locale.setlocale(locale.LC_ALL, before)
