"""Questions Q on made-up tables in which the answer is yes, no, that nothing matters, and open."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.claims.judged import answered, noisy, of_size, says
from tests.fabricated_studies import costs, falling, study

SAME, OPEN = "no difference that matters", "cannot be told"


@pytest.mark.parametrize(
    ("rate", "more", "scale", "expected"),
    [(0.01, 0, 0.01, "yes"), (0, -0.5, 0.01, "no"), (0, 0, 0.001, SAME), (0, 0, 0.5, OPEN)],
)
def test_q1_equal_epochs(rate, more, scale, expected) -> None:
    assert says("Q1", study(scaling="none", curve=falling(rate, more, scale))) == [expected]


@pytest.mark.parametrize(
    ("more", "scale", "expected"), [(0, 0.001, SAME), (0.8, 0.01, "yes"), (-0.8, 0.01, "no"), (0.3, 0.8, OPEN)]
)
def test_q2_equal_updates(more, scale, expected) -> None:
    """m = 16 makes 126 updates in 2 epochs, m = 128 in 16 of its 20 epochs."""
    made = study(sizes=(16, 128), scaling="none", curve=falling(0.005, more, scale))
    assert says("Q2", made) == [expected]


@pytest.mark.parametrize(("rows", "scale", "expected"), [(0, 0.0001, SAME), (8, 0.001, "yes"), (1, 0.02, OPEN)])
@pytest.mark.parametrize("fresh", [0, 10])
def test_q3_same_result(rows, scale, expected, fresh) -> None:
    values = {1: 0.9, 100: 0.9, 1000: 0.9 - rows / 400}
    sizes = (1, 100, 10**9)
    made = study(sizes=sizes, fresh=fresh, accuracy=of_size(values, scale), validation_rows=0, scaling="none")
    assert says("Q3", made)[1] == expected


def test_q3_compares_at_the_chosen_rates() -> None:
    """At m = 1 the larger rate is no good: a mean over all rates would be a quarter lower, and is nobody's result."""
    accuracy = noisy(lambda m, rate: 0.5 if m == 1 and rate > 0.1 else 0.9, 1e-5)
    assert says("Q3", study(sizes=(1, 100, 1000), rates=(0.1, 0.2), accuracy=accuracy)) == [SAME, SAME]


def test_q4_looks_at_all_pairs() -> None:
    """0.7 points from one m to the next are 1.4 between 16 and 64."""
    made = study(sizes=(16, 32, 64), accuracy=of_size({16: 0.9, 32: 0.907, 64: 0.914}, 0.0005))
    assert says("Q4", made) == ["yes", "no", "yes"]


@pytest.mark.parametrize(
    ("of_64", "scale", "expected"),
    [(0.901, 0.001, "yes"), (0.85, 0.002, "no"), (0.95, 0.002, "no"), (0.94, 0.03, OPEN)],
)
def test_q4_a_few(of_64, scale, expected) -> None:
    made = study(sizes=(16, 64), accuracy=of_size({16: 0.9, 64: of_64}, scale))
    assert says("Q4", made) == [expected]


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
        ([17, 18, 19, 18, 17], "yes"),
        ([np.nan] * 5, "yes"),
        ([1, 2, 1, 2, 1], "no"),
        ([2, 16, 6, 1, 12], OPEN),
    ],
)
def test_q5_small_and_fast(large, expected) -> None:
    assert says("Q5", study(costs=to_target({16: [4, 5, 5, 6, 5], 256: large}))) == [expected]


def test_q5_equal_numbers_of_few_epochs_are_no_proof_that_they_are_equal() -> None:
    """Five epochs may be 4.5 or 5.4; of 20, one more or less is within a tenth."""
    assert says("Q5", study(costs=to_target({16: [5] * 5, 256: [5] * 5}))) == [OPEN]
    assert says("Q5", study(costs=to_target({16: [20] * 5, 256: [20] * 5}))) == [SAME]


def test_q5_needs_a_target_that_the_small_batch_reaches() -> None:
    made = study(costs=to_target({16: [4, 5, 5, 6, np.nan], 256: [9] * 5}))
    assert answered("Q5", made).judged == ()
