"""What the claims take from the metric by which a study chooses: its columns, its margins, and differences in it."""

import numpy as np

from batchwise.analysis.seed_values import SeedValues, Undecidable, choose
from batchwise.analysis.study_results import StudyResults
from batchwise.claims.evidence import Comparison, Right, compare, over_seeds


def values_of(study: StudyResults) -> SeedValues:
    """Return the values of the metric of each cell, by seed."""
    return study.seed_values


def column(study: StudyResults, split: str) -> str:
    """Return the name of the column of the metric on the rows of a split."""
    return study.tables.metric.column(split)


def gain(study: StudyResults, values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return by how much values are better than others, [seeds], in the unit of differences."""
    return study.tables.metric.gain(values, others)


def least_margin(study: StudyResults) -> float:
    """Return below what a difference makes none, in the unit of differences."""
    return study.tables.metric.margins[0]


def rank(study: StudyResults, value: float) -> float:
    """Return a number that is higher for a better value; −∞ for one that is not known."""
    return float(np.nan_to_num(study.tables.metric.sign * value, nan=-np.inf))


def compare_best(
    study: StudyResults, inside: np.ndarray, outside: np.ndarray, right: Right, quantity: str = "best_of_sizes"
) -> list[Comparison]:
    """Return by how much the best cell of some m beats that of others on test rows, seed by seed.

    `inside` and `outside` say which of study.sizes. Cells are chosen on validation rows. Nothing if a side has no m, or
    there are no validation rows.
    """
    values, sizes = values_of(study), np.array(study.sizes)
    try:
        best, other = (choose(values, np.isin(values.effective_batch_size, sizes[side])) for side in (inside, outside))
    except Undecidable:
        return []
    measured = over_seeds(gain(study, values.test[best], values.test[other]))
    sides = {"best": int(values.effective_batch_size[best]), "other": int(values.effective_batch_size[other])}
    return [compare(study.name, quantity, measured, right=right, **sides, **unit(study))]


def unit(study: StudyResults) -> dict[str, str]:
    """Return, for a sentence, the unit of a difference in the metric."""
    return {"unit": f"{study.tables.metric.difference_unit}s"}
