"""Comparisons against SciPy and statsmodels, and what can be told of few or equal values."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from batchwise.claims.comparison import (
    SEEDS,
    Comparison,
    Scale,
    counted,
    fitted,
    on_scale,
    over_seeds,
    ratio_over_seeds,
)
from batchwise.statistics.equivalence import UNKNOWN
from batchwise.statistics.intervals import Estimate

VALUES = arrays(float, st.integers(2, 8), elements=st.integers(-1000, 1000).map(lambda i: i / 7)).filter(
    lambda values: np.ptp(values) > 0
)
MARGINS = st.integers(1, 150).map(float)


def compared(margin: float = 1.0, **measured) -> Comparison:
    return Comparison("study", "quantity", **measured, margin=margin)


@given(VALUES, MARGINS)
def test_p_values_are_those_of_one_sided_t_tests(values: np.ndarray, margin: float) -> None:
    found = compared(margin, **over_seeds(values)).tests
    greater = stats.ttest_1samp(values, margin, alternative="greater").pvalue
    less = stats.ttest_1samp(values, -margin, alternative="less").pvalue
    inside = ttost_paired(values, np.zeros(len(values)), -margin, margin)[0]
    assert (found.above, found.within, found.below) == pytest.approx((greater, inside, less), abs=1e-9)
    turned = compared(margin, **over_seeds(-values)).tests
    assert (turned.below, turned.within, turned.above) == pytest.approx(tuple(found), abs=1e-9)


@given(VALUES)
def test_the_effect_is_the_mean_with_the_interval_of_scipy(values: np.ndarray) -> None:
    found = over_seeds(np.append(values, np.nan))
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert tuple(found["effect"]) == pytest.approx((values.mean(), low, high), abs=1e-9)
    assert (found["n"], found["degrees"], found["sample"]) == (len(values), len(values) - 1, SEEDS)


@given(VALUES, st.randoms())
def test_seeds_have_no_order(values: np.ndarray, random) -> None:
    order = random.sample(range(len(values)), len(values))
    found, other = over_seeds(values)["effect"], over_seeds(values[order])["effect"]
    assert tuple(found) == pytest.approx(tuple(other), rel=1e-9, abs=1e-9)


@given(VALUES.map(lambda values: values / 100), st.floats(1.01, 10))
def test_a_ratio_is_tested_by_its_logarithm(logs: np.ndarray, margin: float) -> None:
    one = compared(margin, **ratio_over_seeds(logs))
    assert one.scale == Scale.RATIO and one.effect.value == pytest.approx(stats.gmean(np.exp(logs)))
    plain = compared(float(np.log(margin)), **over_seeds(logs))
    assert tuple(one.tests) == pytest.approx(tuple(plain.tests), abs=1e-9)
    turned = compared(margin, **ratio_over_seeds(-logs))
    assert turned.tests.below == pytest.approx(one.tests.above, abs=1e-9)


def test_an_estimate_is_above_the_end_of_its_interval_with_a_p_value_of_a_fortieth() -> None:
    fit = fitted(Estimate(1.0, 0.2, 1.8), points=5)
    assert compared(0.2, **fit).tests.above == pytest.approx(0.025)
    assert compared(1.8, **fit).tests.within == pytest.approx(0.025, abs=1e-3)
    assert (fit["n"], fit["degrees"]) == (5, 3)


@given(st.integers(2, 40), st.floats(0.01, 10), st.floats(-5, 5))
def test_equal_counts_are_known_to_the_rounding_of_one(n: int, resolution: float, value: float) -> None:
    """Equal values give no p-value of 0 where they are counted: each may be half a step off, which varies uniformly."""
    found = over_seeds(np.full(n, value), resolution)
    half = stats.t.ppf(0.975, n - 1) * stats.uniform(scale=resolution).std() / np.sqrt(n)
    assert found["effect"].high - found["effect"].value == pytest.approx(half, rel=1e-6)
    assert compared(resolution, **found).tests.within > 0 or abs(value) > resolution


@given(VALUES, st.floats(0.01, 10))
def test_a_spread_that_is_larger_than_the_rounding_stays(values: np.ndarray, resolution: float) -> None:
    assume(np.std(values, ddof=1) > resolution / np.sqrt(12))
    assert over_seeds(values, resolution) == over_seeds(values)


@pytest.mark.parametrize("found", [0, 2])
def test_what_is_counted_is_without_doubt(found: int) -> None:
    measured = counted(found, 4, SEEDS)
    assert tuple(measured["effect"]) == (found, found, found)
    assert (measured["n"], measured["scale"]) == (4, Scale.COUNT)


@pytest.mark.parametrize(
    "measured",
    [
        fitted(Estimate(1.0, np.nan, np.nan), 2),
        {"effect": Estimate(1.0, np.nan, np.nan), "degrees": 3, "n": 1, "sample": SEEDS, "scale": Scale.RATIO},
        {"effect": Estimate(-1.0, -2.0, 0.5), "degrees": 3, "n": 4, "sample": SEEDS, "scale": Scale.RATIO},
        over_seeds(np.array([3.0])),
        over_seeds(np.array([np.nan, 0.0]), resolution=1.0),
        over_seeds(np.array([np.nan])),
    ],
)
def test_what_has_no_interval_tells_nothing(measured: dict) -> None:
    assert compared(2.0, **measured).tests == UNKNOWN


@given(VALUES, MARGINS)
def test_the_interval_and_its_error_are_one(values: np.ndarray, margin: float) -> None:
    found = over_seeds(values)
    value, error, of_test = on_scale(found["effect"], found["degrees"], margin, Scale.DIFFERENCE)
    assert (value, error, of_test) == pytest.approx((values.mean(), stats.sem(values), margin), abs=1e-9)
