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
    """How far a batch size is from the law."""

    batch_size: int
    updates: float  # geometric mean over the seeds
    residual: float  # of the law of all batch sizes, as a fraction of the updates that it says
    ratio: float  # of the updates to those that the law of the others predicts; NaN for fewer than five batch sizes
    breaks: bool  # the law of the batch sizes where it does not break does not hold here; they are then the others


class CriticalBatchSize(NamedTuple):
    """S(m) = updates_min (1 + batch_size/m); NaN for fewer than three different batch sizes."""

    updates_min: Estimate  # in the unit of the updates
    batch_size: Estimate
    scatter: float  # of the batch sizes about the law beyond that of the seeds and the evaluations, as a factor
    lack_of_fit: float  # p-value that there is no such scatter; NaN for one seed
    no_break: float  # p-value that the law breaks nowhere (Bonferroni); NaN for fewer than five batch sizes
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

    Where the law breaks is looked for at each batch size, and at the smallest and the largest few, up to half of them:
    the set that is least like what the law of the others predicts, if it is so clearly.
    """
    counts = bounded(batch_sizes, lower, upper)
    if len(np.unique(batch_sizes[counts])) < LEAST:
        return CriticalBatchSize(NONE, NONE, np.nan, np.nan, np.nan, int(counts.sum()), [])
    means = log_means(batch_sizes, seeds, lower, upper)
    law = hyperbola.fit(means.groups, means.mean, means.errors)
    ratios, broken, no_break = _break(means)
    columns = means.groups.astype(int), np.exp(means.mean), np.expm1(means.mean - law.expected), ratios, broken
    return CriticalBatchSize(
        _updates_min(law.level, means.seed_effects),
        law.batch_size,
        float(np.exp(law.scatter)),
        _lack_of_fit(law, means),
        no_break,
        int(counts.sum()),
        [Departure(*row) for row in zip(*(column.tolist() for column in columns), strict=True)],
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


def _break(means: LogMeans) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the ratio of each batch size to the law of the others, whether it breaks there, and p of no break."""
    k = len(means.groups)
    ratios, broken = np.full(k, np.nan), np.zeros(k, bool)
    if k < hyperbola.COMPARABLE:
        return ratios, broken, np.nan
    sets = _sets(k)
    found = [hyperbola.predict(means.groups, means.mean, means.errors, out) for out in sets]
    expected = np.array([found[point].expected[point] for point in range(k)])  # the first sets are of one each
    farthest = min(range(len(sets)), key=lambda number: found[number].p_value)
    no_break = min(1.0, len(sets) * found[farthest].p_value)
    if no_break < 1 - CONFIDENCE:
        broken = sets[farthest]
        expected[broken] = found[farthest].expected[broken]
    return np.exp(means.mean - expected), broken, no_break


def _sets(k: int) -> list[np.ndarray]:
    """Return each of k ascending batch sizes, then the first and the last few of which the others can say something."""
    place = np.arange(k)
    few = range(2, min(k // 2, k - hyperbola.COMPARABLE + 1) + 1)
    ends = [side for number in few for side in (place < number, place >= k - number)]
    return [place == point for point in range(k)] + ends
