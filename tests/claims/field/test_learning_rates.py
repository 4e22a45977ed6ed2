"""Claims L on made-up tables in which they are right, wrong, and open."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED
from tests.claims.judged import noisy, verdict
from tests.fabricated_studies import costs, study

RATES = tuple(2.0**-k for k in range(8))


def trains_up_to(edge, scale=0.001) -> Callable:
    """Return accuracies that are good up to the rate `edge` of m, and bad above."""
    return noisy(lambda m, rate: 0.9 if rate <= edge(m) else 0.3, scale)


@pytest.mark.parametrize(
    ("edge", "expected"),
    [(lambda m: 1 / m, SUPPORTED), (lambda m: m / 64, CONTRADICTED), (lambda m: 0.25, NOT_DECIDED)],
)
@pytest.mark.parametrize("claim", ["L1", "L2"])
def test_l1_l2_range(claim, edge, expected) -> None:
    def jittered(m, rate, seed):
        """Where the edge does not move, it does so by seed and m alone."""
        moved = 2.0 ** np.random.default_rng([m, seed]).integers(-1, 2)
        return trains_up_to(lambda m: edge(m) * moved)(m, rate, seed)

    assert verdict(claim, study(sizes=(2, 8, 32), rates=RATES, accuracy=jittered)) == expected


def sampled(exponent: float, scale: float) -> SimpleNamespace:
    """Return sampled updates whose covariance goes with η̃²·m to the power `exponent`."""
    random = np.random.default_rng(2)
    rows = [
        (
            seed,
            16,
            m,
            base,
            base * np.exp(scale * random.normal()),
            (base**2 * m) ** exponent * np.exp(scale * random.normal()),
        )
        for seed in range(5)
        for m in (4, 16, 64)
        for base in (0.01, 0.04)
    ]
    names = ["seed", "batch_size", "update_batch_size", "base_learning_rate", "mean_per_example", "covariance_trace"]
    empty = pd.DataFrame()
    return SimpleNamespace(cells=empty, updates=pd.DataFrame(rows, columns=names).assign(weights="final"), steps=empty)


@pytest.mark.parametrize(
    ("exponent", "scale", "expected"), [(1, 0.05, SUPPORTED), (1.5, 0.05, CONTRADICTED), (1.1, 0.9, NOT_DECIDED)]
)
def test_l3_updates(exponent, scale, expected) -> None:
    assert verdict("L3", study(landscape=sampled(exponent, scale))) == expected


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [((1.0, 0.95, 1.05), SUPPORTED), ((0.4, 0.35, 0.45), CONTRADICTED), ((0.9, 0.4, 1.4), NOT_DECIDED)],
)
def test_l4_law(exponent, expected) -> None:
    assert verdict("L4", study(costs=costs({}, exponent))) == expected
    adam = study("adam", costs=costs({}, exponent), changes={"optimizer": {"name": "adam"}})
    assert verdict("L4", adam) == {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED}.get(expected, expected)


@pytest.mark.parametrize(("distance", "expected"), [(0.03, SUPPORTED), (0.3, CONTRADICTED), (0.1, NOT_DECIDED)])
def test_l4_steps(distance, expected) -> None:
    steps = pd.DataFrame({"seed": range(5), "parts": 2, "relative_distance": distance + 0.02 * np.arange(-2, 3)})
    made = SimpleNamespace(cells=pd.DataFrame(), updates=pd.DataFrame(), steps=steps)
    assert verdict("L4", study(landscape=made)) == expected


@pytest.mark.parametrize(
    ("edge", "of_adam", "expected"), [(0.1, 0.9, SUPPORTED), (0.9, 0.1, CONTRADICTED), (0.1, 0.101, NOT_DECIDED)]
)
def test_l5_adaptive(edge, of_adam, expected) -> None:
    def jittered(edge):
        """The edge of the range, moved by an octave for some seeds."""

        def value(m, rate, seed):
            moved = edge * 2.0 ** np.random.default_rng([seed, int(edge * 10_000)]).integers(-1, 2)
            return trains_up_to(lambda m: moved)(m, rate, seed)

        return value

    plain = study("plain", rates=RATES, accuracy=jittered(edge))
    adam = study("adam", rates=RATES, accuracy=jittered(of_adam), changes={"optimizer": {"name": "adam"}})
    assert verdict("L5", plain, adam) == expected
    adam.tables.summary["statistic"] = {"name": "median_of_last_5_epochs", "shorter": {}}
    assert verdict("L5", plain, adam) == NOT_DECIDED  # their results are not of one kind
