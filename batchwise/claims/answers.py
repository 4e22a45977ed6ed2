"""The answer to a question: its comparisons summed up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

import numpy as np

from batchwise.claims.comparison import Scale, on_scale
from batchwise.claims.evidence import Evidence
from batchwise.claims.questions import Question
from batchwise.claims.verdicts import Judged, Verdict, judge
from batchwise.statistics import random_effects
from batchwise.statistics.intervals import Estimate
from batchwise.statistics.random_effects import RandomEffects

MOSTLY = 2 / 3  # of the comparisons that tell
LEAST_STUDIES = 3  # that a mean is taken over


class Agreement(StrEnum):
    """How far the comparisons that tell agree."""

    ALL = "all"
    MOSTLY = "mostly"
    DEPENDS = "it depends"  # on the groups of the question, or else on the study
    NONE = "none tells"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class Mean:
    """What studies found together of the same thing; descriptive, for few and unlike ones."""

    group: str
    unit: str
    found: RandomEffects  # ratios as ratios


@dataclass(frozen=True)
class Answer:
    """What the comparisons of a question say together."""

    question: Question
    judged: tuple[Judged, ...]
    agreement: Agreement
    verdict: Verdict  # of all, or of most
    groups: dict[str, Verdict]  # where it depends on them
    means: tuple[Mean, ...]
    parts: dict[str, "Answer"] = field(default_factory=dict)  # of groups that disagree, and not each within itself

    @property
    def untold(self) -> list[str]:
        """The groups of which nothing can be told, where the question has several."""
        found = dict.fromkeys(one.evidence.group for one in self.judged)
        return [
            group for group in found if len(found) > 1 and not any(one.evidence.group == group for one in self.telling)
        ]

    @property
    def telling(self) -> list[Judged]:
        """The comparisons that tell."""
        return [one for one in self.judged if one.verdict != Verdict.UNKNOWN]

    def saying(self, verdict: Verdict, group: str | None = None) -> list[Judged]:
        """Return the comparisons with a verdict, of a group or of all."""
        return [one for one in self.judged if one.verdict == verdict and group in (None, one.evidence.group)]


def answer(questions: Sequence[Question], page: Sequence[Evidence]) -> list[Answer]:
    """Return the answer to each question from all evidence of a page, whose comparisons are judged together."""
    known = {one.id for one in questions}
    judged = judge([one for one in page if one.claim in known])
    return [_sum_up(one, [each for each in judged if each.evidence.claim == one.id]) for one in questions]


def _sum_up(question: Question, judged: list[Judged]) -> Answer:
    """Return the answer: of all that tell, or by group where they disagree, or of two thirds of those that tell.

    Groups are those that the question tells apart, set beforehand; one that disagrees within itself has an answer of
    its own. Without groups, and without two thirds, it depends on the study.
    """
    telling = [one for one in judged if one.verdict != Verdict.UNKNOWN]
    verdicts = Counter(one.verdict for one in telling)
    groups = _groups(telling)
    means = tuple(_means([one.evidence for one in judged]))
    if not telling:
        agreement = Agreement.NONE if judged else Agreement.UNMEASURED
        return Answer(question, tuple(judged), agreement, Verdict.UNKNOWN, {}, means)
    verdict = max(Verdict, key=lambda one: verdicts[one])  # the first of equals, in whatever order they come
    if len(verdicts) == 1:
        return Answer(question, tuple(judged), Agreement.ALL, verdict, {}, means)
    names = list(dict.fromkeys(one.evidence.group for one in telling))
    if groups or len(names) > 1:
        parts = {} if groups else {name: _sum_up(question, _of_group(judged, name)) for name in names}
        return Answer(question, tuple(judged), Agreement.DEPENDS, verdict, groups, means, parts)
    agreement = Agreement.MOSTLY if verdicts[verdict] >= MOSTLY * len(telling) else Agreement.DEPENDS
    return Answer(question, tuple(judged), agreement, verdict, {}, means)


def _of_group(judged: list[Judged], group: str) -> list[Judged]:
    return [one for one in judged if one.evidence.group == group]


def _groups(telling: list[Judged]) -> dict[str, Verdict]:
    """Return the verdict of each group, if all of them agree within themselves; none otherwise."""
    found: dict[str, set[Verdict]] = {}
    for one in telling:
        found.setdefault(one.evidence.group, set()).add(one.verdict)
    if len(found) < 2 or any(len(verdicts) > 1 for verdicts in found.values()):
        return {}
    return {group: verdicts.pop() for group, verdicts in found.items()}


def _means(evidence: list[Evidence]) -> list[Mean]:
    """Return the random-effects mean of each group of effects in one unit that three studies or more have."""

    def kind(one: Evidence) -> tuple[str, str, str, float]:
        return one.group, one.unit, one.scale, one.margin

    def place(one: Evidence) -> tuple[str, str]:
        return one.pipeline, one.study

    sampled = [one for one in evidence if np.isfinite(one.degrees)]  # what is exact would be all the weight
    means = []
    for (group, unit, scale, _), rows in groupby(sorted(sampled, key=lambda one: (kind(one), place(one))), key=kind):
        studies = [_of_study([*of]) for _, of in groupby(rows, key=place)]
        effects, errors = (np.array(values) for values in zip(*studies, strict=True))
        if np.isfinite(errors).sum() >= LEAST_STUDIES:
            found = random_effects.summarise(effects, errors)
            means.append(Mean(group, unit, _as_ratios(found) if scale == Scale.RATIO else found))
    return means


def _of_study(rows: list[Evidence]) -> tuple[float, float]:
    """Return the mean effect of a study's comparisons, and its error if they err together."""
    found = [on_scale(one.effect, one.degrees, one.margin, one.scale)[:2] for one in rows]
    value, error = np.mean(found, axis=0)
    return float(value), float(error)


def _as_ratios(found: RandomEffects) -> RandomEffects:
    return found._replace(mean=Estimate(*np.exp(found.mean)), prediction=Estimate(*np.exp(found.prediction)))
