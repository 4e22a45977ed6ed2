"""How a data set is split and scaled: stratified by label, with statistics of the training rows alone."""

import numpy as np
from sklearn.model_selection import train_test_split

from batchwise.data import Part
from batchwise.errors import UserError


def split(
    inputs: np.ndarray, labels: np.ndarray, *, validation_rows: int, test_rows: int, seed: int
) -> tuple[Part, Part, Part]:
    """Return (train, validation, test), stratified by label, without a row in two of them.

    The test rows depend on `test_rows` and `seed` alone. Raises UserError if the parts do not fit the data.
    """
    counts = np.unique(labels, return_counts=True)[1]
    classes = len(counts)
    if counts.min() < 3:
        raise UserError(f"the smallest class has {counts.min()} rows; at least 3 are needed, one for each part")
    for name, rows in (("test_rows", test_rows), ("validation_rows", validation_rows)):
        if 0 < rows < classes:
            raise UserError(f"{name} is {rows}; with {classes} classes at least {classes} rows are needed")
    if test_rows + validation_rows + classes > len(labels):
        raise UserError(
            f"test_rows {test_rows} + validation_rows {validation_rows} leave too few of {len(labels)} rows"
        )
    try:
        rest, test = _stratified(np.arange(len(labels)), labels, test_rows, seed)
        train, validation = _stratified(rest, labels, validation_rows, seed) if validation_rows else (rest, rest[:0])
    except ValueError as error:  # scikit-learn cannot give each part a row of each class
        raise UserError(f"test_rows {test_rows} and validation_rows {validation_rows} do not fit: {error}") from None
    return tuple(Part(inputs[rows], labels[rows]) for rows in (train, validation, test))


def _stratified(rows: np.ndarray, labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return train_test_split(rows, test_size=size, stratify=labels[rows], random_state=seed)


def standardise(parts: tuple[Part, Part, Part], *, by_column: bool = True) -> tuple[Part, Part, Part]:
    """Return the parts with mean 0 and standard deviation 1 over the training rows, as float32.

    The mean and deviation are of each column (columns that do not vary in it become 0), or of all values together.
    A value of other rows that is too far from them for float32 becomes its largest number.
    """
    axis = 0 if by_column else None
    mean, deviation = parts[0].inputs.mean(axis), parts[0].inputs.std(axis)
    varies = (np.ptp(parts[0].inputs, axis) > 0) & (deviation > 0)  # a mean is not exact, a range is; squares underflow
    deviation = np.where(varies, deviation, np.inf)
    largest = np.finfo("float32").max

    def scaled(inputs: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return ((inputs - mean) / deviation).clip(-largest, largest).astype("float32")

    return tuple(Part(scaled(part.inputs), part.labels.astype("int32")) for part in parts)
