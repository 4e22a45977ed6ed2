"""Claims Q on made-up tables in which they are right, wrong, and open."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED
from tests.claims.judged import of_size, verdict
from tests.fabricated_studies import costs, falling, study


@pytest.mark.parametrize(
    ("rate", "more", "scale", "expected"),
    [(0.01, 0, 0.01, SUPPORTED), (0, -0.5, 0.01, CONTRADICTED), (0, 0, 0.5, NOT_DECIDED)],
)
def test_q1_equal_epochs(rate, more, scale, expected) -> None:
    assert verdict("Q1", study(scaling="none", curve=falling(rate, more, scale))) == expected


@pytest.mark.parametrize(
    ("more", "scale", "expected"), [(0, 0.01, SUPPORTED), (0.8, 0.01, CONTRADICTED), (0.3, 0.8, NOT_DECIDED)]
)
def test_q2_equal_updates(more, scale, expected) -> None:
    """m = 16 makes 126 updates in 2 epochs, m = 128 in 16 of its 20 epochs."""
    made = study(sizes=(16, 128), scaling="none", curve=falling(0.005, more, scale))
    assert verdict("Q2", made) == expected


@pytest.mark.parametrize(
    ("rows", "scale", "expected"), [(0, 0.0001, SUPPORTED), (8, 0.001, CONTRADICTED), (1, 0.02, NOT_DECIDED)]
)
def test_q3_same_result(rows, scale, expected) -> None:
    values = {1: 0.9, 100: 0.9, 1000: 0.9 - rows / 400}
    made = study(sizes=(1, 100, 10**9), accuracy=of_size(values, scale), validation_rows=0, scaling="none")
    assert verdict("Q3", made) == expected


@pytest.mark.parametrize(
    ("of_64", "scale", "expected"), [(0.901, 0.001, SUPPORTED), (0.85, 0.002, CONTRADICTED), (0.89, 0.03, NOT_DECIDED)]
)
def test_q4_a_few(of_64, scale, expected) -> None:
    made = study(sizes=(16, 32, 64), accuracy=of_size({16: 0.9, 32: 0.9, 64: of_64}, scale))
    assert verdict("Q4", made) == expected


def to_target(epochs: dict[int, list[float]]) -> SimpleNamespace:
    """Return the costs of runs that need so many epochs to 90 %; NaN for a run that is not there after 20."""
    runs = pd.DataFrame(
        [(0.9, m, 0.01, seed, value) for m, values in epochs.items() for seed, value in enumerate(values)],
        columns=["target", "batch_size", "base_learning_rate", "seed", "epochs"],
    )
    rows = [(0.9, m, 0.01, 5, int(np.isfinite(values).sum()), np.median(values), 20) for m, values in epochs.items()]
    names = ["target", "batch_size", "base_learning_rate", "runs", "reached", "epochs", "epochs_trained"]
    return costs({}, target_runs=runs, targets=pd.DataFrame(rows, columns=names))


@pytest.mark.parametrize(
    ("large", "expected"),
    [
        ([17, 18, 19, 18, 17], SUPPORTED),
        ([np.nan] * 5, SUPPORTED),
        ([1, 2, 1, 2, 1], CONTRADICTED),
        ([2, 16, 6, 1, 12], NOT_DECIDED),
    ],
)
def test_q5_small_and_fast(large, expected) -> None:
    assert verdict("Q5", study(costs=to_target({16: [4, 5, 5, 6, 5], 256: large}))) == expected


def test_q5_needs_a_target_that_the_small_batch_reaches() -> None:
    assert verdict("Q5", study(costs=to_target({16: [4, 5, 5, 6, np.nan], 256: [9] * 5}))) == NOT_DECIDED
