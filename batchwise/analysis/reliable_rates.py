"""The range of learning rates that converge, by batch size and seed."""

import numpy as np

from batchwise.analysis.seed_values import SeedValues, Undecidable


def octaves(study: SeedValues, sizes: np.ndarray) -> np.ndarray:
    """Return the width of the range of η̃ that converges at each of the sizes, [sizes, seeds], as in range_shrinks.

    Raises Undecidable for fewer than three η̃, and without sizes.
    """
    if not len(sizes):
        raise Undecidable("too_few_sizes", sizes=0, least=1)
    rates = np.unique(study.base_learning_rate)
    if len(rates) < 3:
        raise Undecidable("too_few_rates", rates=len(rates))
    step = np.log2(rates[-1] / rates[0]) / (len(rates) - 1)
    within = converging(study)
    return step * np.stack([within[study.effective_batch_size == m].sum(axis=0) for m in sizes])


def converging(study: SeedValues) -> np.ndarray:
    """Return whether a run is within the widest margin of its seed's best cell, [cells, seeds], as 0 and 1.

    Validation rows decide. A seed of which a run ran out of memory or failed is NaN.
    """
    score = study.metric.sign * np.where(np.isnan(study.validation).any(axis=0), np.nan, study.validation)
    behind = study.metric.margins[-1] / study.metric.scale
    return np.where(np.isnan(score), np.nan, score >= score.max(axis=0, initial=-np.inf) - behind)
