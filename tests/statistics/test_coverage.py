"""Intervals hold as often as they say: the planted truths of benchmarks/truths/intervals.py."""

from collections.abc import Callable

import pytest

from benchmarks.truths import intervals

REPETITIONS = 200


@pytest.mark.parametrize("part", [intervals.single, intervals.together, intervals.new_rows, intervals.new_studies])
def test_intervals_hold_as_often_as_they_should(part: Callable) -> None:
    found = list(part(REPETITIONS))
    assert [rate for rate in found if not rate.holds] == [] and len(found) >= 3


def test_rates_are_of_all_kinds_and_the_same_each_time() -> None:
    assert {rate.kind for rate in intervals.rates(2)} == {
        "interval of a mean",
        "differences together",
        "new seeds and rows",
        "mean over studies",
        "prediction for a new study",
    }
    assert intervals.rates(2) == intervals.rates(2)
