"""The ledger: every claim with its question, and the verdict that the studies give."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.field import batches, generalisation, learning_rates, memory, quality, speed
from batchwise.claims.judging import Evidence, Verdict, judge_together
from batchwise.common.repository import damaged, text_of

SECTIONS = "BSMQGLNDP"  # the letters of ids: the sections of reports/index.ipynb


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
    criterion: str  # when it is supported; empty where nothing measures it yet


def read(path: Path) -> list[Claim]:
    """Return the claims of a CSV file, in its order. Raises UserError if there is none, or a row is not one."""
    try:
        claims = [Claim(**row) for row in csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True)]
    except (csv.Error, TypeError) as error:
        raise damaged(path, str(error)) from None
    for claim in claims:
        if claim.id not in MEASURES or None in vars(claim).values():
            raise damaged(path, f"the row of {claim.id!r} is not one of a claim")
    return claims


def judge(claims: Sequence[Claim], studies: list[StudyResults]) -> dict[Claim, Verdict]:
    """Return the verdict on each claim, judged together."""
    verdicts = judge_together([MEASURES[claim.id](studies) for claim in claims])
    return dict(zip(claims, verdicts, strict=True))
