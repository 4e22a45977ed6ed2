"""Made-up cells with given accuracies."""

import numpy as np

from batchwise.analysis.seed_values import SeedValues
from tests.fabricated import ACCURACY


def cells(test: np.ndarray, **given: object) -> SeedValues:
    """Return cells [sizes × rates] of m = 2, 4, 8, … and η̃ = 1, ½, …, from test accuracies [sizes, rates, seeds]."""
    sizes, rates, seeds = test.shape
    m = np.repeat(2 ** np.arange(1, sizes + 1), rates)
    values = test.reshape(-1, seeds)
    fields = {
        "data": "d",
        "metric": ACCURACY,
        "statistic": "last_epoch",
        "effective_batch_size": m,
        "normalization_batch": m,
        "validation": values,
        "test": values,
    }
    fields |= {"base_learning_rate": np.tile(0.5 ** np.arange(rates), sizes), "diverged": np.zeros(len(m), bool)}
    return SeedValues(**fields | given)
