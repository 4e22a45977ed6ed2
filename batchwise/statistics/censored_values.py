"""Values that are known to lie between two bounds: the median where some are only known to be larger, means by group.

The first evaluation past a target says that it was reached since the evaluation before (interval-censored); a run that
ends before it would have taken longer (right-censored).
"""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, softmax

ROUNDING = 1e-9  # of a product of ratios
STD = (0.01, 2.0)  # of log values within a group: least and most that are told apart
NODES = 100  # at which the likelihood of a mean is looked at
TAIL = 4  # standard deviations beyond all bounds
LEAST_PROBABILITY = 1e-300


class LogMeans(NamedTuple):
    """Means of log values by group [k], of the groups whose values are bounded on both sides."""

    groups: np.ndarray  # [k], ascending
    mean: np.ndarray  # [k]
    errors: np.ndarray  # [k], standard errors of the means but for what all groups share
    std: float  # of a value within a group, the effects of the seeds aside
    degrees: int  # of freedom of `std`
    seed_effects: np.ndarray  # [seeds], differences of log values that all groups share


class _Values(NamedTuple):
    """Values sorted by group: bounds of their logarithms, [n], and where each group starts, [k]."""

    low: np.ndarray
    high: np.ndarray
    starts: np.ndarray


def censored_median(values: np.ndarray, reached: np.ndarray) -> float:
    """Return the median of `values` [n], of which those that did not reach their end, not `reached` [n], are larger.

    It is where Kaplan & Meier's (1958) estimate of the share above falls to one half, or the middle of the stretch
    where it stays there: without censored values, the ordinary median. inf where it does not fall so far, as when all
    have the same budget and fewer than half reach their end.
    """
    if not reached.any():
        return np.inf
    above = stats.ecdf(stats.CensoredData(values[reached], right=values[~reached])).sf
    half = above.quantiles[above.probabilities <= 0.5 + ROUNDING]
    less = above.quantiles[above.probabilities < 0.5 - ROUNDING]
    if not len(half):
        return np.inf
    return float(half[0] + less[0]) / 2 if len(less) else float(half[0])  # it may stay at one half to the end


def bounded(groups: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return whether each value [n] is of a group with a lower bound above 0 and a finite upper one.

    Where all values of a group are censored on the same side, their mean may be as far as one likes.
    """
    _, which = np.unique(groups, return_inverse=True)
    sides = (np.bincount(which, side) > 0 for side in (lower > 0, np.isfinite(upper)))
    return np.logical_and(*sides)[which]


def log_means(groups: np.ndarray, seeds: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> LogMeans:
    """Return the mean of log values of each bounded group, of which each is known to lie in (`lower`, `upper`], [n].

    `lower` may be 0, `upper` infinite; there are two bounded groups at least. A log value is taken to be normal about
    the mean of its group and the effect of its seed, with one standard deviation for all: that of the largest
    likelihood with flat weights on the means (REML). A mean and its error are those of the likelihood as a density:
    with many values between the same bounds, the middle and the width/√12. The effect of a seed is its mean distance
    from the means of the groups, by the middles of the logarithms of the bounds.
    """
    order = np.lexsort((upper, lower, seeds, groups))
    order = order[bounded(groups, lower, upper)[order]]
    with np.errstate(divide="ignore"):
        low, high = np.log(lower[order]), np.log(upper[order])
    names, starts, which = np.unique(groups[order], return_index=True, return_inverse=True)
    _, who = np.unique(seeds[order], return_inverse=True)
    effects = _seed_effects(which, who, low, high)
    values = _Values(low - effects[who], high - effects[who], starts)
    within = len(order) - len(names)
    degrees = within - (len(effects) - 1)
    lost = np.sqrt(within / degrees) if degrees > 0 else 1.0  # the effects of the seeds took degrees of freedom
    std = lost * np.exp(minimize_scalar(_unlikelihood, bounds=np.log(STD), args=(values,), options={"xatol": 0.01}).x)
    nodes, log_likelihood = _likelihood(std, values)
    weights = softmax(log_likelihood, axis=1)
    mean = np.sum(weights * nodes, axis=1)
    errors = np.sqrt(np.sum(weights * np.square(nodes - mean[:, None]), axis=1))
    return LogMeans(names, mean, errors, float(std), degrees, effects)


def _seed_effects(which: np.ndarray, who: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the mean distance of each seed from the means of the groups, [seeds]; 0 for one without finite bounds."""
    known = np.isfinite(low) & np.isfinite(high)
    middle = np.zeros(len(low))
    middle[known] = (low[known] + high[known]) / 2
    distance = np.where(known, middle - _means(which, middle, known)[which], 0)
    return _means(who, distance, known)


def _means(which: np.ndarray, values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the mean of the known values of each group, 0 for none; the others are 0."""
    return np.bincount(which, values) / np.maximum(np.bincount(which, known), 1)


def _likelihood(std: float, values: _Values) -> tuple[np.ndarray, np.ndarray]:
    """Return possible means of each group, evenly spaced, and the log likelihood of its values, [k, nodes] each."""
    first = np.minimum.reduceat(np.where(np.isfinite(values.low), values.low, values.high), values.starts) - TAIL * std
    last = np.maximum.reduceat(np.where(np.isfinite(values.high), values.high, values.low), values.starts) + TAIL * std
    nodes = np.linspace(first, last, NODES, axis=1)
    sizes = np.diff(values.starts, append=len(values.low))
    at = np.repeat(nodes, sizes, axis=0)  # [n, nodes]
    below, above = (values.low[:, None] - at) / std, (values.high[:, None] - at) / std
    upside = below > 0  # where both shares are nearly 1
    between = np.where(upside, ndtr(-below) - ndtr(-above), ndtr(above) - ndtr(below))
    return nodes, np.add.reduceat(np.log(np.maximum(between, LEAST_PROBABILITY)), values.starts, axis=0)


def _unlikelihood(log_std: float, values: _Values) -> float:
    """Return minus the log likelihood of a standard deviation, over all means alike."""
    nodes, log_likelihood = _likelihood(np.exp(log_std), values)
    top = log_likelihood.max(axis=1)
    areas = np.exp(log_likelihood - top[:, None]).sum(axis=1) * (nodes[:, 1] - nodes[:, 0])
    return -float(np.sum(top + np.log(areas)))
