"""Lines against numpy's fits, printed tables, F tests and planted truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import WLS

from batchwise.statistics.fits import Line, straight_line
from batchwise.statistics.intervals import Estimate

REPEATS = 200
COVERED = stats.binom.ppf([0.0005, 0.9995], REPEATS, 0.95)  # how often 95 % intervals hold the truth
M = 2.0 ** np.arange(11)


def holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def step_times(seed: int, spread: float = 0.05, knee: float = 100) -> np.ndarray:
    """Seconds of a step at each of M, with errors proportional to them."""
    errors = np.random.default_rng([1, seed]).normal(0, spread, len(M))
    return 1e-5 * (knee + M) * (1 + errors)


@pytest.mark.parametrize("relative", [False, True])
@given(st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_straight_line_solves_the_normal_equations(relative: bool, points: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, y = np.arange(points) + generator.uniform(0, 0.5, points), generator.uniform(1, 2, points)
    line = straight_line(x, y, relative=relative)
    weights = np.diag(1 / y**2) if relative else np.eye(points)
    design = np.stack([np.ones(points), x], axis=1)
    inverse = np.linalg.inv(design.T @ weights @ design)
    params = inverse @ design.T @ weights @ y
    rest = y - design @ params
    errors = np.sqrt(np.diag(inverse) * (rest @ weights @ rest) / (points - 2))
    half = stats.t.ppf(0.975, points - 2) * errors
    for estimate, value, width in zip((line.intercept, line.slope), params, half, strict=True):
        assert estimate == pytest.approx((value, value - width, value + width), rel=1e-6, abs=1e-9)
    assert line.points == points


@pytest.mark.parametrize(("points", "critical"), [(3, 12.706), (5, 3.182), (11, 2.262)])  # t tables, 97.5 %, n − 2
@pytest.mark.parametrize("relative", [False, True])
def test_straight_line_has_the_interval_of_numpys_fit_and_the_t_table(points, critical, relative) -> None:
    x, y = M[:points], step_times(0)[:points]
    weights = 1 / y if relative else np.ones(points)  # numpy's multiply the residuals, not their squares
    fit, covariance = np.polyfit(x, y, 1, w=weights, cov=True)
    half = critical * np.sqrt(np.diag(covariance))
    line = straight_line(x, y, relative=relative)
    for estimate, i in ((line.slope, 0), (line.intercept, 1)):
        assert estimate == pytest.approx((fit[i], fit[i] - half[i], fit[i] + half[i]), rel=1e-3)
    rest, centred = y - np.polyval(fit, x), y - np.average(y, weights=weights**2)
    assert line.r_squared == pytest.approx(1 - np.sum((weights * rest) ** 2) / np.sum((weights * centred) ** 2))


@given(st.floats(-3, 3), st.floats(0.01, 100))
def test_straight_line_finds_the_exponent_of_a_power_law(power: float, factor: float) -> None:
    x = np.array([2.0, 4, 8, 32, 100])
    slope = straight_line(np.log2(x), np.log2(factor * x**power), relative=False).slope
    assert slope == pytest.approx((power, power, power), abs=1e-6)


@pytest.mark.parametrize("relative", [False, True])
@given(st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_straight_line_is_that_of_statsmodels(relative: bool, points: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, y = np.arange(points) + generator.uniform(0, 0.5, points), generator.uniform(1, 2, points)
    line = straight_line(x, y, relative=relative)
    fit = WLS(y, np.column_stack([np.ones(points), x]), weights=1 / y**2 if relative else 1).fit()
    for estimate, value, ends in zip((line.intercept, line.slope), fit.params, fit.conf_int(0.05), strict=True):
        assert estimate == pytest.approx((value, *ends), rel=1e-9, abs=1e-9)
    assert line.r_squared == pytest.approx(fit.rsquared, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 2), st.booleans())
def test_ratio_ends_where_an_f_test_begins_to_reject_it(seed: int, spread: float, relative: bool) -> None:
    """ρ is excluded if y = b·(x + ρ) leaves too large a sum of squares beside that of the free line."""
    generator = np.random.default_rng(seed)
    x, y = np.arange(8.0), (5 + np.arange(8)) * generator.lognormal(0, spread, 8)
    weights = 1 / y if relative else np.ones(8)
    line = straight_line(x, y, relative=relative)

    def excess(ratio: float) -> float:
        """The F statistic of `ratio` over its 95 % point: above 1 it is excluded."""
        restricted = np.linalg.lstsq((weights * (x + ratio))[:, None], weights * y)[1][0]
        free = np.linalg.lstsq(np.stack([weights, weights * x], axis=1), weights * y)[1][0]
        return (restricted - free) / (free / 6) / stats.f.ppf(0.95, 1, 6)

    for bound in (line.ratio.low, line.ratio.high):
        assert np.isinf(bound) or excess(bound) == pytest.approx(1, rel=1e-3)
    assert np.isfinite(line.ratio.low) or excess(-1e9) <= 1
    assert np.isfinite(line.ratio.high) == (not line.slope.low <= 0 <= line.slope.high)
    if np.isfinite(line.ratio.value):
        assert holds(line.ratio, line.ratio.value)
        assert line.ratio.value == pytest.approx(line.intercept.value / line.slope.value)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.booleans())
def test_a_line_without_errors_is_found(intercept: float, slope: float, relative: bool) -> None:
    line = straight_line(M, intercept + slope * M, relative=relative)
    expected = [intercept] * 3 + [slope] * 3 + [intercept / slope] * 3 + [1]
    assert (*line.intercept, *line.slope, *line.ratio, line.r_squared) == pytest.approx(expected, rel=1e-6)


def test_knee_and_slope_of_step_times_are_covered() -> None:
    lines = [straight_line(M, step_times(seed), relative=True) for seed in range(REPEATS)]
    for part, truth in (("ratio", 100), ("slope", 1e-5), ("intercept", 1e-3)):
        assert COVERED[0] <= sum(holds(getattr(line, part), truth) for line in lines) <= COVERED[1]


def test_the_knee_of_times_that_do_not_grow_has_no_upper_bound() -> None:
    ratios = [straight_line(M, step_times(seed, knee=1e9), relative=True).ratio for seed in range(REPEATS)]
    unbounded = [ratio for ratio in ratios if ratio.high == np.inf]
    assert COVERED[0] <= len(unbounded) <= COVERED[1]
    assert min(ratio.low for ratio in unbounded) > M.max()  # even so, it is beyond all batch sizes


def test_constant_values_have_no_slope_and_an_infinite_ratio() -> None:
    line = straight_line(M, np.full(len(M), 0.1), relative=True)
    assert (*line.intercept, *line.slope, *line.ratio) == (0.1, 0.1, 0.1, 0, 0, 0, np.inf, np.inf, np.inf)
    assert np.isnan(line.r_squared)


def test_two_different_batch_sizes_are_too_few_for_a_line() -> None:
    line = straight_line(np.array([1.0, 2, 2]), np.array([1.0, 2, 3]), relative=True)
    assert np.isnan([*line.intercept, *line.slope, *line.ratio, line.r_squared]).all()
    assert isinstance(line, Line) and line.points == 3
