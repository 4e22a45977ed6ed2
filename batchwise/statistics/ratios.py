"""The ratio of two times, each measured in a few processes, by how much processes differ that should be equal."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from batchwise.statistics.intervals import Estimate, t_quantile

# Variances of the median of 1, 2, … values of Normal(0, 1) (Teichroew 1956, table of the products of order statistics).
# Beyond, π/(2k), that of many, which is larger.
MEDIAN_VARIANCES = (1.0, 0.5, 0.4487, 0.2982, 0.2868)


class Spread(NamedTuple):
    """How much the logarithms of times differ between processes of the same point, and how well that is known."""

    std: float
    degrees: float  # of freedom


def between_processes(groups: Sequence[np.ndarray]) -> Spread:
    """Return the spread that `groups` [points][processes], log medians of each, have in common; NaN without pairs.

    It is the median distance of two processes of a point, as a standard deviation of normal values: a process that
    shared its core with something else takes twice as long, and a few such tell nothing of the others (Rousseeuw &
    Croux 1993, section 3, take a quantile of the distances too). Many make it large, as they should: then no median of
    three can be relied on. Degrees of freedom are Σ(k − 1): that the distances of two points that are compared are in
    the median makes up for what it is less efficient (benchmarks/truths/times.py).
    """
    distances = [abs(one - other) for group in groups for one, other in combinations(group, 2)]
    if not distances:
        return Spread(np.nan, 0.0)
    std = float(np.median(distances) / (np.sqrt(2) * ndtri(3 / 4)))
    return Spread(std, float(sum(len(group) - 1 for group in groups if len(group))))


def ratio_of_times(a: np.ndarray, b: np.ndarray, spread: Spread) -> Estimate:
    """Return the time of a point divided by that of another, from log medians `a` [k] and `b` [l] of their processes.

    It is that of the medians over processes, of which one in three may be slow, with a Student t interval on the log
    scale. `a` and `b` are not empty.
    """
    log = float(np.median(a) - np.median(b))
    half = float(t_quantile(spread.degrees)) * spread.std * np.sqrt(_median_variance(len(a)) + _median_variance(len(b)))
    return Estimate(*map(float, np.exp([log, log - half, log + half])))


def _median_variance(k: int) -> float:
    return MEDIAN_VARIANCES[k - 1] if k <= len(MEDIAN_VARIANCES) else float(np.pi / (2 * k))
