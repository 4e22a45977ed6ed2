"""Censored values: the median against two others, means of intervals against ordinary ones and a likelihood."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.regression.linear_model import OLS

from batchwise.statistics.censored_values import bounded, censored_median, log_means

TIMES = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=20)


@given(TIMES)
def test_censored_median_is_that_of_statsmodels(times: list[tuple[int, bool]]) -> None:
    values, reached = (np.array(column) for column in zip(*times, strict=True))
    median = censored_median(values, reached)
    if not reached.any():
        assert median == np.inf
        return
    curve = SurvfuncRight(values, reached)
    below = curve.quantile(0.5 + 1e-9)  # where the share above is less than one half
    at = curve.quantile(0.5 - 1e-9)  # where it is one half or less
    assert median == (np.inf if np.isnan(at) else at if np.isnan(below) else (at + below) / 2)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=15), st.integers(0, 15))
def test_censored_median_counts_seeds_at_the_end_of_the_budget_as_infinite(steps: list[int], unreached: int) -> None:
    values = np.array(steps + [51] * unreached)
    reached = values < 51
    expected = np.median(np.where(reached, values, np.inf))
    if 2 * len(steps) == len(values):  # exactly half reach the target: the last of them
        expected = max(steps)
    assert censored_median(values, reached) == expected


GROUPS, SEEDS = np.repeat([1, 2, 4, 8], 5), np.tile(np.arange(5), 4)


def values(seed: int, std: float = 0.1, of_seeds: float = 0.2) -> np.ndarray:
    """Values of four groups whose logarithms have means 1, 2, 3, 4, seeds that all share, and errors."""
    generator = np.random.default_rng([8, seed])
    shared = generator.normal(0, of_seeds, 5)
    return np.exp(np.repeat([1.0, 2, 3, 4], 5) + np.tile(shared, 4) + generator.normal(0, std, 20))


@pytest.mark.parametrize("seed", range(5))
def test_means_of_narrow_intervals_are_those_of_an_analysis_of_variance_with_seeds(seed: int) -> None:
    log_values = np.log(values(seed))
    found = log_means(GROUPS, SEEDS, np.exp(log_values - 1e-6), np.exp(log_values))
    of_seeds = 1.0 * (SEEDS[:, None] == np.arange(4)) - (SEEDS[:, None] == 4)  # their sum is 0
    design = np.hstack([GROUPS[:, None] == np.unique(GROUPS), of_seeds])
    fit = OLS(log_values, design).fit()
    assert found.groups.tolist() == [1, 2, 4, 8]
    assert found.mean == pytest.approx(fit.params[:4], abs=1e-4)
    assert found.seed_effects[:4] == pytest.approx(fit.params[4:], abs=1e-6)
    assert found.degrees == fit.df_resid == 12
    assert found.std == pytest.approx(np.sqrt(fit.scale), rel=0.02)
    assert found.errors == pytest.approx(np.full(4, np.sqrt(fit.scale / 5)), rel=0.02)


def test_means_of_wide_intervals_are_at_the_top_of_their_likelihood() -> None:
    """Of one group, when values were seen at whole numbers and some are known to be larger."""
    generator = np.random.default_rng(9)
    groups = np.repeat([1, 2], 40)
    upper = np.ceil(np.exp(generator.normal(np.repeat([0.7, 1.1], 40), 0.4)))
    lower = upper - 1
    lower[upper > 5], upper[upper > 5] = 5, np.inf
    with np.errstate(divide="ignore"):
        low, high = np.log(lower), np.log(upper)

    def unlikelihood(parameters: np.ndarray) -> float:
        law = stats.norm(parameters[groups - 1], np.exp(parameters[2]))
        return -np.sum(np.log(law.cdf(high) - law.cdf(low)))

    top = minimize(
        unlikelihood, [1, 1, -1], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-8, "maxiter": 2000}
    )
    found = log_means(groups, np.zeros(80), lower, upper)
    assert found.mean == pytest.approx(top.x[:2], abs=0.02)
    shift = 0.01  # of a difference quotient, for the curvature of the likelihood
    for group, error in enumerate(found.errors):
        ends = [unlikelihood(top.x + side * shift * (np.arange(3) == group)) for side in (-1, 1)]
        assert error == pytest.approx(shift / np.sqrt(sum(ends) - 2 * top.fun), rel=0.1)


def test_values_that_all_lie_between_the_same_bounds_have_the_error_of_a_uniform_distribution() -> None:
    lower, upper = np.repeat([100.0, 200, 400, 800], 5), np.repeat([200.0, 400, 800, 1600], 5)
    found = log_means(GROUPS, SEEDS, lower, upper)
    assert found.mean == pytest.approx(np.log(100 * np.sqrt(2) * 2.0 ** np.arange(4)), abs=1e-3)
    assert found.errors == pytest.approx(np.full(4, np.log(2) / np.sqrt(12)), rel=0.05)


def test_groups_that_are_censored_on_one_side_do_not_count() -> None:
    lower = np.array([0.0, 0, 0, 1, 3, 3, 3, 3])
    upper = np.array([1.0, 1, 1, 2, 4, np.inf, np.inf, np.inf])
    groups = np.repeat([1, 2, 4, 8], 2)
    assert bounded(groups, lower, upper).tolist() == [False, False, True, True, True, True, False, False]
    assert log_means(groups, np.tile([0, 1], 4), lower, upper).groups.tolist() == [2, 4]


@given(st.integers(0, 20), st.permutations(range(20)), st.permutations(range(5)))
def test_neither_the_order_of_rows_nor_the_names_of_seeds_matter(seed: int, order: list[int], names: list[int]) -> None:
    upper = np.ceil(values(seed))
    found = log_means(GROUPS, SEEDS, upper - 1, upper)
    again = log_means(GROUPS[order], SEEDS[order], upper[order] - 1, upper[order])
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)
    renamed = log_means(GROUPS, np.array(names)[SEEDS], upper - 1, upper)
    assert renamed.mean == pytest.approx(found.mean) and renamed.errors == pytest.approx(found.errors)
