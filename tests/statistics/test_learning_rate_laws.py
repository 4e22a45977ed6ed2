"""The learning-rate laws against numpy's and scipy's fits, planted truth and what leaving out gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit

from batchwise.statistics.intervals import Estimate
from batchwise.statistics.learning_rate_laws import learning_rate_law
from benchmarks.truths import learning_rate_law as truths

REPEATS = 200
COVERED = stats.binom.ppf([0.0005, 0.9995], REPEATS, 0.95)  # how often 95 % intervals hold the truth
M = 2.0 ** np.arange(11)
INNER = np.zeros(len(M), bool)


def holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def rates(exponent: float, seed: int) -> np.ndarray:
    """Best learning rates with errors of half an octave."""
    return 2.0 ** (-7 + exponent * np.log2(M) + np.random.default_rng([2, seed]).normal(0, 0.5, len(M)))


@pytest.mark.parametrize("exponent", [1, 0.5, 0])
def test_learning_rate_law_covers_a_planted_exponent(exponent: float) -> None:
    inner = np.zeros(len(M), bool)
    laws = [learning_rate_law(M, rates(exponent, seed), inner, 0) for seed in range(REPEATS)]
    covered = sum(holds(law.exponent, exponent) for law in laws)
    assert covered >= 0.93 * REPEATS and covered <= COVERED[1]
    assert COVERED[0] <= sum(holds(law.intercept, -7) for law in laws) <= COVERED[1]
    assert np.mean([law.exponent.value for law in laws]) == pytest.approx(exponent, abs=0.02)


@given(st.lists(st.booleans(), min_size=11, max_size=11), st.integers(0, 100))
def test_learning_rates_at_the_edge_change_nothing(edge: list[bool], seed: int) -> None:
    at_edge = np.array(edge)
    wild = np.where(at_edge, 1e6, rates(0.5, seed))
    law = learning_rate_law(M, wild, at_edge, 0)
    assert (law.points, law.left_out) == (11 - sum(edge), sum(edge))
    if law.points < 3:
        assert np.isnan([*law.exponent, *law.intercept]).all()
        return
    fit = np.polyfit(np.log2(M[~at_edge]), np.log2(wild[~at_edge]), 1)
    assert (law.exponent.value, law.intercept.value) == pytest.approx(tuple(fit), abs=1e-9)


def test_a_batch_size_without_a_best_rate_is_left_out() -> None:
    values = np.where(M == 4, np.nan, 2 * M)
    law = learning_rate_law(M, values, M == 8, 0)
    assert (law.points, law.left_out) == (9, 2)
    assert (*law.exponent, *law.intercept) == pytest.approx((1, 1, 1, 1, 1, 1))


@pytest.mark.parametrize("sizes", [M, M[:3]])
@pytest.mark.parametrize(("exponent", "step"), [(1, 1), (0.5, 1), (0, 2), (0.37, 0.5)])
def test_learning_rate_law_knows_the_step_of_the_grid(sizes: np.ndarray, exponent: float, step: float) -> None:
    """Rates without any error but that of the grid, whose place is random."""
    covered = 0
    for seed in range(REPEATS):
        place = np.random.default_rng([4, seed]).uniform(-9, -5)
        best = place + exponent * np.log2(sizes)
        law = learning_rate_law(sizes, 2.0 ** (step * np.round(best / step)), np.zeros(len(sizes), bool), step)
        assert law.exponent.low < law.exponent.high and law.intercept.low < law.intercept.high
        covered += holds(law.exponent, exponent)
    assert covered >= COVERED[0]


def saturating(m: np.ndarray, log_max: float, log_critical: float) -> np.ndarray:
    """Return log₂ η* of the law that saturates."""
    return log_max / np.log(2) - np.log2(1 + np.exp(log_critical) / m)


@pytest.mark.parametrize("critical", [4, 30, 200])
def test_the_law_that_saturates_is_that_of_curve_fit_and_covers(critical: float) -> None:
    laws = []
    for seed in range(REPEATS):
        errors = np.random.default_rng([5, seed]).normal(0, 0.3, len(M))
        best = saturating(M, -1, np.log(critical)) + errors
        laws.append(learning_rate_law(M, 2.0**best, INNER, 0))
    params, _ = curve_fit(saturating, M, best, p0=[-1, np.log(critical)], xtol=1e-12, ftol=1e-12)
    assert np.log([laws[-1].rate_max.value, laws[-1].batch_size.value]) == pytest.approx(params, abs=1e-5)
    for part, truth in (("batch_size", critical), ("rate_max", np.exp(-1))):
        assert COVERED[0] <= sum(holds(getattr(law, part), truth) for law in laws) <= COVERED[1]


def test_rates_in_proportion_to_the_batch_size_leave_the_law_that_saturates_without_an_upper_bound() -> None:
    law = learning_rate_law(M, 0.01 * M, INNER, 1)
    assert law.batch_size.value == law.batch_size.high == law.rate_max.value == law.rate_max.high == np.inf
    assert law.batch_size.low > M.max() and law.rate_max.low > 0.01 * M.max()
    constant = learning_rate_law(M, np.full(len(M), 0.5), INNER, 1)
    assert (constant.batch_size.low, constant.rate_max.value) == (0, pytest.approx(0.5, rel=1e-5))
    assert constant.comparison.power == pytest.approx(0, abs=1e-9) and not constant.comparison.clear


@pytest.mark.parametrize("seed", range(3))
def test_the_errors_are_those_of_batch_sizes_that_were_left_out(seed: int) -> None:
    best = np.log2(rates(0.5, seed))
    found = learning_rate_law(M, 2.0**best, INNER, 0.5).comparison
    misses = np.empty((2, len(M)))
    for point in range(len(M)):
        rest = np.arange(len(M)) != point
        line = stats.linregress(np.log2(M[rest]), best[rest])
        params, _ = curve_fit(saturating, M[rest], best[rest], p0=[-3, 5], xtol=1e-10, ftol=1e-10)
        said = line.intercept + line.slope * np.log2(M[point]), saturating(M[point], *params)
        misses[:, point] = best[point] - np.array(said)
    assert (found.power, found.saturating) == pytest.approx(np.sqrt(np.square(misses).mean(axis=1)), abs=0.01)
    assert found.p_value == pytest.approx(stats.ttest_rel(*np.square(misses)).pvalue, abs=0.02)
    assert found.better == ("power" if found.power <= found.saturating else "saturating")


@pytest.mark.parametrize("points", [3, 4])
def test_three_or_four_batch_sizes_compare_nothing(points: int) -> None:
    law = learning_rate_law(M[:points], rates(0.5, 0)[:points], INNER[:points], 1)
    assert np.isfinite(law.exponent.value) and law.batch_size.high >= law.batch_size.low >= 0
    assert (law.comparison.better, law.comparison.clear) == ("", False) and np.isnan(law.comparison.power)


# Planted truths: best rates of noisy cells on a grid


@pytest.mark.parametrize("truth", [truths.POWERS[0], truths.SATURATINGS[0]])
def test_the_planted_law_predicts_better_and_the_other_seldom_clearly(truth: truths.Truth) -> None:
    laws = truths.repeated(truth, REPEATS)
    own, other = ("power", "saturating") if truth.exponent else ("saturating", "power")
    assert np.mean([law.comparison.better == own for law in laws]) >= 0.85
    assert np.mean([law.comparison.clear and law.comparison.better == other for law in laws]) <= 0.03


def test_the_intervals_of_both_laws_cover_where_rates_come_from_a_grid() -> None:
    for truth in truths.POWERS + truths.SATURATINGS:
        laws = truths.repeated(truth, REPEATS // 4)  # `python -m benchmarks.truth` has all
        inside = [
            holds(law.exponent, 0.5) if truth.exponent else holds(law.batch_size, truth.batch_size) for law in laws
        ]
        assert np.mean(inside) >= 0.9, str(truth)
