"""The best cells of two groups of batch sizes, compared in the metric by which the study chooses."""

import numpy as np

from batchwise.analysis.seed_values import Undecidable, choose
from batchwise.analysis.study_results import StudyResults
from batchwise.claims.evidence import Comparison, Right, compare, over_seeds


def compare_best(
    study: StudyResults, inside: np.ndarray, outside: np.ndarray, right: Right, quantity: str = "best_of_sizes"
) -> list[Comparison]:
    """Return by how much the best cell of some m beats that of others on test rows, seed by seed.

    `inside` and `outside` say which of study.sizes. Cells are chosen on validation rows. Nothing if a side has no m, or
    there are no validation rows.
    """
    values, sizes = study.seed_values, np.array(study.sizes)
    try:
        best, other = (choose(values, np.isin(values.effective_batch_size, sizes[side])) for side in (inside, outside))
    except Undecidable:
        return []
    measured = over_seeds(study.metric.gain(values.test[best], values.test[other]))
    sides = {"best": int(values.effective_batch_size[best]), "other": int(values.effective_batch_size[other])}
    return [compare(study.name, quantity, measured, right=right, **sides, unit=study.metric.differences)]
