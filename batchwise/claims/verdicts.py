"""The ledger: every claim with its question, and the verdict that the studies give."""

import csv
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from statsmodels.stats.multitest import multipletests

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.evidence import Comparison, Evidence
from batchwise.claims.field import batches, generalisation, learning_rates, memory, quality, speed
from batchwise.statistics.intervals import CONFIDENCE

ALPHA = 1 - CONFIDENCE  # of one false verdict on the whole page
SUPPORTED, CONTRADICTED, NOT_DECIDED = "supported", "contradicted", "not decided here"
SECTIONS = {
    "B": "What a batch is",
    "S": "Speed",
    "M": "Memory",
    "Q": "Quality",
    "G": "Generalisation",
    "L": "Learning rate",
    "N": "Normalisation",
    "D": "Detection and text",
    "P": "Many cores",
}


def no_study(studies: list[StudyResults]) -> Evidence:
    """Nothing here measures it."""
    return Evidence()


MEASURES: dict[str, Callable[[list[StudyResults]], Evidence]] = {
    "B1": batches.counted_in_rows,
    "B2": batches.updates_per_epoch,
    "B3": batches.more_than_all_rows,
    "S1": speed.faster_epochs,
    "S2": speed.double_for_less,
    "S3": speed.powers_of_two,
    "S4": speed.seconds_not_epochs,
    "S5": speed.smaller_types,
    "M1": memory.grows,
    "M2": memory.smaller_cures,
    "M3": memory.accumulation,
    "Q1": quality.equal_epochs,
    "Q2": quality.equal_updates,
    "Q3": quality.same_result,
    "Q4": quality.factor_of_a_few,
    "Q5": quality.small_and_fast,
    "G1": generalisation.small_generalises,
    "G2": generalisation.sharp_minima,
    "G3": generalisation.best_between_2_and_32,
    "L1": learning_rates.range_shrinks,
    "L2": learning_rates.large_needs_small,
    "L3": learning_rates.mean_and_covariance,
    "L4": learning_rates.scaling_rules,
    "L5": learning_rates.adaptive_optimisers,
    "N1": generalisation.two_batches,
    "D1": no_study,
    "D2": no_study,
    "P1": speed.side_by_side,
}


@dataclass(frozen=True)
class Claim:
    """A claim about batch size, as a question, with what its verdicts mean in plain words."""

    id: str  # a letter of SECTIONS and a number
    question: str
    claim: str
    yes: str  # the answer if the claim is supported
    no: str  # the answer if it is contradicted
    needs: str  # the study to run where none measures it

    @property
    def criterion(self) -> str:
        """When the claim is supported, as it stands in the docstring of its function."""
        return " ".join(inspect.getdoc(MEASURES[self.id]).split())


@dataclass(frozen=True)
class Verdict:
    """What the studies say of a claim."""

    verdict: str
    evidence: Evidence
    p: float  # adjusted for all claims of the ledger (Holm); 1 where nothing was measured

    @property
    def decisive(self) -> Comparison | None:
        """The comparison on which the verdict rests: the strongest against a contradicted claim, else the weakest."""
        found = self.evidence.comparisons
        if self.verdict == CONTRADICTED:
            return min(found, key=lambda one: one.p_against)
        return max(found, key=lambda one: one.p_for, default=None)


def read(path: Path) -> list[Claim]:
    """Return the claims of a CSV file, in its order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Claim(**row) for row in csv.DictReader(file, strict=True)]


def judge(claims: Sequence[Claim], studies: list[StudyResults]) -> dict[Claim, Verdict]:
    """Return the verdict on each claim.

    A claim is decided in one direction or the other, or in neither: its p-value is two times the smaller of the two
    one-sided ones. Over all claims that were measured they are adjusted by Holm (1979), so that with no effect at all
    one false verdict on the whole page has a probability of at most 5 %.
    """
    evidence = [MEASURES[claim.id](studies) for claim in claims]
    p = np.array([min(1.0, 2 * min(one.p_for, one.p_against)) for one in evidence])
    measured = np.array([bool(one.comparisons) for one in evidence], bool)
    adjusted = np.ones(len(p))
    if measured.any():
        adjusted[measured] = multipletests(p[measured], alpha=ALPHA, method="holm")[1]
    return {
        claim: Verdict(_verdict(one, value), one, float(value))
        for claim, one, value in zip(claims, evidence, adjusted, strict=True)
    }


def _verdict(evidence: Evidence, p: float) -> str:
    if not evidence.comparisons or p > ALPHA:
        return NOT_DECIDED
    return SUPPORTED if evidence.p_for < evidence.p_against else CONTRADICTED
