"""A CSV file of your own: a row is an example, and columns are its inputs, its target and, if you like, its weight."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.common.option_types import Columns, File, Seed, SplitRule
from batchwise.data.csv import arrays, reading, row_split
from batchwise.data.csv.form import Form
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.split_rules import Rows
from batchwise.data.tokens import encoded, rows_of


def prepare(
    *,
    file: File,
    target: Columns,
    task: Literal[
        "binary_classification",
        "multiclass_classification",
        "multilabel_classification",
        "regression",
        "count_regression",
    ],
    numbers: list[str] = [],
    categories: list[str] = [],
    text: str = "",
    tokens: Literal["words", "characters", "bytes"] = "words",
    max_tokens: PositiveInt = 200,
    vocabulary: PositiveInt = 20_000,
    keep: Literal["first", "last"] = "last",
    test_rows: NonNegativeInt = 0,
    validation_rows: NonNegativeInt = 0,
    seed: Seed = 0,
    split: SplitRule = {},
    test_file: File | None = None,
    weights: str = "",
    unit: str = "",
    missing: list[str] = ["NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?"],
    missing_target: Literal["error", "drop"] = "error",
    separator: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
) -> DataSet:
    """Return the rows of a file, split by chance, by a rule, or as a second file or a column of it says.

    Inputs are float32 [N, D], as arrays.inputs has them, or of a column of texts the ids of their tokens, int32
    [N, max_tokens], as tokens.encoded has them; labels are those of the task, as arrays.labels has them.
    Rows without a target are refused, or left out. Raises UserError for a file that is not as the options say.
    """
    targets = [target] if isinstance(target, str) else target
    of_weights, of_parts = [weights] if weights else [], [name for key, name in split.items() if key == "column"]
    of_text = [text] if text else []
    roles = {"target": targets, "text": of_text, "numbers": numbers, "categories": categories}
    _check_apart(**roles, weights=of_weights, split=of_parts)
    of_numbers, texts = [*numbers, *of_weights], [*categories]
    (texts if arrays.are_names(targets, task) else of_numbers).extend(targets)
    texts += [name for name in split.values() if name not in (*of_numbers, *texts)]
    paths = [path for path in (file, test_file) if path]
    form = Form(separator, decimal, encoding, tuple(missing))
    table, is_test = _read(paths, form, of_numbers, texts, of_text)
    kept = _with_target(table[targets], missing_target)
    table, is_test = table[kept].reset_index(drop=True), is_test[kept]
    labels, names = arrays.labels(table, targets, task)
    sizes = {"validation_rows": validation_rows, "test_rows": test_rows}
    of_rows = row_split.row_values(table, split, decimal)
    rows = row_split.parts(table, labels, names=names, is_test=is_test, split=split, keys=of_rows, **sizes, seed=seed)
    of_rows |= {"weights": arrays.weights(table[weights])} if weights else {}
    of_texts = None
    if text:
        numbers_of_texts = _parts([rows_of(labels).inputs[part] for part in rows], labels, rows, of_rows)
        how: dict[str, Any] = {"kind": tokens, "max_tokens": max_tokens, "most": vocabulary, "keep": keep}
        parts, of_texts = encoded(table[text].tolist(), numbers_of_texts, **how)
    else:
        parts = _parts(arrays.inputs(table, numbers, categories, rows), labels, rows, of_rows)
    title, source = f"{', '.join(targets)} of {file.name}", f"the file {file.name}"
    return DataSet(Description(title, task, source, "not stated", unit), names, *parts, texts=of_texts)


def _parts(
    inputs: Sequence[np.ndarray], labels: np.ndarray, rows: Sequence[Rows], of_rows: Mapping[str, np.ndarray]
) -> tuple[Split, Split, Split]:
    """Return (train, validation, test) of the inputs of each, and of the labels and other values of all rows."""
    train, validation, test = (
        Split(each, labels[part], **{name: values[part] for name, values in of_rows.items()})
        for each, part in zip(inputs, rows, strict=True)
    )
    return train, validation, test


def _check_apart(**roles: list[str]) -> None:
    """Raise UserError if a column has two roles, none is an input, or a text is not the only one."""
    others = [*roles["numbers"], *roles["categories"]]
    if not others and not roles["text"]:
        raise UserError(
            "numbers and categories are empty; name the columns that are inputs in one of them, or one of texts in text"
        )
    if others and roles["text"]:
        todo = "leave numbers and categories out, or text"
        raise UserError(
            f"a model takes texts alone, and text is {shown(*roles['text'])} beside {len(others)} columns; {todo}"
        )
    seen: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name in seen:
                raise UserError(f"the column {shown(name)} is in {seen[name]} and in {role}; it can be in one, once")
            seen[name] = role


def _read(
    paths: list[Path], form: Form, numbers: list[str], texts: list[str], whole: list[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of a file, or of two, and which of them are of the second, bool [N]."""
    tables = [reading.read(path, form, numbers=numbers, texts=texts, whole=whole) for path in paths]
    return arrays.joined(tables), np.repeat([False, True][: len(tables)], [len(table) for table in tables])


def _with_target(targets: pd.DataFrame, missing_target: str) -> np.ndarray:
    """Return which rows have a target, bool [N]."""
    present = targets.notna().all(axis=1).to_numpy()
    if missing_target == "error" and not present.all():
        found = f"the target is missing in {(~present).sum()} of {len(present)} rows"
        todo = "write `missing_target: drop` to leave them out, or `missing: []` if NA, null and the like are values"
        raise UserError(f"{found}; {todo}")
    if not present.any():
        raise UserError("the target is missing in all rows")
    return present
