"""The verdict on each comparison of a page, by tests against its margin, of which few are false."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from scipy.stats import false_discovery_control

from batchwise.claims.comparison import Rule, Scale, on_scale
from batchwise.claims.evidence import Evidence
from batchwise.statistics.equivalence import tests
from batchwise.statistics.intervals import CONFIDENCE

ALPHA = 1 - CONFIDENCE  # the expected share of false verdicts among those of a page


class Verdict(StrEnum):
    """What a comparison says to its question."""

    YES = "yes"
    NO = "no"
    SAME = "no difference that matters"
    UNKNOWN = "cannot be told"


# What an effect above δ, one within ±δ, and one below −δ says.
SAYS = {
    Rule.MORE: (Verdict.YES, Verdict.SAME, Verdict.NO),
    Rule.DIFFERENT: (Verdict.YES, Verdict.SAME, Verdict.YES),
    Rule.EQUAL: (Verdict.NO, Verdict.YES, Verdict.NO),
    Rule.NOT_LESS: (Verdict.YES, Verdict.YES, Verdict.NO),
}


@dataclass(frozen=True)
class Judged:
    """A comparison with its verdict, and how sure that is."""

    evidence: Evidence
    verdict: Verdict
    p: float  # of the verdict, adjusted for all comparisons of the page; 0 where it is counted
    under_dependence: bool  # whether it holds however the comparisons depend on each other


def judge(page: Sequence[Evidence]) -> list[Judged]:
    """Return the verdict on each comparison of a page.

    A comparison is decided where its 95 % interval lies wholly above the margin, within it or below (two one-sided
    tests; Schuirmann 1987), so that its p-value is twice that of the test. The p-values are adjusted so that of the
    verdicts of a page, and of those of each of its questions, 5 % are expected to be false at most (Benjamini &
    Hochberg 1995); it is noted which hold under any dependence (Benjamini & Yekutieli 2001). What is counted needs no
    test.
    """
    tested = [one for one in page if one.scale != Scale.COUNT]
    p, says = [*zip(*map(_test, tested), strict=True)] or [(), ()]
    adjusted, dependent = (_adjusted(np.array(p), [one.claim for one in tested], method) for method in ("bh", "by"))
    found = {
        id(one): Judged(one, verdict if value <= ALPHA else Verdict.UNKNOWN, value, other <= ALPHA)
        for one, verdict, value, other in zip(tested, says, adjusted, dependent, strict=True)
    }
    return [found.get(id(one)) or _counted(one) for one in page]


def _test(one: Evidence) -> tuple[float, Verdict]:
    """Return the p-value of what a comparison says, and that."""
    value, error, margin = on_scale(one.effect, one.degrees, one.margin, one.scale)
    above, within, below = tests(value, error, one.degrees, margin)
    if one.rule == Rule.NOT_LESS:  # of what is not below
        above, within = tests(value + margin, error, one.degrees, 0.0).above, 1.0
    p = [above, within, below]
    return min(1.0, 2 * min(p)), SAYS[Rule(one.rule)][int(np.argmin(p))]


def _adjusted(p: np.ndarray, claims: Sequence[str], method: Literal["bh", "by"]) -> list[float]:
    """Return p-values adjusted over the page and over the comparisons of their claim: the larger of the two.

    Over the page alone, what is clear elsewhere would let a question with many comparisons be answered by one of them
    that is false (Yekutieli 2008 on families within families).
    """
    adjusted = np.zeros(len(p))
    for family in [np.full(len(p), True), *(np.equal(claims, claim) for claim in {*claims})]:
        if family.any():
            adjusted[family] = np.maximum(adjusted[family], false_discovery_control(p[family], method=method))
    return adjusted.tolist()


def _counted(one: Evidence) -> Judged:
    return Judged(one, Verdict.NO if one.effect.value else Verdict.YES, 0.0, under_dependence=True)
