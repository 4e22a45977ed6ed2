"""Numbers and means with their intervals, and the quantile of Student's t. NaN marks a seed that does not count."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A number with its 95 % interval; NaN bounds where there is none, an infinite bound where it has no end."""

    value: float
    low: float
    high: float


NONE = Estimate(np.nan, np.nan, np.nan)


class Interval(NamedTuple):
    """Means of groups, each with its 95 % interval, [groups]: columns of a table.

    `low` and `high` are NaN for fewer than two values, `mean` for none.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def mean_interval(values: np.ndarray, lowest: float | None = None, highest: float | None = None) -> Interval:
    """Return the mean and Student t interval of each row of `values` [groups, n], in the unit of the values.

    NaN values do not count. The seeds are the sample. No value passes `lowest` and `highest`, and no interval does:
    beside one bound (0 of a loss) it is taken on a log scale, between two (0 and 1 of a share) on that of log-odds, by
    the delta method. Values near a bound are skewed, and there these intervals hold more often than those that are
    cut off at the bound.
    """
    counts = ~np.isnan(values)
    n = counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(counts, values, 0).sum(axis=1) / n
        squares = np.where(counts, (values - mean[:, None]) ** 2, 0).sum(axis=1)
        half = t_quantile(n - 1) * np.sqrt(squares / (n - 1) / n)
    return Interval(mean, *between(mean, half, lowest, highest), n)


def between(
    mean: np.ndarray, half: np.ndarray, lowest: float | None, highest: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the low and high ends [groups] of intervals that reach `half` [groups] to each side of `mean` [groups].

    Beside bounds they do so on the scale of mean_interval, from which they are brought back. Without a width, and where
    the mean lies on a bound, both ends are the mean.
    """
    if lowest is None and highest is None:
        return mean - half, mean + half
    lowest, highest = -np.inf if lowest is None else lowest, np.inf if highest is None else highest
    below, above = np.maximum(mean - lowest, 0), np.maximum(highest - mean, 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratio = np.exp(-half * (1 / below + 1 / above))  # of the odds below : above
        ratio = np.where((half == 0) | (below == 0) | (above == 0), 1, ratio)
        low = mean - (1 - ratio) / (1 / below + ratio / above)
        high = mean + (1 - ratio) / (1 / above + ratio / below)
    return np.maximum(low, lowest), np.minimum(high, highest)  # rounding may go beyond


def known_mean(values: np.ndarray) -> float:
    """Return the mean of those of `values` [n] that are not NaN; NaN for none."""
    return float(mean_interval(values[None]).mean.item())


def paired_difference(values: np.ndarray, reference: np.ndarray | float) -> Interval:
    """Return the mean and Student t interval of `values` [groups, seeds] − `reference` [seeds], paired by seed.

    A seed that is NaN in one of the two does not count. The same seed starts from the same weights and sees the same
    order of examples at every m and η, so differences vary less than values.
    """
    return mean_interval(values - reference)


def proportion_error(share: float, rows: int) -> float:
    """Return the standard error of a share measured on `rows` independent examples, sqrt(p(1−p)/n)."""
    return float(np.sqrt(share * (1 - share) / rows))


def t_quantile(degrees: np.ndarray | float) -> np.ndarray:
    """Return how many standard errors a 95 % interval reaches to each side, NaN for no degrees of freedom.

    SciPy's `stats.t.ppf` is the same, in a module that takes half a second to import.
    """
    return stdtrit(degrees, (1 + CONFIDENCE) / 2)
