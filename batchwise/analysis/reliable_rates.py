"""The range of learning rates that converge, by batch size and seed."""

import numpy as np

from batchwise.analysis.seed_values import Accuracies, Undecidable

# As far below the best as training still counts as convergence, for the range of learning rates: points / 100
CONVERGES = 0.05


def octaves(study: Accuracies, sizes: np.ndarray) -> np.ndarray:
    """Return the width of the range of η̃ that converges at each of the sizes, [sizes, seeds], as in range_shrinks.

    Raises Undecidable for fewer than three η̃.
    """
    rates = np.unique(study.base_learning_rate)
    if len(rates) < 3:
        raise Undecidable(f"a range takes three η̃; the grid has {len(rates)}")
    step = np.log2(rates[-1] / rates[0]) / (len(rates) - 1)
    within = converging(study)
    return step * np.stack([within[study.batch_size == m].sum(axis=0) for m in sizes])


def converging(study: Accuracies) -> np.ndarray:
    """Return whether a run is within 5 points of its seed's best cell, [cells, seeds], as 0 and 1.

    The validation accuracy decides. A seed of which a run ran out of memory or failed is NaN.
    """
    validation = np.where(np.isnan(study.validation).any(axis=0), np.nan, study.validation)
    return np.where(np.isnan(validation), np.nan, validation >= validation.max(axis=0) - CONVERGES)
