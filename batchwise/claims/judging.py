"""The judge: from comparisons to the verdict on a claim, or on all claims of a page together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from batchwise.claims.evidence import SEEDS, Comparison, Rule
from batchwise.statistics.intervals import CONFIDENCE, t_quantile

ALPHA = 1 - CONFIDENCE  # of a false verdict: on a claim by itself, or on a whole page
SUPPORTED, CONTRADICTED, NOT_DECIDED = "supported", "contradicted", "not decided here"
POWER = 0.8
MOST_SEEDS = 1000  # nobody trains more


class LeftOut(NamedTuple):
    """What could not be compared, and why."""

    study: str  # as in Comparison
    reason: str  # and its numbers, as of an Undecidable
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All comparisons of a claim. Without any, the claim is not decided."""

    comparisons: tuple[Comparison, ...] = ()
    p_for: float = 1.0
    p_against: float = 1.0
    supporting: Comparison | None = None  # the one that p_for rests on
    contradicting: Comparison | None = None  # the one that p_against rests on


@dataclass(frozen=True)
class Verdict:
    """What the studies say of a claim."""

    verdict: str
    evidence: Evidence
    p: float  # of the two directions together; 1 where nothing was measured
    left_out: tuple[LeftOut, ...] = ()

    @property
    def decisive(self) -> Comparison | None:
        """The comparison on which the verdict rests: of a claim that is not decided, the one that supports it least."""
        return self.evidence.contradicting if self.verdict == CONTRADICTED else self.evidence.supporting


def all_of(parts: Sequence[Comparison | Evidence]) -> Evidence:
    """Return the evidence of a claim that is right if each part says so, and wrong if any says the contrary.

    For it speaks the weakest (intersection–union test; Berger 1982, Technometrics 24(4)); against it the strongest,
    with Bonferroni's correction for their number.
    """
    if not parts:
        return Evidence()
    each = [_evidence(part) for part in parts]
    weakest, contrary = max(each, key=_doubt), min(each, key=_denial)
    p_for, p_against = weakest.p_for, min(1.0, len(each) * contrary.p_against)
    return Evidence(_comparisons(each), p_for, p_against, weakest.supporting, contrary.contradicting)


def any_of(parts: Sequence[Comparison | Evidence]) -> Evidence:
    """Return the evidence of a claim that is right if any part says so, and wrong if each says the contrary."""
    if not parts:
        return Evidence()
    each = [_evidence(part) for part in parts]
    strongest, least = min(each, key=_doubt), max(each, key=_denial)
    p_for, p_against = min(1.0, len(each) * strongest.p_for), least.p_against
    return Evidence(_comparisons(each), p_for, p_against, strongest.supporting, least.contradicting)


def judge(evidence: Evidence, left_out: Sequence[LeftOut] = ()) -> Verdict:
    """Return the verdict on a claim by itself.

    It is decided in one direction or the other, or in neither: its p-value is two times the smaller of the two
    one-sided ones.
    """
    return _verdict(evidence, _two_sided(evidence), left_out)


def judge_together(page: Sequence[Evidence]) -> list[Verdict]:
    """Return the verdicts on all claims of a page.

    Over those that were measured the p-values are adjusted by Holm (1979), so that with no effect at all one false
    verdict on the whole page has a probability of at most 5 %.
    """
    p = np.array([_two_sided(one) for one in page])
    measured = np.array([bool(one.comparisons) for one in page], bool)
    if measured.any():
        p[measured] = multipletests(p[measured], alpha=ALPHA, method="holm")[1]
    return [_verdict(one, float(value)) for one, value in zip(page, p, strict=True)]


def seeds_needed(one: Comparison, claims: int) -> float:
    """Return how many seeds would decide a comparison with a probability of 80 %, were its effect and spread these.

    For a t-test at 5 % over the number of claims, which is Holm's first step. NaN where seeds are not what is counted,
    or there is no spread; infinite where it would be more than MOST_SEEDS.
    """
    distance, half = abs(one.distance), (one.effect.high - one.effect.low) / 2
    if one.sample != SEEDS or one.right.rule is Rule.NOT_ZERO or not (one.n > 1 and half > 0 and np.isfinite(distance)):
        return np.nan
    std = half / t_quantile(one.n - 1) * np.sqrt(one.n)
    seeds = np.arange(2.0, MOST_SEEDS + 1)
    alpha = ALPHA / claims / 2  # the other side, far away, cannot be computed everywhere
    power = TTestPower().power(distance / std, seeds, alpha, alternative="larger")
    return float(np.min(seeds[power >= POWER], initial=np.inf))


def _evidence(part: Comparison | Evidence) -> Evidence:
    return part if isinstance(part, Evidence) else Evidence((part,), part.p_for, part.p_against, part, part)


def _doubt(part: Evidence) -> tuple[float, float]:
    """Return what is larger where less speaks for a claim; of p-values that are equal, as 0, the distance decides."""
    return part.p_for, -part.supporting.distance if part.supporting else 0.0


def _denial(part: Evidence) -> tuple[float, float]:
    """Return what is smaller where more speaks against a claim."""
    return part.p_against, part.contradicting.distance if part.contradicting else 0.0


def _comparisons(parts: Sequence[Evidence]) -> tuple[Comparison, ...]:
    return tuple(comparison for part in parts for comparison in part.comparisons)


def _two_sided(evidence: Evidence) -> float:
    return min(1.0, 2 * min(evidence.p_for, evidence.p_against))


def _verdict(evidence: Evidence, p: float, left_out: Sequence[LeftOut] = ()) -> Verdict:
    direction = SUPPORTED if evidence.p_for < evidence.p_against else CONTRADICTED
    decided = bool(evidence.comparisons) and p <= ALPHA
    return Verdict(direction if decided else NOT_DECIDED, evidence, p, tuple(left_out))
