"""How a data set is split and scaled: stratified by class where labels are classes, scaled by the training rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import conversions, input_checks, label_checks, refusals, split_rules
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.split_rules import Rows, Rule
from batchwise.data.subset import channel_statistics, check_classes


def split(
    inputs: np.ndarray,
    labels: np.ndarray,
    *,
    validation_rows: int,
    test_rows: int,
    seed: int,
    stratify: bool | None = None,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> tuple[Split, Split, Split]:
    """Return (train, validation, test), without a row in two of them.

    They are stratified by label where that is a whole number, of a class that is: `stratify=False` is for counts. Rows
    of one of `groups` [N] stay in one part; with `order` [N] the last rows are for the test, and those before them for
    validation: the sizes are as near to those asked for as whole groups, or rows of one time, allow. The test rows
    depend on `test_rows` and `seed` alone. Raises UserError if the parts do not fit the data, or if these are no inputs
    [N, …] of finite numbers and labels [N, …] of numbers.
    """
    whole = Split(inputs, labels)
    _check_form(whole)
    strata = are_classes(labels) if stratify is None else stratify
    rule = split_rules.choose(labels, seed=seed, stratify=strata, groups=groups, order=order)
    if strata and groups is None and order is None:
        check_strata(labels, validation_rows=validation_rows, test_rows=test_rows)
    parts = rows_of_parts(np.arange(len(labels)), rule, validation_rows=validation_rows, test_rows=test_rows)
    kept = {"groups": groups, "order": order}
    numbers = {name: split_rules.numbered(values) for name, values in kept.items() if values is not None}
    whole = replace(whole, **numbers)
    train, validation, test = map(whole.take, parts)
    return train, validation, test


def rows_of_parts(rows: Rows, rule: Rule, *, validation_rows: int, test_rows: int) -> tuple[Rows, Rows, Rows]:
    """Return the rows of (train, validation, test) that a rule sets apart. Raises UserError if none would be left."""
    if test_rows + validation_rows >= len(rows):
        raise UserError(f"test_rows {test_rows} + validation_rows {validation_rows} leave none of {len(rows)} rows")
    rest, test = rule(rows, test_rows, 2 if validation_rows else 1)
    train, validation = rule(rest, min(validation_rows, len(rest) - 1), 1)  # whole groups may have taken more
    return train, validation, test


def hold_out(part: Split, *, validation_rows: int, seed: int) -> tuple[Split, Split]:
    """Return (train, validation), stratified by label where that is a class, each in the order that the rows had.

    Raises UserError if the validation rows do not fit the part.
    """
    _check_form(part)
    strata = are_classes(part.labels)
    if strata:
        _check_sizes(part.labels, validation_rows=validation_rows)
    rule = split_rules.choose(part.labels, seed=seed, stratify=strata)
    rows = np.arange(len(part.labels))
    train, validation, _ = rows_of_parts(rows, rule, validation_rows=validation_rows, test_rows=0)
    return part.take(np.sort(train)), part.take(np.sort(validation))


def are_classes(labels: np.ndarray) -> bool:
    """Return whether labels are classes: not numbers with a fraction, and not several a row."""
    return labels.ndim == 1 and labels.dtype.kind != "f"


def check_strata(labels: np.ndarray, *, validation_rows: int, test_rows: int, names: Sequence[str] = ()) -> None:
    """Raise UserError if classes [N] have too few rows for parts of such sizes. `names` are those of the classes."""
    found, counts = np.unique(labels, return_counts=True)
    if counts.min() < 3:
        label, rows = found[counts.argmin()], counts.min()
        name = shown(names[label]) if names else label
        few = f"class {name}, the smallest class, has {rows} row{'s' if rows > 1 else ''}"
        raise UserError(f"{few}; at least 3 are needed, one for each part: add rows of it, or leave it out")
    _check_sizes(labels, test_rows=test_rows, validation_rows=validation_rows)


def _check_sizes(labels: np.ndarray, **sizes: int) -> None:
    classes = len(np.unique(labels))
    for name, rows in sizes.items():
        if rows:
            check_classes(name, rows, classes)
    if sum(sizes.values()) + classes > len(labels):
        asked = " + ".join(f"{name} {rows}" for name, rows in sizes.items())
        raise UserError(f"{asked} leave too few of {len(labels)} rows; {classes} must be left, one of each class")


def _check_form(part: Split, name: str = "") -> None:
    """Raise UserError as DataSet does, where it is what was read that is wrong, and has not been computed with."""
    input_checks.check_form(f"{name} inputs".strip(), part.inputs, refusals.length(part.labels))
    what = f"{name} labels".strip()
    if conversions.is_plain(part.labels) and part.labels.dtype.kind in "fiub" and not are_classes(part.labels):
        if len(part.labels) != len(part.inputs) or not np.isfinite(part.labels).all():
            found = conversions.in_words(part.labels)
            raise UserError(f"{what} are {found}; a finite number for each of {len(part.inputs)} rows is expected")
    else:
        label_checks.check_form(what, part.labels, len(part.inputs))
    if name != "validation" and not len(part.labels):
        raise UserError(f"there are no {name} rows".replace("  ", " "))


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
        labels = part.labels.astype("int32") if are_classes(part.labels) else part.labels
        return replace(part, inputs=inputs, labels=labels)

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
