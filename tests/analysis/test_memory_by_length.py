"""What a profile says of memory by rows and tokens, with a known truth in it, and how a report says it."""

import base64
import dataclasses
import re

import numpy as np
import pytest

from batchwise.analysis import memory_by_length
from batchwise.analysis.memory_by_length import LIMIT, UNIT, MemoryByLength
from batchwise.data.lengths import PIXEL, TOKEN
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.report.number_format import MISSING
from batchwise.report.pages import memory as memory_page
from batchwise.report.sentences import memory as sentences
from tests import fabricated_lengths, fabricated_reports
from tests.fabricated_lengths import lengths

KINDS = {("float32", 1): (3000.0, 1e-6), ("mixed_bfloat16", 1): (1500.0, 3e-6), ("float32", 4): (750.0, 1.1e-6)}


def profile(unit: str | None = None, **planted) -> Profile:
    made = fabricated_reports.profile()
    machine = made.machine | {LIMIT: fabricated_lengths.LIMIT} | ({UNIT: unit} if unit else {})
    return dataclasses.replace(made, machine=machine, lengths=lengths(**planted))


def found(unit: str | None = None, **planted) -> MemoryByLength:
    by_length = memory_by_length.of_profile(profile(unit, **planted))
    assert by_length
    return by_length


def test_without_lengths_there_is_nothing() -> None:
    assert memory_by_length.of_profile(fabricated_reports.profile()) is None
    assert memory_page.by_length(fabricated_reports.profile()) == []


def test_what_a_token_takes_is_found() -> None:
    by_length = found(kinds=KINDS, ends=False)
    assert by_length.own.fit and by_length.own.fit.token.value == pytest.approx(3000, rel=0.05)
    half, quarter = (by_length.memory_of_row(other) for other in by_length.others)
    assert half and half.low < 0.5 < half.high and quarter and quarter.low < 0.25 < quarter.high
    assert [by_length.time(other).value for other in by_length.others] == pytest.approx([3.0, 1.1])
    assert np.abs(by_length.own.residuals).max() < 1e7


def test_the_largest_that_fits_is_that_which_was_seen() -> None:
    table = found().largest
    assert (table["fits"] < table["out_of_memory"]).all()
    assert (table["fits"] * table["length"]).tolist() == pytest.approx([0.97 * 1.4e9 / 3000] * 4, rel=0.01)
    never = found(ends=False).largest
    assert never["out_of_memory"].isna().all() and never["fits"].notna().all()


def test_the_evaluation_is_no_update() -> None:
    by_length = found(evaluation=1e6)
    assert by_length.evaluation(400) == 1e9 and by_length.evaluation(300) == pytest.approx(9e8)
    assert by_length.own.fitting["purpose"].isin(["point", "end"]).all()
    assert "1.00 GB at 400" in sentences.evaluation(by_length)[0] and not sentences.evaluation(found())


@pytest.mark.parametrize(("square", "says"), [(0.0, "half as long, twice the rows"), (20.0, "pairs are attention's")])
def test_the_report_says_whether_pairs_of_tokens_count(square, says) -> None:
    by_length = found(square=square, ends=False)
    assert says in sentences.fit(by_length)
    assert sentences.fit(found(tokens=(50,), ends=False)) == sentences.NO_FIT


def test_the_part_of_the_report_has_all_numbers() -> None:
    (part,) = memory_page.by_length(profile(kinds=KINDS))
    assert part.text.count("<figure") == 2 and part.text.count("<table") == 2
    for text in ("float32 in 4 parts", "mixed_bfloat16, beside float32", "With 2.00 GB"):
        assert text in part.text
    by_length = found(kinds=KINDS)
    for row in [*sentences.kinds(by_length, 4e9), *sentences.largest(by_length, [4e9])]:
        assert not {*row} & {"nan", "None", MISSING}


def test_of_images_it_speaks_of_pixels() -> None:
    widths = (40, 80, 160)
    planted = {"kinds": {("float32", 1): (25.0, 1e-6)}, "tokens": [width * width * 3 // 4 for width in widths]}
    by_length = found(PIXEL, **planted)
    assert by_length.unit == PIXEL and found().unit == found(TOKEN).unit == TOKEN
    (part,) = memory_page.by_length(profile(PIXEL, **planted))
    alts = re.findall(r'alt="([^"]*)"', part.text)
    assert "KiB for each pixel of the batch" in alts[0] and "rows of T pixels" in alts[0]
    assert "m·T: half the area, twice the rows" in alts[0]
    assert "a byte of each channel for each pixel of each row" in part.text.replace("&nbsp;", " ")
    svgs = [base64.b64decode(content).decode() for content in re.findall(r'src="data:[^,]*,([^"]*)"', part.text)]
    assert "pixels of an update, m·T" in svgs[0] and "T (pixels of a row)" in svgs[1]
    assert "token" not in " ".join([*svgs, re.sub('<[^>]*>|alt="[^"]*"', "", part.text), *alts])


@pytest.mark.parametrize("unit", [TOKEN, PIXEL])
def test_pairs_are_of_what_a_row_has(unit) -> None:
    said = sentences.fit(found(unit, square=20.0, ends=False))
    assert f"bytes for each pair of {unit}s of a row" in said and f"of a row of 400 {unit}s." in said
