"""The result of a run: the statistic of its last epochs that its study names, computed and in words."""

import numpy as np

from batchwise.config.study import LAST_EPOCHS, Statistic


def result(evaluations: np.ndarray, statistic: Statistic) -> np.ndarray:
    """Return the result, [...], of the evaluations after epoch 1 and later ones, [..., evaluations].

    It is of all of them where there are fewer than it takes, and NaN where there is none.
    """
    last = evaluations[..., -LAST_EPOCHS[statistic] :]
    return np.median(last, axis=-1) if last.shape[-1] else np.full(last.shape[:-1], np.nan)


def words(statistic: Statistic, of: str = "epoch") -> str:
    """Return what the statistic is: `value at the last epoch`, `median of the last 5 epochs`."""
    number = LAST_EPOCHS[statistic]
    return f"value at the last {of}" if number == 1 else f"median of the last {number} {of}s"
