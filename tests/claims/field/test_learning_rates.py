"""Questions L on made-up tables in which the answer is yes, no, that nothing matters, and open."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.field import learning_rates
from tests.claims.judged import answered, noisy, says
from tests.fabricated_studies import costs, study

RATES = tuple(2.0**-k for k in range(8))
SAME, OPEN = "no difference that matters", "cannot be told"


def trains_up_to(edge, scale=0.001) -> Callable:
    """Return accuracies that are good up to the rate `edge` of m, and bad above."""
    return noisy(lambda m, rate: 0.9 if rate <= edge(m) else 0.3, scale)


def jittered(edge: Callable[[int], float], octaves: int) -> Callable:
    """Return accuracies that are good up to an edge, which is moved by some octaves for each m and seed."""

    def value(m, rate, seed):
        moved = 2.0 ** np.random.default_rng([m, seed]).integers(-octaves, octaves + 1)
        return trains_up_to(lambda m: edge(m) * moved)(m, rate, seed)

    return value


@pytest.mark.parametrize(
    ("edge", "octaves", "expected"),
    [
        (lambda m: 1 / m, 1, "yes"),
        (lambda m: m / 64, 1, "no"),
        (lambda m: 0.1, 0, OPEN),
        (lambda m: 0.05, 3, OPEN),
    ],
)
@pytest.mark.parametrize("asked", ["L1", "L2"])
def test_l1_l2_range(asked, edge, octaves, expected) -> None:
    made = study(sizes=(2, 8, 32), rates=RATES, accuracy=jittered(edge, octaves))
    assert says(asked, made) == [expected]


@pytest.mark.parametrize(("step", "expected"), [(1.0, OPEN), (0.25, SAME)])
def test_edges_that_are_equal_are_known_to_a_step_of_the_grid(step, expected) -> None:
    """Five seeds with the same range do not show that it is the same, to half an octave, in steps of an octave.

    In steps of a quarter they do.
    """
    rates = tuple(2.0 ** (-step * k) for k in range(8))
    made = study(sizes=(2, 8, 32), rates=rates, accuracy=trains_up_to(lambda m: rates[3] * 1.01))
    (one,) = answered("L1", made).judged
    assert one.verdict == expected and one.evidence.effect.value == pytest.approx(0, abs=1e-9)
    assert one.evidence.effect.low < 0 < one.evidence.effect.high


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
    ("exponent", "scale", "expected"),
    [(1, 0.05, ["yes", "yes"]), (1.5, 0.05, ["yes", "no"]), (0.5, 0.05, ["yes", "no"]), (1.1, 0.9, [OPEN, OPEN])],
)
def test_l3_updates(exponent, scale, expected) -> None:
    assert says("L3", study(landscape=sampled(exponent, scale))) == expected


SIZES = (2, 4, 8, 16, 32, 64, 128, 256, 512)


def with_rates(name: str, rates: dict[int, float], optimizer: str, better: str = "", bound: float = 0) -> StudyResults:
    """Return a study in which each m has a best η; `better` is the law that predicts better, which bends at a bound."""
    made = study(name, sizes=tuple(rates), rates=(0.01, 0.012), changes={"optimizer": {"name": optimizer}})
    chosen = {"learning_rate": [*rates.values()], "selected_by": "validation", "grid_edge": ""}
    cells = pd.DataFrame({"base_learning_rate": [0.01, 0.012]})
    tables = replace(made.tables, batch_sizes=made.tables.batch_sizes.assign(**chosen), cells=cells)
    law = {"comparison": {"better": better}, "batch_size": {"value": bound}}
    return StudyResults(tables, SimpleNamespace(measured=costs({}).measured, fits={"learning_rate_law": law}))


@pytest.mark.parametrize(
    ("exponent", "of_sgd", "of_adam"), [(1.0, "yes", "no"), (0.5, "no", "yes"), (1.9, "no", "no"), (0.75, OPEN, OPEN)]
)
def test_l4_and_l6_are_of_sgd_and_of_adam(exponent, of_sgd, of_adam) -> None:
    rates = {m: 0.01 * m**exponent for m in SIZES}
    sgd, adam = (with_rates(name, rates, name) for name in ("sgd", "adam"))
    assert (says("L4", sgd, adam), says("L6", sgd, adam)) == ([of_sgd], [of_adam])


def test_l4_is_asked_apart_where_the_best_rate_saturates() -> None:
    """One line through both would say that the rate does not grow with m."""
    rates = {m: 0.01 * min(m, 32) for m in SIZES}
    one = answered("L4", with_rates("sgd", rates, "sgd", "saturating", bound=32))
    assert [each.evidence.group for each in one.judged] == [learning_rates.BEST_RATE, learning_rates.SATURATED]
    assert [each.verdict for each in one.judged] == ["yes", "no"] and one.agreement == "it depends"
    assert [each.verdict for each in answered("L4", with_rates("sgd", rates, "sgd")).judged] == ["no"]


@pytest.mark.parametrize(("distance", "expected"), [(0.03, "yes"), (0.3, "no"), (0.1, OPEN)])
def test_l4_steps(distance, expected) -> None:
    steps = pd.DataFrame({"seed": range(5), "parts": 2, "relative_distance": distance + 0.02 * np.arange(-2, 3)})
    made = SimpleNamespace(cells=pd.DataFrame(), updates=pd.DataFrame(), steps=steps)
    assert says("L4", study(landscape=made)) == [expected]


@pytest.mark.parametrize(("edge", "of_adam", "expected"), [(0.1, 0.9, "yes"), (0.9, 0.1, "no"), (0.1, 0.101, OPEN)])
def test_l5_adaptive(edge, of_adam, expected) -> None:
    def by_seed(edge):
        """The edge of the range, moved by an octave for some seeds."""

        def value(m, rate, seed):
            moved = edge * 2.0 ** np.random.default_rng([seed, int(edge * 10_000)]).integers(-1, 2)
            return trains_up_to(lambda m: moved)(m, rate, seed)

        return value

    plain = study("plain", rates=RATES, accuracy=by_seed(edge))
    adam = study("adam", rates=RATES, accuracy=by_seed(of_adam), changes={"optimizer": {"name": "adam"}})
    assert says("L5", plain, adam) == [expected]
    adam.tables.summary["statistic"] = {"name": "median_of_last_5_epochs", "shorter": {}}
    assert says("L5", plain, adam) == []  # their results are not of one kind
