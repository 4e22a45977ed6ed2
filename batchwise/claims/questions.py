"""What people ask: every question with its margin and what its verdicts mean, and the function that measures it."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.comparison import Comparison, Rule
from batchwise.claims.field import (
    batches,
    detection,
    generalisation,
    growing,
    learning_rates,
    lengths,
    memory,
    quality,
    speed,
    text,
)
from batchwise.common.repository import damaged, text_of

OF_GROWTH = ("T9",)  # questions on an m that grows within a run
SECTIONS = "BSMQGLNTOP"  # the letters of ids: the sections of reports/index.ipynb


MEASURES: dict[str, Callable[[list[StudyResults], float], list[Comparison]]] = {
    "B1": batches.counted_in_rows,
    "B2": batches.updates_per_epoch,
    "B3": batches.more_than_all_rows,
    "S1": speed.faster_epochs,
    "S2": speed.double_for_less,
    "S3": speed.powers_of_two,
    "S4": speed.seconds_not_epochs,
    "S5": speed.single_precision,
    "S6": speed.half_precision,
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
    "L4": learning_rates.linear_rule,
    "L5": learning_rates.adaptive_optimisers,
    "L6": learning_rates.square_root_rule,
    "N1": generalisation.two_batches,
    "T1": text.sentiment,
    "T2": lengths.falls_with_length,
    "T3": lengths.smaller_instead,
    "T4": text.smallest_and_half_life,
    "T5": text.parts_or_small,
    "T6": text.plain_sgd,
    "T7": growing.critical_batch,
    "T8": lengths.half_precision,
    "T9": growing.grows_as_far,
    "O1": detection.alike,
    "O2": detection.faster_epochs,
    "O3": detection.small_generalises,
    "O4": detection.falls_with_area,
    "O5": detection.normalised_by_group,
    "O6": detection.warm_up,
    "P1": speed.side_by_side,
}


@dataclass(frozen=True)
class Question:
    """A question about batch size. `yes`, `same` and `no` say what a verdict means, with {effects} and the like."""

    id: str  # a letter of SECTIONS and a number
    question: str
    rule: Rule
    margin: float  # what would matter; 0 of what is counted
    unit: str  # of the margin
    yes: str
    same: str  # no difference that matters
    no: str
    claim: str  # as it is said
    needs: str  # the study to run where none measures it
    criterion: str  # what is compared


def read(path: Path) -> list[Question]:
    """Return the questions of a CSV file, in its order. Raises UserError if there is none, or a row is not one."""
    try:
        found = [_question(row) for row in csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True)]
        if len({one.id for one in found}) < len(found):
            raise ValueError("a question is there twice")
        return found
    except (csv.Error, LookupError, TypeError, ValueError) as error:
        raise damaged(path, str(error)) from None


def _question(row: dict[str, str]) -> Question:
    if row["id"] not in MEASURES or None in row.values():
        raise ValueError(f"the row of {row['id']!r} is not one of a question")
    texts = {name: text for name, text in row.items() if name not in ("rule", "margin")}
    margin = float(row["margin"] or 0)
    if not 0 <= margin < np.inf:
        raise ValueError(f"{margin} is no margin of {row['id']!r}")
    return Question(**texts, rule=Rule(row["rule"]), margin=margin)


def measure(questions: Sequence[Question], studies: list[StudyResults]) -> list[tuple[Question, Comparison]]:
    """Return every comparison of each question in some studies.

    Those whose m grows within a run are for questions on that alone: for all others m is one number.
    """
    steady = [study for study in studies if not study.grows]
    return [
        (one, found)
        for one in questions
        for found in MEASURES[one.id](studies if one.id in OF_GROWTH else steady, one.margin)
    ]
