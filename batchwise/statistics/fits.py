"""Straight lines over batch sizes, with 95 % intervals."""

from typing import NamedTuple

import numpy as np

from batchwise.statistics.intervals import NONE, Estimate, t_quantile

LEAST = 3  # different batch sizes: two always lie on a line


class Line(NamedTuple):
    """y = intercept + slope·x, and ratio = intercept/slope in the unit of x; NaN for fewer than three different x."""

    intercept: Estimate
    slope: Estimate
    ratio: Estimate
    r_squared: float  # NaN where y is constant
    points: int


def straight_line(x: np.ndarray, y: np.ndarray, *, relative: bool) -> Line:
    """Return the least-squares line through `x` [n] and `y` [n] with Student t intervals on n − 2 degrees.

    `relative`: the error of y is proportional to y, as that of step times over three decades, so squares are weighted
    by 1/y². With errors above a tenth of y the weights lean to what came out low, and the intervals are too narrow.
    t(m) = a + b·m has the overhead of an update, the cost of an example and the knee a/b; memory is c + d·m; log₂ of
    both has the exponent of a power law as its slope. The interval of the ratio is Fieller's, meant for positive y.
    """
    if len(np.unique(x)) < LEAST:
        return Line(NONE, NONE, NONE, np.nan, len(x))
    if np.ptp(y) == 0:  # rounding would decide the sign of the slope
        return Line(Estimate(*[float(y[0])] * 3), Estimate(0.0, 0.0, 0.0), Estimate(*[np.inf] * 3), np.nan, len(x))
    params, covariance, r_squared = _least_squares(x, y, 1 / np.square(y) if relative else np.ones(len(x)))
    half = t_quantile(len(x) - 2) * np.sqrt(np.diag(covariance))
    intercept, slope = (Estimate(*map(float, ends)) for ends in zip(params, params - half, params + half, strict=True))
    return Line(intercept, slope, _fieller(params, covariance, len(x) - 2), r_squared, len(x))


def _least_squares(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the intercept and slope, [2], their covariance, [2, 2], and R²; `weights` [n] are those of the squares."""
    weights = weights / weights.sum()
    x_mean, y_mean = weights @ x, weights @ y
    x_squares, y_squares = weights @ np.square(x - x_mean), weights @ np.square(y - y_mean)
    slope = weights @ ((x - x_mean) * (y - y_mean)) / x_squares
    left = weights @ np.square(y - y_mean - slope * (x - x_mean))
    of_slope = left / (len(x) - 2) / x_squares  # the variance
    covariance = of_slope * np.array([[x_squares + x_mean**2, -x_mean], [-x_mean, 1]])
    return np.array([y_mean - slope * x_mean, slope]), covariance, float(1 - left / y_squares)


def _fieller(params: np.ndarray, covariance: np.ndarray, degrees: int) -> Estimate:
    """Return intercept/slope with the ratios ρ for which intercept − ρ·slope does not differ from 0 (Fieller 1954).

    They lie between the roots of a quadratic where the slope differs from 0. Where it does not, they lie outside: the
    ray up to infinity is returned, that of slopes which are not negative, as times and memory do not fall with m. The
    value is infinite for such a slope below 0. Without roots no ratio is excluded.
    """
    square = t_quantile(degrees) ** 2
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
