"""Straight lines over batch sizes, the learning-rate law, and ratios of two samples, each with a 95 % interval."""

from typing import NamedTuple

import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import WLS

from batchwise.statistics.intervals import CONFIDENCE

LEAST = 3  # different batch sizes: two always lie on a line


class Estimate(NamedTuple):
    """A number with its 95 % interval; NaN bounds where there is none, an infinite bound where it has no end."""

    value: float
    low: float
    high: float


NONE = Estimate(np.nan, np.nan, np.nan)


class Line(NamedTuple):
    """y = intercept + slope·x, and ratio = intercept/slope in the unit of x; NaN for fewer than three different x."""

    intercept: Estimate
    slope: Estimate
    ratio: Estimate
    r_squared: float  # NaN where y is constant
    points: int


class LearningRateLaw(NamedTuple):
    """log₂ η* = intercept + exponent·log₂ m; `left_out` counts the batch sizes whose best rate is not known."""

    exponent: Estimate
    intercept: Estimate
    points: int
    left_out: int


def straight_line(x: np.ndarray, y: np.ndarray, *, relative: bool) -> Line:
    """Return the least-squares line through `x` [n] and `y` [n] with Student t intervals on n − 2 degrees.

    `relative`: the error of y is proportional to y, as that of step times over three decades, so squares are weighted
    by 1/y². With errors above a tenth of y the weights lean to what came out low, and the intervals are too narrow.
    t(m) = a + b·m has the overhead of an update, the cost of an example and the knee a/b; memory is c + d·m.
    The interval of the ratio is Fieller's; it is meant for positive y.
    """
    if len(np.unique(x)) < LEAST:
        return Line(NONE, NONE, NONE, np.nan, len(x))
    if np.ptp(y) == 0:  # rounding would decide the sign of the slope
        return Line(Estimate(*[float(y[0])] * 3), Estimate(0.0, 0.0, 0.0), Estimate(*[np.inf] * 3), np.nan, len(x))
    design = np.column_stack([np.ones(len(x)), x])
    fit = WLS(y, design, weights=1 / np.square(y) if relative else 1).fit()
    bounds = fit.conf_int(alpha=1 - CONFIDENCE)
    intercept, slope = (Estimate(*map(float, (value, *ends))) for value, ends in zip(fit.params, bounds, strict=True))
    return Line(intercept, slope, _fieller(fit.params, fit.cov_params(), len(x) - 2), float(fit.rsquared), len(x))


def _fieller(params: np.ndarray, covariance: np.ndarray, degrees: int) -> Estimate:
    """Return intercept/slope with the ratios ρ for which intercept − ρ·slope does not differ from 0 (Fieller 1954).

    They lie between the roots of a quadratic where the slope differs from 0. Where it does not, they lie outside: the
    ray up to infinity is returned, that of slopes which are not negative, as times and memory do not fall with m. The
    value is infinite for such a slope below 0. Without roots no ratio is excluded.
    """
    square = stats.f.ppf(CONFIDENCE, 1, degrees)  # of Student's t
    outer = np.outer(params, params) - square * covariance
    (last, half), (_, lead) = outer.tolist()
    ratio = float(params[0] / params[1]) if lead > 0 or params[1] > 0 else np.inf
    discriminant = half**2 - lead * last
    if lead > 0:
        root = np.sqrt(max(discriminant, 0.0))  # rounding may take it below 0 where all points lie on the line
        return Estimate(ratio, float((half - root) / lead), float((half + root) / lead))
    if discriminant > 0:
        return Estimate(ratio, float(last / (half + np.sqrt(discriminant))), np.inf)
    return Estimate(ratio, -np.inf, np.inf)


def learning_rate_law(
    batch_sizes: np.ndarray, learning_rates: np.ndarray, at_edge: np.ndarray, step: float
) -> LearningRateLaw:
    """Return the fit of log₂ η* = a + α·log₂ m to the best learning rate of each batch size, [n] each.

    α = 1 is linear scaling, ½ square root (Goyal 2017; Malladi 2022). A best rate at the edge of
    the grid, `at_edge` [n], or NaN, is not known and left out. α and a are NaN for fewer than three different batch
    sizes. The best rate lies somewhere within a `step` of the grid, in octaves, so that the error of a point is taken
    to be the scatter about the line, and step/√12 at least: as of a uniform distribution.
    """
    known = ~at_edge & ~np.isnan(learning_rates)
    x = np.log2(batch_sizes[known])
    line = straight_line(x, np.log2(learning_rates[known]), relative=False)
    if np.isfinite(line.slope.value):
        least = stats.t.ppf((1 + CONFIDENCE) / 2, len(x) - 2) * step / np.sqrt(12)
        squares = np.square(x - x.mean()).sum()
        of_intercept = np.sqrt(1 / len(x) + x.mean() ** 2 / squares)
        line = line._replace(
            slope=_at_least(line.slope, least / np.sqrt(squares)),
            intercept=_at_least(line.intercept, least * of_intercept),
        )
    return LearningRateLaw(line.slope, line.intercept, line.points, int((~known).sum()))


def _at_least(estimate: Estimate, half: float) -> Estimate:
    """Return an estimate whose interval has a half width of at least `half`."""
    half = max(estimate.high - estimate.value, half)
    return Estimate(estimate.value, float(estimate.value - half), float(estimate.value + half))


def ratio_of_medians(a: np.ndarray, b: np.ndarray, seed: int = 0) -> Estimate:
    """Return median(a)/median(b) of two independent samples, `a` [n] and `b` [k], with its bootstrap interval.

    It takes percentiles: BCa needs the jackknife, which is not consistent for a median (Efron & Tibshirani 1993,
    section 11.6), and has no value for constant samples. The order of the values does not matter. A sample of one value
    has no interval. The median of b is not 0.
    """
    samples = np.sort(a), np.sort(b)
    ratio = float(_ratio(*samples))
    if min(len(a), len(b)) < 2:
        return Estimate(ratio, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    result = stats.bootstrap(
        samples, _ratio, confidence_level=CONFIDENCE, method="percentile", vectorized=True, rng=generator
    )
    return Estimate(ratio, *map(float, result.confidence_interval))


def _ratio(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(a, axis=axis) / np.median(b, axis=axis)
