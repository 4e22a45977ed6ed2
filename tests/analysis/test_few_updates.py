"""Batch sizes that make too few updates to train: behind on training rows, and still learning."""

import dataclasses
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from batchwise.analysis.few_updates import too_few_updates
from batchwise.analysis.study_results import StudyResults
from tests.fabricated_studies import study


def ramp(start: float, quarter: float, end: float) -> Callable[[int], float]:
    """Return an accuracy by epoch: up to `quarter` at three quarters of the epochs, then up to `end`."""

    def value(epoch: int) -> float:
        first = min(epoch / 15, 1.0)
        return start + (quarter - start) * first + (end - quarter) * max(epoch - 15, 0) / 5

    return value


def made(curves: dict[int, tuple[float, float, float]], seeds: int = 2) -> StudyResults:
    """Return a study with a curve of the accuracy on training rows for each m."""
    of_size = {m: ramp(*ends) for m, ends in curves.items()}
    return study(sizes=[*curves], seeds=seeds, curve=lambda m, seed, epoch: (1.0, of_size[m](epoch)))


def test_one_that_is_behind_and_still_learns_is_named() -> None:
    assert too_few_updates(made({32: (0.1, 0.9, 0.92), 512: (0.1, 0.3, 0.4)}).tables) == [512]


def test_one_that_learns_no_more_is_not() -> None:
    """It may have the wrong learning rate, or be too small a model: more updates would not help."""
    assert too_few_updates(made({32: (0.1, 0.9, 0.92), 512: (0.1, 0.4, 0.4)}).tables) == []


def test_one_that_is_as_good_is_not() -> None:
    assert too_few_updates(made({32: (0.1, 0.9, 0.92), 512: (0.1, 0.8, 0.88)}).tables) == []


def test_one_with_the_most_updates_does_not_lack_them() -> None:
    assert too_few_updates(made({32: (0.1, 0.3, 0.4), 512: (0.1, 0.9, 0.92)}).tables) == []


def test_more_rows_than_there_are_count_as_all_of_them() -> None:
    """m = 1,000 and 2,000 are one batch size: all 1,000 rows."""
    slow, fast = ramp(0.1, 0.3, 0.4), ramp(0.1, 0.9, 0.92)
    both = study(sizes=(32, 1000, 2000), curve=lambda m, seed, epoch: (1.0, (slow if m > 32 else fast)(epoch)))
    assert too_few_updates(both.tables) == [1000]


@given(
    ends=st.lists(st.tuples(*[st.floats(0.1, 1.0)] * 2), min_size=3, max_size=3),
    order=st.permutations(range(3 * 21)),
)
def test_the_criterion_is_as_it_is_said_and_rows_have_no_order(ends, order) -> None:
    found = made({m: (0.1, *of) for m, of in zip((8, 64, 512), ends, strict=True)}, seeds=1)
    tables = dataclasses.replace(found.tables, curves=found.tables.curves.iloc[list(order)])
    expected = [
        m
        for place, m in enumerate((8, 64, 512))
        if any(100 * (ends[other][1] - ends[place][1]) > 5 + 1e-6 for other in range(place))
        and 100 * (ends[place][1] - ends[place][0]) > 1 + 1e-6
    ]
    close = any(
        abs(abs(100 * (one[1] - other[1])) - 5) < 1e-3 or abs(100 * (one[1] - one[0]) - 1) < 1e-3
        for one in ends
        for other in ends
    )
    assert close or too_few_updates(tables) == expected


def test_without_curves_nothing_is_named() -> None:
    found = made({32: (0.1, 0.9, 0.92), 512: (0.1, 0.3, 0.4)}).tables
    assert too_few_updates(dataclasses.replace(found, curves=found.curves.iloc[:0])) == []
