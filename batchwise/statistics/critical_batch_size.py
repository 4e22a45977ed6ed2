"""The critical batch size: where more rows in a batch no longer save as many updates to a target."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from batchwise.statistics import hyperbola
from batchwise.statistics.censored_values import LogMeans, bounded, log_means
from batchwise.statistics.fits import LEAST
from batchwise.statistics.hyperbola import Hyperbola
from batchwise.statistics.intervals import CONFIDENCE, NONE, Estimate, t_quantile

PERFECT, DIMINISHING, MAXIMAL = "perfect scaling", "diminishing returns", "maximal data parallelism"


class Departure(NamedTuple):
    """How far a batch size is from the law; ratio and p-value are NaN for fewer than five batch sizes."""

    batch_size: int
    updates: float  # geometric mean over the seeds
    residual: float  # of the law of all batch sizes, as a fraction of the updates that it says
    ratio: float  # of the updates to those that the law of the other batch sizes predicts
    p_value: float  # that such a ratio is found at any batch size where the law holds (Bonferroni)
    breaks: bool  # the law of the others does not hold here


class CriticalBatchSize(NamedTuple):
    """S(m) = updates_min (1 + batch_size/m); NaN for fewer than three different batch sizes."""

    updates_min: Estimate  # in the unit of the updates
    batch_size: Estimate
    scatter: float  # of the batch sizes about the law beyond that of the seeds and the evaluations, as a factor
    lack_of_fit: float  # p-value that there is no such scatter; NaN for one seed
    runs: int  # of the batch sizes that count
    departures: list[Departure]  # a batch size each, ascending


def critical_batch_size(
    batch_sizes: np.ndarray, seeds: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> CriticalBatchSize:
    """Return the fit of S(m) = S_min (1 + B/m) to the updates to a target (McCandlish 2018, eq. 2.11; Shallue 2019).

    A run [n each] with a batch size and a seed gets to the target after `lower` updates, 0 where its first evaluation
    is past it, and within `upper` ones, infinite where it does not get there. A batch size of which all runs do so in
    their first evaluation, or none, does not count. The law goes through the mean log S of each batch size (see
    log_means), about which each scatters on its own, so the intervals are by how the batch sizes depart from it, not
    by how many runs there are (see hyperbola). That of S_min has the scatter of the seeds too, which all batch sizes
    share. Data that only show perfect scaling (slope −1) leave B without an upper bound and S_min at 0 or more, and
    flat data leave B at 0 or more; at such an end B itself may be inf or 0.
    """
    counts = bounded(batch_sizes, lower, upper)
    if len(np.unique(batch_sizes[counts])) < LEAST:
        return CriticalBatchSize(NONE, NONE, np.nan, np.nan, int(counts.sum()), [])
    means = log_means(batch_sizes, seeds, lower, upper)
    law = hyperbola.fit(means.groups, means.mean, means.errors)
    return CriticalBatchSize(
        _updates_min(law.level, means.seed_effects),
        law.batch_size,
        float(np.exp(law.scatter)),
        _lack_of_fit(law, means),
        int(counts.sum()),
        _departures(law, means),
    )


def regimes(batch_sizes: np.ndarray, critical: float) -> list[str]:
    """Return Shallue's (2019) regime of each batch size [n] for B = `critical`, or "" where that is NaN.

    The local slope of log S on log m is −B/(B + m). Up to −¾ (m ≤ B/3) scaling is called perfect, from −¼ on (m ≥ 3B)
    data parallelism is called maximal: own thresholds, as Shallue reads the regimes off the figures.
    """
    m = np.asarray(batch_sizes)
    names = np.select([m >= 3 * critical, m <= critical / 3, m < 3 * critical], [MAXIMAL, PERFECT, DIMINISHING], "")
    return names.tolist()


def _updates_min(level: Estimate, seed_effects: np.ndarray) -> Estimate:
    """Return S_min with the interval of the law and that of the mean over the seeds, as independent ones add up."""
    n = len(seed_effects)
    of_seeds = t_quantile(n - 1) * seed_effects.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    if np.isinf(level.value):
        return Estimate(0.0, 0.0, float(np.exp(level.high + of_seeds)))
    low = level.value - np.hypot(level.value - level.low, of_seeds)
    high = level.value + np.hypot(level.high - level.value, of_seeds)
    return Estimate(*(float(np.exp(end)) for end in (level.value, low, high)))


def _lack_of_fit(law: Hyperbola, means: LogMeans) -> float:
    """Return the p-value of an F test of the scatter between batch sizes against that of the runs within them."""
    degrees = len(means.groups) - hyperbola.PARAMETERS
    return float(stats.f.sf(law.squares / degrees, degrees, means.degrees)) if means.degrees > 0 else np.nan


def _departures(law: Hyperbola, means: LogMeans) -> list[Departure]:
    k = len(means.groups)
    ratios, p_values = np.full(k, np.nan), np.full(k, np.nan)
    if k >= hyperbola.COMPARABLE:
        others = hyperbola.predict(means.groups, means.mean, means.errors)
        ratios, p_values = np.exp(means.mean - others.expected), np.minimum(k * others.p_value, 1)
    columns = (
        means.groups.astype(int),
        np.exp(means.mean),
        np.expm1(means.mean - law.expected),
        ratios,
        p_values,
        p_values < 1 - CONFIDENCE,
    )
    return [Departure(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
