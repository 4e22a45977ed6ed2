"""Which rows of a table are for training, validation and test: by its columns, by a second file, or by chance."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.common.option_types import SplitRule
from batchwise.data import split_rules, splitting
from batchwise.data.csv import reading, times
from batchwise.data.split_rules import Rows, Rule


def parts(
    table: pd.DataFrame,
    labels: np.ndarray,
    *,
    names: Sequence[str],
    is_test: np.ndarray,
    split: SplitRule,
    keys: Mapping[str, np.ndarray],
    validation_rows: int,
    test_rows: int,
    seed: int,
) -> tuple[Rows, Rows, Rows]:
    """Return the numbers of the rows of (train, validation, test).

    `labels` [N, …] are classes, if there are `names` and one label a row, and are stratified. `is_test` [N] are the
    rows of an official test file, `keys` what `row_values` returns. Validation rows are taken of the training rows if
    no column says which they are. Raises UserError if the rows do not allow it.
    """
    stratify = bool(names) and labels.ndim == 1
    rule = split_rules.choose(labels, seed=seed, stratify=stratify, names=names, **keys)
    if "column" not in split and not is_test.any():
        if not test_rows:
            raise UserError(
                "test_rows is 0; give a number of rows, a test_file, or a column that says: `split: {column: …}`"
            )
        if stratify and not split:
            splitting.check_strata(labels, validation_rows=validation_rows, test_rows=test_rows, names=names)
        return splitting.rows_of_parts(
            np.arange(len(table)), rule, validation_rows=validation_rows, test_rows=test_rows
        )
    if test_rows:
        raise UserError(f"test_rows is {test_rows}, but the data say which rows are for the test; write test_rows: 0")
    return _official(table, is_test, split.get("column"), rule, validation_rows)


def row_values(table: pd.DataFrame, split: SplitRule, decimal: str) -> dict[str, np.ndarray]:
    """Return {"groups" or "order": [N] whole numbers}, of which a split has at most one.

    `decimal` is the sign in numbers of the file. Raises UserError for missing values, and for an order of other texts.
    """
    return {
        key: split_rules.numbered(_keys(table[name], key, decimal)) for key, name in split.items() if key != "column"
    }


def _official(
    table: pd.DataFrame, is_test: np.ndarray, column: str | None, rule: Rule, validation_rows: int
) -> tuple[Rows, Rows, Rows]:
    if column is None:
        train, validation, test = np.flatnonzero(~is_test), np.arange(0), np.flatnonzero(is_test)
    elif is_test.any():
        raise UserError(f"test_file and split.column, {shown(column)}, both say which rows are for the test; keep one")
    else:
        named = table[column].cat
        train, validation, test = _named(column, [*named.categories], named.codes.to_numpy())
    if not validation_rows:
        return train, validation, test
    if len(validation):
        found = f"the column {shown(column)} has {len(validation)} rows for validation"
        raise UserError(f"validation_rows is {validation_rows}, and {found}; write validation_rows: 0")
    if validation_rows >= len(train):
        raise UserError(f"validation_rows is {validation_rows}; at most {len(train) - 1} of {len(train)} rows are left")
    return (*rule(train, validation_rows, 1), test)


def _named(column: str, levels: list[str], codes: np.ndarray) -> tuple[Rows, Rows, Rows]:
    try:
        return split_rules.official(levels, codes)
    except UserError as error:
        raise UserError(f"split.column, {shown(column)}: {error}") from None


def _keys(column: pd.Series, key: str, decimal: str) -> np.ndarray:
    """Return values [N] of the groups or the order of rows that can be sorted."""
    if column.isna().any():
        raise UserError(f"split.{key}: {shown(column.name)} is missing in {column.isna().sum()} rows; fill it in")
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy()
    codes = column.cat.codes.to_numpy()
    return codes if key == "groups" else _order(column.name, column.cat.categories.tolist(), decimal)[codes]


def _order(name: str, levels: list[str], decimal: str) -> np.ndarray:
    """Return what texts [L] are sorted by: numbers or times."""
    if reading.are_numbers(levels, decimal):
        return np.array([level.replace(decimal, ".") for level in levels], "float64")
    try:
        found = times.times(levels)
    except UserError as error:
        raise UserError(f"split.order: {shown(name)}: {error}") from None
    if found is None:
        raise UserError(f"split.order: {shown(name)} has {shown(levels[-1])}; numbers or dates (2026-12-31) are needed")
    return found
