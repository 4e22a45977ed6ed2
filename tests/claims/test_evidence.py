"""Comparisons against SciPy and statsmodels, and what can be told of few or equal values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from batchwise.claims.evidence import (
    NONE_COUNTED,
    SEEDS,
    Comparison,
    Measured,
    Right,
    above,
    below,
    compare,
    counted,
    fitted,
    not_zero,
    over_seeds,
    ratio,
    within,
)
from batchwise.statistics.intervals import Estimate

VALUES = arrays(float, st.integers(2, 8), elements=st.integers(-1000, 1000).map(lambda i: i / 7)).filter(
    lambda values: np.ptp(values) > 0
)
BOUNDS = st.integers(-150, 150).map(float)


def p_values(measured: Measured, right: Right) -> tuple[float, float]:
    one = compare("study", "quantity", measured, right=right)
    return one.p_for, one.p_against


@given(VALUES, BOUNDS)
def test_above_and_below_are_one_sided_t_tests(values: np.ndarray, bound: float) -> None:
    greater, less = (stats.ttest_1samp(values, bound, alternative=side).pvalue for side in ("greater", "less"))
    assert p_values(over_seeds(values), above(bound)) == pytest.approx((greater, less))
    assert p_values(over_seeds(values), below(bound)) == pytest.approx((less, greater))
    assert p_values(over_seeds(-values), below(-bound)) == p_values(over_seeds(values), above(bound))


@given(VALUES, BOUNDS.filter(bool).map(abs))
def test_within_is_two_one_sided_t_tests(values: np.ndarray, margin: float) -> None:
    inside, beyond = p_values(over_seeds(values), within(-margin, margin))
    assert inside == pytest.approx(ttost_paired(values, np.zeros(len(values)), -margin, margin)[0])
    over = stats.ttest_1samp(values, margin, alternative="greater").pvalue
    under = stats.ttest_1samp(values, -margin, alternative="less").pvalue
    assert beyond == pytest.approx(min(1, 2 * min(over, under)))


@given(VALUES, BOUNDS.filter(bool).map(abs))
def test_not_zero_is_a_two_sided_t_test_for_and_equivalence_against(values: np.ndarray, margin: float) -> None:
    apart, inside = p_values(over_seeds(values), not_zero(margin))
    assert apart == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert inside == p_values(over_seeds(values), within(-margin, margin))[0]


@given(VALUES)
def test_the_effect_is_the_mean_with_the_interval_of_scipy(values: np.ndarray) -> None:
    one = compare("study", "quantity", over_seeds(np.append(values, np.nan)), right=above(0))
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert tuple(one.effect) == pytest.approx((values.mean(), low, high), abs=1e-9)
    assert (one.n, one.sample) == (len(values), SEEDS)


@pytest.mark.parametrize(
    ("right", "distances"),
    [
        (above(2), [-1, 1, 3]),
        (below(2), [1, -1, -3]),
        (within(2, 4), [-1, 1, -1]),
        (not_zero(1), [1, 3, 5]),
        (NONE_COUNTED, [-1, -3, -5]),
    ],
)
def test_the_distance_is_negative_where_the_claim_is_wrong(right: Right, distances: list[float]) -> None:
    assert [right.distance(effect) for effect in (1, 3, 5)] == distances


def test_an_estimate_is_above_its_own_bound_with_a_p_value_of_a_fortieth() -> None:
    fit = fitted(Estimate(1.0, 0.2, 1.8), points=5)
    assert p_values(fit, above(0.2))[0] == pytest.approx(0.025)
    assert p_values(fit, above(1.8))[1] == pytest.approx(0.025)
    assert p_values(fit, within(0.2, 1.8)) == pytest.approx((0.025, 1.0))


def test_a_ratio_is_tested_on_a_log_scale() -> None:
    times = ratio(Estimate(1.0, 0.5, 2.0), 3, 38)
    assert p_values(times, below(2))[0] == p_values(times, above(0.5))[0] == pytest.approx(0.025)


@pytest.mark.parametrize(("found", "expected"), [(0, (0, 1)), (2, (1, 0))])
def test_what_is_counted_is_without_doubt(found: int, expected: tuple[float, float]) -> None:
    one = compare("study", "quantity", counted(found, 4, SEEDS), right=NONE_COUNTED)
    assert (one.p_for, one.p_against) == expected and one.is_counted
    assert tuple(one.effect) == (found, found, found) and one.n == 4


@pytest.mark.parametrize(
    ("measured", "right"),
    [
        (fitted(Estimate(1.0, np.nan, np.nan), 2), above(0)),
        (ratio(Estimate(1.0, np.nan, np.nan), 1, 0), below(2)),
        (over_seeds(np.array([3.0])), above(0)),
        (over_seeds(np.array([np.nan, 0.0])), within(-1, 1)),
        (over_seeds(np.array([np.nan])), not_zero(1)),
    ],
)
def test_what_has_no_interval_decides_nothing(measured: Measured, right: Right) -> None:
    assert p_values(measured, right) == (1.0, 1.0)


def test_equal_seeds_have_no_doubt() -> None:
    assert p_values(over_seeds(np.full(4, 0.5)), above(0)) == (0.0, 1.0)
    assert p_values(over_seeds(np.zeros(4)), above(0)) == (1.0, 1.0)
    assert p_values(over_seeds(np.full(4, 0.1 + 0.2 - 0.3)), above(0)) == (1.0, 1.0)
    assert p_values(over_seeds(np.zeros(4)), within(-1, 1)) == (0.0, 1.0)
    assert p_values(over_seeds(np.zeros(4)), not_zero(1)) == (1.0, 0.0)


def test_numbers_are_kept_for_the_sentence() -> None:
    one = compare("study", "best_of_sizes", over_seeds(np.ones(3)), right=above(0), best=2, other=4)
    assert isinstance(one, Comparison) and one.numbers == {"best": 2, "other": 4}
