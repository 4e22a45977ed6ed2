"""Differences from one group, with intervals that hold together."""

import numpy as np
from scipy.special import stdtr, stdtrit

from batchwise.statistics.intervals import CONFIDENCE, Interval, paired_difference, t_quantile

DRAWS = 10_000  # the intervals hold together within some 0.2 % of what they say
DIGITS = 4  # of the level: sums that a processor takes in another order do not change it


def from_reference(values: np.ndarray, reference: int) -> Interval:
    """Return the mean differences of `values` [groups, seeds] from those in row `reference`, paired by seed, [groups].

    The 95 % intervals of all of them hold together (Dunnett 1955), in the unit of the values; the groups need not vary
    alike. A seed that is NaN in a group does not count for it. The reference differs by 0, without an interval, and a
    group of fewer than two pairs has none. One group alone has the interval of the paired t test.
    """
    values = values[:, np.lexsort(values)]  # seeds have no order
    mean, low, high, n = paired_difference(values, values[reference])
    low[reference] = high[reference] = np.nan
    vary = low < high
    if vary.any():
        left = np.nan_to_num(values - values[reference] - mean[:, None])[vary]
        degrees = n[vary] - 1
        wider = stdtrit(degrees, 1 - _level(left, degrees) / 2) / t_quantile(degrees)
        low[vary] = mean[vary] - wider * (mean - low)[vary]
        high[vary] = mean[vary] + wider * (high - mean)[vary]
    return Interval(mean, low, high, n)


def _level(left: np.ndarray, degrees: np.ndarray) -> float:
    """Return the level of each t interval with which all of them hold in 95 %, between Šidák's (1967) and that of one.

    `left` [groups, seeds] are what is left of the differences without their means. Normal deviates of the seeds, summed
    with these as weights, correlate as the differences do. Each sum has a χ² of its own, as the groups vary
    differently; those of correlated differences are less correlated than they, so that no χ² in common is the safe
    side: with it, ten intervals over ten seeds hold in 92 %, as the correlations are estimates.
    """
    generator = np.random.default_rng(0)
    deviates = generator.normal(size=(DRAWS, left.shape[1]))
    # einsum is not BLAS, which sums in an order of the processor's
    sums = np.einsum("ds,gs->dg", deviates, left / np.sqrt(np.square(left).sum(axis=1, keepdims=True)))
    t = np.abs(sums / np.sqrt(generator.chisquare(degrees, size=sums.shape) / degrees))
    p = [2 * stdtr(same, -t[:, degrees == same].max(axis=1)) for same in np.unique(degrees)]
    level = np.quantile(np.min(p, axis=0), 1 - CONFIDENCE).round(DIGITS)
    return float(np.clip(level, 1 - CONFIDENCE ** (1 / len(left)), 1 - CONFIDENCE))
