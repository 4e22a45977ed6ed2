"""What the claims take from the metric by which a study chooses: its columns, its margins, and differences in it."""

from dataclasses import dataclass

import numpy as np

from batchwise.analysis.seed_values import Accuracies, Undecidable, choose
from batchwise.analysis.study_results import StudyResults
from batchwise.claims.evidence import Comparison, Right, compare, over_seeds


@dataclass(frozen=True)
class ChosenMetric:
    """The metric by which a study chooses."""

    name: str  # in columns and sentences
    scale: float  # people read this times a value
    unit_of_differences: str
    least_margin: float  # what is less makes no difference, in that unit


def of_study(study: StudyResults) -> ChosenMetric:
    """Return the metric by which a study chooses: accuracy, of every study that there is yet."""
    return ChosenMetric("accuracy", scale=100.0, unit_of_differences="points", least_margin=1.0)


def values_of(study: StudyResults) -> Accuracies:
    """Return the values of the metric of each cell, by seed."""
    return study.accuracies


def column(study: StudyResults, split: str) -> str:
    """Return the name of the column of the metric on the rows of a split."""
    return f"{split}_{of_study(study).name}"


def gain(study: StudyResults, values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return by how much values are better than others, [seeds], in the unit of differences."""
    return of_study(study).scale * (values - others)


def rank(study: StudyResults, value: float) -> float:
    """Return a number that is higher for a better value; −1, below all, for one that is not known."""
    return float(np.nan_to_num(value, nan=-1))


def compare_best(
    study: StudyResults, inside: np.ndarray, outside: np.ndarray, right: Right, quantity: str = "best_of_sizes"
) -> list[Comparison]:
    """Return by how much the best cell of some m beats that of others on test rows, seed by seed.

    `inside` and `outside` say which of study.sizes. Cells are chosen on validation rows. Nothing if a side has no m, or
    there are no validation rows.
    """
    values, sizes = values_of(study), np.array(study.sizes)
    try:
        best, other = (choose(values, np.isin(values.batch_size, sizes[side])) for side in (inside, outside))
    except Undecidable:
        return []
    measured = over_seeds(gain(study, values.test[best], values.test[other]))
    sides = {"best": int(values.batch_size[best]), "other": int(values.batch_size[other])}
    return [compare(study.name, quantity, measured, right=right, **sides, **unit(study))]


def unit(study: StudyResults) -> dict[str, str]:
    """Return, for a sentence, the unit of a difference in the metric."""
    return {"unit": of_study(study).unit_of_differences}
