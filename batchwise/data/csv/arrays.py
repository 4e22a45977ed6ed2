"""From the columns of a table to what is trained on: inputs, labels and weights."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.messages import cut, shown
from batchwise.data.csv.reading import with_levels
from batchwise.data.split_rules import Rows

MAX_LEVELS = 1000  # of a category, each of which is a column of the inputs
LARGEST = np.finfo("float32").max
ONE_OF_CLASSES = ("binary_classification", "multiclass_classification")


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of tables with the same columns, one table after the other."""
    if len(tables) == 1:
        return tables[0]
    return pd.DataFrame({name: _one_after_the_other([table[name] for table in tables]) for name in tables[0]})


def _one_after_the_other(columns: list[pd.Series]) -> np.ndarray | pd.Categorical:
    if not isinstance(columns[0].dtype, pd.CategoricalDtype):
        return np.concatenate(columns)
    together = pd.api.types.union_categoricals(columns)
    return with_levels(together, together.categories.tolist())


# Labels


def are_names(target: Sequence[str], task: str) -> bool:
    """Return whether a target is a column of the names of classes, which is read as text; others are numbers."""
    return task in ONE_OF_CLASSES and len(target) == 1


def labels(table: pd.DataFrame, target: Sequence[str], task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels that a task has, and the names of its classes or flags; no value is missing.

    Of one column of names: int32 [N], the number of each in the order of reading.in_order. Of several columns K of 0
    and 1, which are named as they are: int32 [N] where one is 1 in each row, for a task of one class a row, and
    uint8 [N, K] for multilabel_classification. Numbers are float64 [N], counts int64 [N]. Raises UserError for other
    columns than the task has.
    """
    if are_names(target, task):
        column = table[target[0]]
        names = tuple(map(str, column.cat.categories))
        if len(names) < 2:
            raise UserError(
                f"the target {shown(target[0])} is {shown(names[0])} in all rows; there is nothing to learn"
            )
        if task == "binary_classification" and len(names) > 2:
            found = f"the target {shown(target[0])} has {len(names)} values, {cut(', '.join(map(repr, names)), 100)}"
            raise UserError(f"{found}; the task {task} is for 2: mend them, or write multiclass_classification")
        return column.cat.codes.to_numpy("int32"), names
    if task in (*ONE_OF_CLASSES, "multilabel_classification"):
        return _several(table, target, task)
    if len(target) > 1:
        raise UserError(f"target has {len(target)} columns; the task {task} has one")
    values = table[target[0]].to_numpy("float64")
    return (_counts(values, target[0]) if task == "count_regression" else values), ()


def _several(table: pd.DataFrame, target: Sequence[str], task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    values = table[[*target]].to_numpy("float64")
    for name, column in zip(target, values.T, strict=True):
        odd = column[(column != 0) & (column != 1)]
        if len(odd):
            raise UserError(f"the target {shown(name)} has the value {odd[0]:g}; each of several targets is 0 or 1")
    if task == "multilabel_classification":
        return values.astype("uint8"), tuple(target)
    ones = values.sum(axis=1)
    if (ones != 1).any():
        row = f"{(ones != 1).sum()} of {len(ones)} rows are 1 in none of the targets, or in several"
        raise UserError(f"{row}; for the task {task} one is, or the task is multilabel_classification")
    return values.argmax(axis=1).astype("int32"), tuple(target)


def _counts(values: np.ndarray, name: str) -> np.ndarray:
    odd = values[(values < 0) | (values != np.floor(values)) | (values > 2**53)]
    if len(odd):
        raise UserError(f"the target {shown(name)} has the value {odd[0]:g}; counts are whole numbers from 0 up")
    return values.astype("int64")


def weights(column: pd.Series) -> np.ndarray:
    """Return how much each row counts, float64 [N]. Raises UserError for one that is missing or negative, or all 0."""
    values = column.to_numpy("float64")
    if np.isnan(values).any():
        raise UserError(f"the weights {shown(column.name)} are missing in {np.isnan(values).sum()} rows; fill them in")
    if (values < 0).any() or not values.any():
        found = f"{values.min():g} among them" if (values < 0).any() else "all 0"
        raise UserError(f"the weights {shown(column.name)} have {found}; numbers from 0 up are expected, one above it")
    return values


# Inputs


def inputs(
    table: pd.DataFrame, numbers: Sequence[str], categories: Sequence[str], parts: Sequence[Rows]
) -> list[np.ndarray]:
    """Return float32 [R, D] of the rows of each part, of which the first is for training and decides how.

    Numbers have mean 0 and standard deviation 1 over the training rows that have one; a missing one is their mean, and
    there is a column that is 1 where it is missing, if it is in a training row. Categories are a column for each level
    of the training rows, and one for missing, if it is among them; a level that is not is 0 in all of them. Raises
    UserError for a column without a value in the training rows, and for one of more than MAX_LEVELS levels.
    """
    columns = [column for name in numbers for column in _number(table[name], parts[0])]
    columns += [column for name in categories for column in _levels(table[name], parts[0])]
    return [np.stack([column[rows] for column in columns], axis=1, dtype="float32") for rows in parts]


def _number(column: pd.Series, train: Rows) -> Iterator[np.ndarray]:
    values = column.to_numpy("float64")
    missing = np.isnan(values)
    known = values[train][~missing[train]]
    if not len(known):
        raise UserError(f"{shown(column.name)} has no value in the training rows; take it out of `numbers`")
    std = known.std() if np.ptp(known) > 0 else 0.0  # the mean of equal numbers may be another, a range is exact
    with np.errstate(over="ignore"):
        scaled = ((values - known.mean()) / (std or np.inf)).clip(-LARGEST, LARGEST)
    yield np.where(missing, 0, scaled).astype("float32")
    if missing[train].any():
        yield missing


def _levels(column: pd.Series, train: Rows) -> Iterator[np.ndarray]:
    codes = column.cat.codes.to_numpy()
    found = np.unique(codes[train])
    if len(found) > MAX_LEVELS:
        levels = f"{len(found):,} levels, each of which would be a column of the inputs"
        raise UserError(
            f"{shown(column.name)} has {levels}; at most {MAX_LEVELS:,} may be: take it out of `categories`"
        )
    for code in sorted(found, key=lambda code: (code < 0, code)):  # missing, −1, is the last
        yield codes == code
