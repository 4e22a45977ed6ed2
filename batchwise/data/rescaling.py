"""Inputs that a data set centred by its training rows, centred again by those of a fold."""

from dataclasses import replace
from typing import Any

import numpy as np

from batchwise.data.dataset import Split

# Of the standard deviation: rounding moves the mean of a column that was centred by less, and chance one that was not
# by more; one that it does not is hardly changed.
CENTRED = 1e-4
LARGEST = np.finfo("float32").max


def spreads(training: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the columns of inputs [N, …] that are centred, and 0 for others, float64 [...].

    Where all values together are centred, and most columns are not by themselves, it is one number, []. Inputs that
    are no floats are never centred.
    """
    if training.dtype.kind != "f":
        return np.zeros(())
    by_column, together = _of_centred(training, 0), _of_centred(training, None)
    columns = np.count_nonzero(np.ptp(training, axis=0))
    return together if together > 0 and 2 * np.count_nonzero(by_column) < columns else by_column


def _of_centred(inputs: np.ndarray, axis: int | None) -> np.ndarray:
    mean, std = inputs.mean(axis, dtype="float64"), inputs.std(axis, dtype="float64")
    varies = (np.ptp(inputs, axis) > 0) & (std > 0)
    return np.where(varies & (abs(mean) <= CENTRED * std), std, 0.0)


def rescaled(parts: list[Split], of_columns: np.ndarray) -> list[Split]:
    """Return parts, of which the first is for training, with the columns that were centred scaled by its rows.

    Their mean there is 0, and their standard deviation what `spreads` found it to be over the rows of the data set;
    those that do not vary there become 0. Other columns stay as they are.
    """
    if not of_columns.any():
        return parts
    columns = of_columns > 0 if of_columns.ndim else ...
    training, axis = parts[0].inputs[:, columns].astype("float64"), 0 if of_columns.ndim else None
    mean, std = training.mean(axis), training.std(axis)
    varies = (np.ptp(training, axis) > 0) & (std > 0)
    factor = np.where(varies, of_columns[columns] / np.where(varies, std, 1), 0)
    return [_scaled(part, columns, mean, factor) for part in parts]


def _scaled(part: Split, columns: Any, mean: np.ndarray, factor: np.ndarray) -> Split:
    inputs = part.inputs.copy()
    inputs[:, columns] = ((inputs[:, columns].astype("float64") - mean) * factor).clip(-LARGEST, LARGEST)
    return replace(part, inputs=inputs)
