"""Studies that are alike but for one thing, compared at each batch size that both have.

They are of the same rows, or of the same texts at two lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from batchwise.analysis import overview, reliable_rates
from batchwise.analysis.seed_values import Undecidable
from batchwise.analysis.study_results import StudyResults, other_length, pairs, same_but
from batchwise.statistics import simultaneous
from batchwise.statistics.intervals import CONFIDENCE, Interval

NORMALIZATION, LENGTH, SCHEDULE, ENGINE = "normalization", "max_tokens", "schedule", "engine"
CHANGES = ("optimizer", "accumulation", "dtype", SCHEDULE, ENGINE, NORMALIZATION, LENGTH)  # that make a pair
WITH = {ENGINE: ("lanes",)}  # keys that go with a change
SIDES = ("base", "other")
OF_OVERVIEW = ["rate_low", "rate_high", "epoch_seconds", "memory_bytes"]


@dataclass(frozen=True)
class StudyPair:
    """Two studies that differ in one thing; differences are those of `other` from `base`, which is asked for first."""

    base: StudyResults
    other: StudyResults
    change: str  # of CHANGES

    @property
    def sides(self) -> dict[str, StudyResults]:
        """The two studies."""
        return dict(zip(SIDES, (self.base, self.other), strict=True))

    def value(self, study: StudyResults) -> Any:
        """Return what a study has where the two differ: the optimiser's options, the parts, the tokens of a row, …"""
        if self.change == LENGTH:
            return study.length
        return _of_model(study) if self.change == NORMALIZATION else study.recipe[self.change]


def study_pairs(studies: Sequence[StudyResults]) -> list[StudyPair]:
    """Return the pairs of studies that differ in one of CHANGES alone and share a metric and an m with results."""
    order = {study.name: place for place, study in enumerate(studies)}

    def belong(one: StudyResults, other: StudyResults) -> bool:
        comparable = one.metric.name == other.metric.name and bool({*one.results} & {*other.results})
        return order[one.name] < order[other.name] and comparable and _change(one, other) is not None

    found = [StudyPair(one, other, _change(one, other) or "") for one, other in pairs([*studies], belong)]
    return found + [StudyPair(*both, LENGTH) for both in combinations(studies, 2) if _of_two_lengths(*both)]


def _of_two_lengths(one: StudyResults, other: StudyResults) -> bool:
    """Return whether two studies differ in how many tokens of the same texts they take."""
    comparable = one.metric.name == other.metric.name and bool({*one.results} & {*other.results})
    return comparable and not one.has_images and other_length(one, other)


def _change(one: StudyResults, other: StudyResults) -> str | None:
    """Return the one thing in which two studies differ; None for none, several or another."""
    for change in CHANGES[:5]:
        if one.recipe[change] != other.recipe[change]:
            return change if same_but(one, other, change, *WITH.get(change, ())) else None
    models = [{**study.recipe["model"], NORMALIZATION: None} for study in (one, other)]
    alike = models[0] == models[1] and same_but(one, other, "model")
    return NORMALIZATION if alike and _of_model(one) != _of_model(other) else None


def _of_model(study: StudyResults) -> str:
    return str(study.recipe["model"].get(NORMALIZATION, "none"))


def by_batch_size(pair: StudyPair) -> pd.DataFrame:
    """Return a row for each m of both, ascending: their results, the gain, learning rates, and what is gained of these.

    `<side>_mean`, `_low`, `_high`, `_n` are the metric on test rows at the chosen rate, `<side>_learning_rate` is that
    η, and `<side>_rate_low`, `_rate_high` the ends of the range of η̃ that trains; `<side>_epoch_seconds` and
    `_memory_bytes` are measured, NaN if not. `gain` is how much better the other
    is, in the unit of differences; `octaves_gained` how much wider its range is. Both have `_low`, `_high` and `_n`;
    their 95 % intervals hold together over all m. `paired` says whether seeds were paired.
    """
    sizes = sorted({*pair.base.results} & {*pair.other.results})
    table = pd.DataFrame({"batch_size": sizes})
    for side, study in pair.sides.items():
        table = table.merge(_of_study(study).add_prefix(f"{side}_"), left_on="batch_size", right_on=f"{side}_m")
    values = [[study.results[m].dropna() for m in sizes] for study in (pair.base, pair.other)]
    scale = pair.base.metric.sign * pair.base.metric.scale
    gain, paired = differences(*([scale * one for one in each] for each in values))
    return table.assign(**_columns("gain", gain), paired=paired, **_columns("octaves_gained", _octaves(pair, sizes)))


def differences(base: Sequence[pd.Series], other: Sequence[pd.Series]) -> tuple[Interval, bool]:
    """Return the mean differences of `other` from `base` [groups][seeds], and whether they are paired by seed.

    They are where all groups share two seeds or more. Otherwise each is Welch's (1947), at Šidák's (1967) level. Either
    way the 95 % intervals hold together, in the unit of the values.
    """
    by_seed = pd.concat([there - here for here, there in zip(base, other, strict=True)], axis=1)
    if by_seed.notna().sum().min() > 1:
        against = np.zeros((1, len(by_seed)))
        found = simultaneous.from_reference(np.concatenate([against, by_seed.T.to_numpy(float)]), 0)
        return Interval(*(values[1:] for values in found)), True
    level = CONFIDENCE ** (1 / len(base))
    welch = [_welch(here, there, level) for here, there in zip(base, other, strict=True)]
    return Interval(*map(np.array, zip(*welch, strict=True))), False


def _welch(base: pd.Series, other: pd.Series, level: float) -> tuple[float, float, float, int]:
    mean, n = float(other.mean() - base.mean()), min(len(base), len(other))
    if n < 2:
        return mean, np.nan, np.nan, n
    interval = stats.ttest_ind(other, base, equal_var=False).confidence_interval(level)
    return mean, float(interval.low), float(interval.high), n


def _of_study(study: StudyResults) -> pd.DataFrame:
    """Return the result of each distinct m with its interval and n, its η, the range of η̃ that trains, and costs."""
    rows, test = study.tables.distinct, study.metric.column("test")
    names = {"effective_batch_size": "m", "learning_rate": "learning_rate", "ok": "n"}
    names |= {f"{test}_{bound}": bound for bound in ("mean", "low", "high")}
    others = overview.by_batch_size(study).rename(columns={"batch_size": "m"})
    return rows[[*names]].rename(columns=names).merge(others[["m", *OF_OVERVIEW]], on="m")


def _octaves(pair: StudyPair, sizes: Sequence[int]) -> Interval:
    """Return how many octaves of η̃ more train, by m; all NaN where the grids of η̃ are not as wide and fine."""
    grids = [np.log2(np.unique(study.seed_values.base_learning_rate)) for study in (pair.base, pair.other)]
    if len(grids[0]) == len(grids[1]) and np.allclose(*map(np.diff, grids)):
        try:
            base, other = (reliable_rates.octaves(study.seed_values, np.array(sizes)) for study in pair.sides.values())
        except Undecidable:
            pass
        else:
            return differences([*map(pd.Series, base)], [*map(pd.Series, other)])[0]
    none = np.full(len(sizes), np.nan)
    return Interval(none, none, none, np.zeros(len(sizes), int))


def _columns(name: str, found: Interval) -> dict[str, np.ndarray]:
    return {name: found.mean, **{f"{name}_{bound}": getattr(found, bound) for bound in ("low", "high", "n")}}
