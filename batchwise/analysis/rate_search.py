"""The search of the base learning rates that train well at a batch size.

Rates are powers of two, held as their exponents: 2^−5 as −5. Nothing here trains.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from batchwise.analysis import last_epochs
from batchwise.analysis.selection import DIGITS
from batchwise.config import phases
from batchwise.config.study import Statistic
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import LOSS, Metric
from batchwise.training.run_result import RunResult, Status

# The η that are tried first. Beyond them a search goes on as far as it must, within the bounds of η̃.
FIRST_RATES = (-18, 4)
BOUNDS = (-50, 20)
FALL = 0.005  # of the loss at the start; own criterion: a rate at which nothing moves changes it by less


@dataclass(frozen=True)
class Trial:
    """What a short run says of its rate; a higher score is better. What has not trained has none, −∞."""

    status: Status
    score: float

    @property
    def trained(self) -> bool:
        """Whether it learned something."""
        return self.score > -math.inf


@dataclass(frozen=True)
class Range:
    """The rates that train well at an m, as exponents of η̃, and the best of them with its score."""

    batch_size: int
    low: int
    high: int
    best: int
    score: float


def criterion(metrics: Sequence[Metric], validation_rows: int) -> tuple[Metric, str]:
    """Return the metric by which rates are compared, and its split: the training loss where no rows are held out."""
    if validation_rows:
        return metrics[0], "validation"
    return _loss(metrics), "train"


def _loss(metrics: Sequence[Metric]) -> Metric:
    return next(metric for metric in metrics if metric.name == LOSS)


def trial(result: RunResult, metrics: Sequence[Metric], statistic: Statistic, split: str, by: Metric) -> Trial:
    """Return what a run says: it has trained if it is better than the baseline of the study's metric.

    Its loss must have fallen too: of a class with few rows, a network may be better by the luck of its start.
    """
    if result.status != "ok":
        return Trial(result.status, -math.inf)
    values = {name: last_epochs.result(found[1:].T, statistic) for name, found in result.metrics.items()}
    first = metrics[0]
    ahead = first.sign * (values[first.name][SPLITS.index("train")] - first.baseline)
    score = by.sign * float(values[by.name][SPLITS.index(split)])
    learned = round(float(ahead), DIGITS) > first.learned and math.isfinite(score)
    return Trial("ok", round(score, DIGITS) if learned and _fell(result, metrics) else -math.inf)


def _fell(result: RunResult, metrics: Sequence[Metric]) -> bool:
    """Return whether the training loss fell, or is less than its baseline, as that of a trained start may be."""
    start, end = result.metrics[LOSS][[0, -1], SPLITS.index("train")]
    return bool(end < _loss(metrics).baseline or start - end > FALL * abs(start))


def first_exponents(batch_size: int, scaling: str) -> set[int]:
    """Return the rates that are tried first, by factors of 16."""
    shift = math.log2(phases.scaled(1.0, batch_size, scaling))
    low, high = (rate - shift for rate in FIRST_RATES)
    return set(range(4 * math.ceil(low / 4), math.floor(high) + 1, 4))


def search(run: Callable[[list[int]], Iterable[Trial]], first: set[int], step: int, margin: float) -> dict[int, Trial]:
    """Return what the trials of an m gave: of the first rates, and of those that the others make worth a trial.

    `run` returns the trials of rates that are tried together.

    These are a step beside the best, and a step beside the outermost that are within `margin` of it. While none
    trains, they are those in between, and others on both sides: a run that learns nothing may do so at any rate.
    """
    trials: dict[int, Trial] = {}
    wanted = first
    while wanted:
        trials |= zip(sorted(wanted), run(sorted(wanted)), strict=True)
        wanted = {
            rate for rate in _wanted(trials, step, margin) if BOUNDS[0] <= rate <= BOUNDS[1] and rate not in trials
        }
    return trials


def _wanted(trials: Mapping[int, Trial], step: int, margin: float) -> set[int]:
    found = _well(trials, margin)
    if found:
        best, low, high = found
        return {best - step, best + step, low - step, high + step}
    rates = sorted(trials)
    between = {(low + high) // 2 for low, high in pairwise(rates) if high - low > 2}
    return between | {rates[0] - 4, rates[-1] + 4}


def _well(trials: Mapping[int, Trial], margin: float) -> tuple[int, int, int] | None:
    """Return the best rate, and the lowest and highest within `margin` of it that are next to one another."""
    best = max(sorted(trials), key=lambda rate: trials[rate].score)
    if not trials[best].trained:
        return None
    rates, least = sorted(trials), round(trials[best].score - margin, DIGITS)
    ends = []
    for beside in (reversed(rates[: rates.index(best)]), rates[rates.index(best) + 1 :]):
        end = best
        for rate in beside:
            if trials[rate].score < least:
                break
            end = rate
        ends.append(end)
    return best, ends[0], ends[1]


def range_of(batch_size: int, trials: Mapping[int, Trial], margin: float) -> Range | None:
    """Return the rates that train well at an m, None where none trains."""
    well = _well(trials, margin)
    if well is None:
        return None
    best, low, high = well
    return Range(batch_size, low, high, best, trials[best].score)
