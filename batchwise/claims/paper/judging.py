"""The judge of a statement: from its comparisons, each above 0 where it is right, to one verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from batchwise.claims.comparison import Comparison
from batchwise.statistics.intervals import CONFIDENCE

ALPHA = 1 - CONFIDENCE  # of a false verdict
SUPPORTED, CONTRADICTED, NOT_DECIDED = "supported", "contradicted", "not decided here"


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


def all_of(comparisons: Sequence[Comparison]) -> Evidence:
    """Return the evidence of a claim that is right if each comparison says so, and wrong if any says the contrary.

    For it speaks the weakest (intersection–union test; Berger 1982, Technometrics 24(4)); against it the strongest,
    with Bonferroni's correction for their number.
    """
    if not comparisons:
        return Evidence()
    weakest, contrary = max(comparisons, key=_doubt), min(comparisons, key=_denial)
    p_for, p_against = weakest.tests.above, min(1.0, len(comparisons) * contrary.tests.below)
    return Evidence(tuple(comparisons), p_for, p_against, weakest, contrary)


def judge(evidence: Evidence, left_out: Sequence[LeftOut] = ()) -> Verdict:
    """Return the verdict on a claim by itself.

    It is decided in one direction or the other, or in neither: its p-value is two times the smaller of the two
    one-sided ones.
    """
    return _verdict(evidence, _two_sided(evidence), left_out)


def _doubt(one: Comparison) -> tuple[float, float]:
    """Return what is larger where less speaks for a claim; of p-values that are equal, as 0, the effect decides."""
    return one.tests.above, -one.effect.value


def _denial(one: Comparison) -> tuple[float, float]:
    """Return what is smaller where more speaks against a claim."""
    return one.tests.below, one.effect.value


def _two_sided(evidence: Evidence) -> float:
    return min(1.0, 2 * min(evidence.p_for, evidence.p_against))


def _verdict(evidence: Evidence, p: float, left_out: Sequence[LeftOut] = ()) -> Verdict:
    direction = SUPPORTED if evidence.p_for < evidence.p_against else CONTRADICTED
    decided = bool(evidence.comparisons) and p <= ALPHA
    return Verdict(direction if decided else NOT_DECIDED, evidence, p, tuple(left_out))
