"""How a data set is split and scaled: stratified by label, with statistics of the training rows alone."""

import numpy as np
from sklearn.model_selection import train_test_split

from batchwise.common.errors import UserError
from batchwise.data import input_checks, label_checks
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.subset import channel_statistics, check_classes


def split(
    inputs: np.ndarray, labels: np.ndarray, *, validation_rows: int, test_rows: int, seed: int
) -> tuple[Split, Split, Split]:
    """Return (train, validation, test), stratified by label, without a row in two of them.

    The test rows depend on `test_rows` and `seed` alone. Raises UserError if the parts do not fit the data, or if
    these are no inputs [N, …] of finite numbers and labels [N] of whole numbers.
    """
    whole = Split(inputs, labels)
    _check_form(whole)
    smallest = np.unique(labels, return_counts=True)[1].min()
    if smallest < 3:
        raise UserError(f"the smallest class has {smallest} rows; at least 3 are needed, one for each part")
    _check(labels, test_rows=test_rows, validation_rows=validation_rows)
    rest, test = _stratified(np.arange(len(labels)), labels, test_rows, seed)
    train, validation = _stratified(rest, labels, validation_rows, seed)
    return _take(whole, train), _take(whole, validation), _take(whole, test)


def hold_out(part: Split, *, validation_rows: int, seed: int) -> tuple[Split, Split]:
    """Return (train, validation), stratified by label, each in the order that the rows had.

    Raises UserError if the validation rows do not fit the part.
    """
    _check_form(part)
    _check(part.labels, validation_rows=validation_rows)
    train, validation = _stratified(np.arange(len(part.labels)), part.labels, validation_rows, seed)
    return _take(part, np.sort(train)), _take(part, np.sort(validation))


def _check_form(part: Split, name: str = "") -> None:
    """Raise UserError as DataSet does, where it is what was read that is wrong, and has not been computed with."""
    input_checks.check_form(f"{name} inputs".strip(), part.inputs)
    label_checks.check_form(f"{name} labels".strip(), part.labels, len(part.inputs))
    if name != "validation" and not len(part.labels):
        raise UserError(f"there are no {name} rows".replace("  ", " "))


def _check(labels: np.ndarray, **sizes: int) -> None:
    classes = len(np.unique(labels))
    for name, rows in sizes.items():
        if rows:
            check_classes(name, rows, classes)
    if sum(sizes.values()) + classes > len(labels):
        asked = " + ".join(f"{name} {rows}" for name, rows in sizes.items())
        raise UserError(f"{asked} leave too few of {len(labels)} rows; {classes} must be left, one of each class")


def _stratified(rows: np.ndarray, labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (the other rows, `size` rows). Raises UserError where scikit-learn would refuse, which is never asked."""
    if not size:
        return rows, rows[:0]
    found, counts = np.unique(labels[rows], return_counts=True)
    if counts.min() < 2:
        raise UserError(
            f"{size} of {len(rows)} rows cannot be set apart with all classes in both: there is one row "
            f"of class {found[counts.argmin()]}, and two are needed; add rows of it, or leave it out"
        )
    if not 0 <= seed < 2**32:
        raise UserError(f"seed is {seed}; it must be from 0 to {2**32 - 1}")
    return train_test_split(rows, test_size=size, stratify=labels[rows], random_state=seed)


def _take(part: Split, rows: np.ndarray) -> Split:
    return Split(part.inputs[rows], part.labels[rows])


def standardise(parts: tuple[Split, Split, Split], *, by_column: bool = True) -> tuple[Split, Split, Split]:
    """Return the parts with mean 0 and standard deviation 1 over the training rows, as float32.

    The mean and std are of each column (columns that do not vary in it become 0), or of all values together.
    A value of other rows that is too far from them for float32 becomes its largest number. Raises UserError for parts
    that are no finite numbers with labels.
    """
    for name, part in zip(SPLITS, parts, strict=True):
        _check_form(part, name)
    axis = 0 if by_column else None
    mean, std = parts[0].inputs.mean(axis), parts[0].inputs.std(axis)
    varies = (np.ptp(parts[0].inputs, axis) > 0) & (std > 0)  # a mean is not exact, a range is; squares underflow
    std = np.where(varies, std, np.inf)
    largest = np.finfo("float32").max

    def scaled(part: Split) -> Split:
        with np.errstate(over="ignore"):
            inputs = ((part.inputs - mean) / std).clip(-largest, largest).astype("float32")
        return Split(inputs, part.labels.astype("int32"))

    train, validation, test = map(scaled, parts)
    return train, validation, test


def images(
    description: Description,
    class_names: tuple[str, ...],
    training: Split,
    test: Split,
    files: dict[str, str],
    *,
    validation_rows: int,
    seed: int,
) -> DataSet:
    """Return a data set of images with the test part as given, and validation rows out of the training part.

    `files` are those of `DataSet`. Raises UserError if the validation rows do not fit the training part.
    """
    train, validation = hold_out(training, validation_rows=validation_rows, seed=seed)
    mean, std = channel_statistics(train.inputs)
    return DataSet(description, class_names, train, validation, test, mean, std, files)
