"""Comparisons of the best of two groups: studies that make too few updates to train are told apart."""

import pytest

from batchwise.claims.field.best_cells import TOO_FEW, TRAINS
from tests.claims.judged import answered
from tests.fabricated_studies import study


def accuracy(m: int, rate: float, seed: int) -> float:
    return {16: 0.9, 64: 0.9, 256: 0.6}[m] + 0.001 * (seed % 3)


@pytest.mark.parametrize("asked", ["G1", "G3"])
def test_what_makes_too_few_updates_is_told_apart(asked: str) -> None:
    trains = study("trains", sizes=(16, 256), accuracy=lambda m, rate, seed: accuracy(16, rate, seed))
    lacks = study("lacks", sizes=(16, 256), accuracy=accuracy, few=(256,))
    found = answered(asked, trains, lacks)
    assert found.groups == {TRAINS: "no difference that matters", TOO_FEW: "yes"}


def test_one_that_is_not_compared_does_not_count() -> None:
    """The best from 256 on is 512, which trains."""
    made = study(sizes=(16, 256, 512), accuracy=lambda m, rate, seed: 0.8 if m == 256 else 0.9, few=(256,))
    (one,) = answered("G1", made).judged
    assert one.evidence.group == TRAINS
