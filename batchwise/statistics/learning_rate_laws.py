"""How the best learning rate goes with the batch size: a power law, one that saturates, and which of them predicts."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from batchwise.statistics import hyperbola
from batchwise.statistics.fits import LEAST, Line, straight_line
from batchwise.statistics.intervals import CONFIDENCE, NONE, Estimate, t_quantile

POWER, SATURATING = "power", "saturating"
LEAST_ERROR = 1e-4  # octaves
ROUNDING = 1e-9  # octaves²


class Comparison(NamedTuple):
    """Two laws by what they say of a batch size that was left out; NaN and "" for fewer than five batch sizes."""

    power: float  # root mean square of the error, octaves
    saturating: float
    better: str  # the law with the smaller one
    p_value: float  # that they predict alike
    clear: bool  # they do not


class LearningRateLaw(NamedTuple):
    """log₂ η* = intercept + exponent·log₂ m, and η* = rate_max / (1 + batch_size/m).

    NaN for fewer than three batch sizes. Rates that grow in proportion to m leave rate_max and batch_size without an
    upper bound.
    """

    exponent: Estimate
    intercept: Estimate
    rate_max: Estimate  # η_max
    batch_size: Estimate  # B, rows
    points: int  # batch sizes
    left_out: int  # batch sizes whose best rate is not known
    comparison: Comparison


def learning_rate_law(
    batch_sizes: np.ndarray, learning_rates: np.ndarray, at_edge: np.ndarray, step: float
) -> LearningRateLaw:
    """Return two laws through the best learning rate of each batch size, [n] each.

    The power law has α = 1 for linear scaling, ½ for square root (Goyal 2017; Malladi 2022); the one that saturates is
    that of McCandlish 2018, eq. 2.9. A best rate at the edge of the grid, `at_edge` [n], or NaN, is not known and left
    out. The best rate lies somewhere within a `step` of the grid, in octaves, so that the error of a point is taken
    to be the scatter about the law, and step/√12 at least: as of a uniform distribution. Which law predicts better is
    told by leaving out each batch size in turn; a paired t test of the squared errors says whether that is clear.
    """
    known = ~at_edge & ~np.isnan(learning_rates)
    m, rates = batch_sizes[known], np.log2(learning_rates[known])
    left_out = int((~known).sum())
    error = step / np.sqrt(12)
    if len(np.unique(m)) < LEAST:
        return LearningRateLaw(NONE, NONE, NONE, NONE, len(m), left_out, _compared(m, rates, error))
    power = _power(np.log2(m), rates, error)
    rate_max, batch_size = _saturating(m, rates, error)
    compared = _compared(m, rates, error)
    return LearningRateLaw(power.slope, power.intercept, rate_max, batch_size, len(m), left_out, compared)


def _power(log_m: np.ndarray, rates: np.ndarray, error: float) -> Line:
    line = straight_line(log_m, rates, relative=False)
    least = t_quantile(len(log_m) - 2) * error
    squares = np.square(log_m - log_m.mean()).sum()
    of_intercept = np.sqrt(1 / len(log_m) + log_m.mean() ** 2 / squares)
    return line._replace(
        slope=_at_least(line.slope, least / np.sqrt(squares)),
        intercept=_at_least(line.intercept, least * of_intercept),
    )


def _at_least(estimate: Estimate, half: float) -> Estimate:
    """Return an estimate whose interval has a half width of at least `half`."""
    half = max(estimate.high - estimate.value, half)
    return Estimate(estimate.value, float(estimate.value - half), float(estimate.value + half))


def _saturating(m: np.ndarray, rates: np.ndarray, error: float) -> tuple[Estimate, Estimate]:
    """Return η_max and B: 1/η* is a hyperbola in m, with 1/η_max as its level."""
    law = hyperbola.fit(m, -np.log(2) * rates, _natural(error, len(m)))
    value, low, high = (float(np.exp(-end)) for end in law.level)
    return Estimate(value, high, low), law.batch_size


def _natural(error: float, points: int) -> np.ndarray:
    """Return standard errors above 0 of natural logarithms, [points], from one in octaves."""
    return np.full(points, np.log(2) * max(error, LEAST_ERROR))


def _compared(m: np.ndarray, rates: np.ndarray, error: float) -> Comparison:
    if len(m) < hyperbola.COMPARABLE:
        return Comparison(np.nan, np.nan, "", np.nan, False)
    power, saturating = np.square(_missed_by_power(m, rates)), np.square(_missed_by_saturating(m, rates, error))
    difference = power - saturating
    alike = np.ptp(difference) <= ROUNDING  # no spread, so no t
    p_value = 1.0 if alike else float(stats.ttest_1samp(difference, 0).pvalue)
    return Comparison(
        float(np.sqrt(power.mean())),
        float(np.sqrt(saturating.mean())),
        POWER if difference.mean() <= 0 else SATURATING,
        p_value,
        p_value < 1 - CONFIDENCE,
    )


def _missed_by_power(m: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return by how many octaves the line through the other points misses each [k]."""
    x, points = np.log2(m), np.arange(len(m))
    lines = [np.polyfit(x[points != point], rates[points != point], 1) for point in points]
    return rates - np.array([np.polyval(line, one) for line, one in zip(lines, x, strict=True)])


def _missed_by_saturating(m: np.ndarray, rates: np.ndarray, error: float) -> np.ndarray:
    y, errors = -np.log(2) * rates, _natural(error, len(m))
    said = [hyperbola.predict(m, y, errors, np.arange(len(m)) == point).expected[point] for point in range(len(m))]
    return rates + np.array(said) / np.log(2)
