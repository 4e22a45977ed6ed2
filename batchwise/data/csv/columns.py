"""What the columns of a CSV file are, and which task follows from a target: of all rows, whatever the locale."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.messages import shown, unknown
from batchwise.data.csv import checks, guess, near_numbers, reading, times
from batchwise.data.csv.form import BLOCK, Form, text
from batchwise.data.tokens import WITHOUT_SPACES

Kind = Literal["number", "category", "text", "date", "constant", "identifier"]
MAX_CATEGORY = 100  # levels of a column that is taken for a category
MAX_CLASSES = 20  # whole numbers that are taken for classes
COUNTS = "whole numbers from 0 up; if they count something, add `--task count_regression`"
AMOUNTS = "whole numbers; if they are amounts, add `--task regression`"
MIN_ROWS = 3  # of a class, one for each part
IS_TEXT = re.compile(rf"[\s{WITHOUT_SPACES}]")  # a space, or a letter of a script that is written without
AT_ONCE = 4  # columns of text that are read together: each may have a million texts


@dataclass(frozen=True)
class Column:
    """What a column was taken for: numbers and categories are inputs, others are left out."""

    name: str
    kind: Kind
    missing: int  # rows
    levels: int = 0  # different texts, of a column that is none of numbers
    note: str = ""  # why, or what else could be meant


@dataclass(frozen=True)
class Table:
    """What a CSV file is."""

    path: Path
    form: Form
    rows: int
    columns: tuple[Column, ...]

    def names(self, kind: Kind) -> list[str]:
        """The names of the columns of a kind."""
        return [column.name for column in self.columns if column.kind == kind]


@dataclass(frozen=True)
class Target:
    """What is to be learned: its task, and the rows of each class, or of each flag that is 1, none for numbers."""

    task: str
    classes: dict[str, int]
    missing: int  # rows without it
    note: str = ""  # what else could be meant


def look(path: Path, encoding: str | None = None) -> Table:
    """Return what a file and its columns are. Raises UserError as checks.check does."""
    return _look(path, guess.form(path, encoding))


def _look(path: Path, form: Form) -> Table:
    names, rows = checks.check(path, form)
    table = reading.all_numbers(path, form, names, names)
    codes = _with_leading_zeros(path, form, names, table)
    found = {name: _number(table[name]) for name in table if name not in codes}
    fractions = any((table[name] % 1 > 0).any() for name in found)
    del table
    for column in _texts(path, form, names, [name for name in names if name not in found]):
        levels = column.cat.categories.tolist()
        if form.decimal == "." and not fractions and guess.has_commas(levels):
            return _look(path, replace(form, decimal=","))  # which its first rows did not show
        found[column.name] = _text(column, form, column.name in codes)
    return Table(path, form, rows, tuple(found[name] for name in names))


def _texts(path: Path, form: Form, names: Sequence[str], wanted: Sequence[str]) -> Iterator[pd.Series]:
    """Yield columns as categories; not all are in memory at once."""
    for first in range(0, len(wanted), AT_ONCE):
        table = reading.columns(path, form, names, texts=wanted[first : first + AT_ONCE])
        yield from (table[name] for name in table)


def _with_leading_zeros(path: Path, form: Form, names: Sequence[str], table: pd.DataFrame) -> set[str]:
    """Return the columns of numbers that are codes: 01097 is no number, though it can be read as one."""
    if not _has_leading_zero(path, form):
        return set()
    whole = [name for name in table if (table[name].dropna() % 1 == 0).all()]
    columns = _texts(path, form, names, whole)
    return {str(column.name) for column in columns if column.cat.categories.str.fullmatch(r"0\d+").any()}


def _has_leading_zero(path: Path, form: Form) -> bool:
    """Return whether a field may have one: it may also be a date. Of a pattern this would take most of the time."""
    starts = np.isin(np.arange(256), [*f'{form.separator}\r\n" '.encode()])
    with text(path, form) as file:
        for block in iter(lambda: "".join(file.readlines(BLOCK)), ""):
            code = np.frombuffer(block.encode(), "uint8")
            zeros = np.flatnonzero((code[1:-1] == ord("0")) & (code[2:] - ord("0") < 10))  # as bytes
            if starts[code[zeros]].any():
                return True
    return False


def _number(column: pd.Series) -> Column:
    values, name = column.to_numpy(), str(column.name)
    missing = int(np.isnan(values).sum())
    known = values[~np.isnan(values)]
    if not len(known):
        return Column(name, "constant", missing, note="no value in any row")
    low, high = known.min(), known.max()
    if low == high and not missing:
        return Column(name, "constant", 0, note=f"{low:g} in all rows")
    if not missing and len(known) > 2 and (known % 1 == 0).all():
        if high - low + 1 == len(known) == len(np.unique(known)):
            return Column(name, "identifier", 0, note="whole numbers in sequence, each once")
        if (re.search(r"(^|[^a-z])id$", name.lower()) or high > 2**53) and len(np.unique(known)) == len(known):
            return Column(name, "identifier", 0, note="whole numbers, all different")
    return Column(name, "number", missing)


def _text(column: pd.Series, form: Form, is_code: bool) -> Column:
    """Return what a column of categories is."""
    levels, name = column.cat.categories.tolist(), str(column.name)
    missing = int(column.isna().sum())
    known, rows = len(levels), len(column) - missing

    def found(kind: Kind, note: str = "") -> Column:
        return Column(name, kind, missing, known, note)

    if known == 1 and not missing:
        return found("constant", f"{shown(levels[0])} in all rows")
    if not is_code and reading.are_numbers(levels, form.decimal):
        return Column(name, "number", missing)
    if note := _of_times(levels):
        return found("date", note)
    note = "numbers with leading zeros" if is_code else near_numbers.note(levels, form.decimal)
    if known <= MAX_CATEGORY and rows >= 2 * known:
        return found("category", note)
    if known == rows and not note and not IS_TEXT.search("".join(levels)):
        return found("identifier", "texts without spaces, all different")
    learned = f"{known:,} different values; to learn from them, add `--text {shlex.quote(name)}`"
    return found("text", note or learned)


def _of_times(levels: list[str]) -> str:
    """Return what times can be, and nothing for what is none."""
    try:
        return "can be the order of a split" if times.times(levels) is not None else ""
    except UserError as error:  # they are, in two ways
        return str(error)


def target(table: Table, names: Sequence[str], task: str | None = None) -> Target:
    """Return which task follows from a column, or several of 0 and 1; or what it is for a task that is named.

    Raises UserError for a column that is not there, that nothing follows from, or that is not of the task.
    """
    known = [column.name for column in table.columns]
    for name in names:
        if name not in known:
            raise UserError(f"{table.path}: {unknown('column', name, known)}")
    columns = reading.columns(table.path, table.form, known, texts=names)
    present = columns.dropna()
    missing = len(columns) - len(present)
    if len(names) > 1:
        of_flags = Target(*_of_flags(present), missing)
        return replace(of_flags, task=task) if task else of_flags
    column, decimal = present[names[0]], table.form.decimal
    classes = {str(level): int(rows) for level, rows in column.value_counts(sort=False).items()}
    if task:
        return Target(task, _classes_for(task, names[0], classes, decimal), missing)
    if _is_numeric(table, names[0], classes):
        return Target("regression", {}, missing, COUNTS if _are_whole(classes, decimal, 0) else "")
    task = "binary_classification" if len(classes) == 2 else "multiclass_classification"
    return Target(task, classes, missing, AMOUNTS if len(classes) > 2 and _are_whole(classes, decimal) else "")


def _are_whole(levels: Iterable[str], decimal: str, low: float = -np.inf) -> bool:
    """Return whether all levels are whole numbers, none of them below a bound."""
    if not reading.are_numbers(levels, decimal):
        return False
    numbers = (float(level.replace(decimal, ".")) for level in levels)
    return all(number.is_integer() and number >= low for number in numbers)


def _classes_for(task: str, name: str, classes: dict[str, int], decimal: str) -> dict[str, int]:
    """Return the classes of a target for a task, none for one of numbers. Raises UserError if it has no numbers."""
    if task not in ("regression", "count_regression"):
        return classes
    if not reading.are_numbers(classes, decimal):
        odd = next(iter(reading.no_numbers(classes, decimal)))
        raise UserError(f"the target {shown(name)} has the value {shown(odd)}; the task {task} is for numbers")
    return {}


def _is_numeric(table: Table, name: str, classes: dict[str, int]) -> bool:
    """Return whether a target is a number, not a class. Raises UserError if it is neither."""
    if not classes:
        raise UserError(f"the target {shown(name)} has no value in any row; nothing follows")
    if len(classes) == 1:
        raise UserError(f"the target {shown(name)} has one value, {shown(*classes)}, in all rows; nothing follows")
    if len(classes) == 2:
        return False
    decimal = table.form.decimal
    if reading.are_numbers(classes, decimal):
        return not _are_whole(classes, decimal) or len(classes) > MAX_CLASSES or min(classes.values()) < MIN_ROWS
    _check_classes(next(each for each in table.columns if each.name == name), classes, decimal)
    return False


def _check_classes(column: Column, classes: dict[str, int], decimal: str) -> None:
    """Raise UserError for texts that are no classes: times, numbers with signs, or what is seldom the same."""
    found = f"the target {shown(column.name)} is {column.kind}"
    if column.kind == "category":
        return
    if note := near_numbers.note([*classes], decimal):
        raise UserError(f"{found}, {note}")
    if column.kind == "date" or min(classes.values()) < MIN_ROWS:
        few = "" if column.kind == "date" else f": each needs {MIN_ROWS} rows"
        raise UserError(f"{found}, of {len(classes):,} values; it has no classes to learn{few}")


def _of_flags(columns: pd.DataFrame) -> tuple[str, dict[str, int]]:
    for name in columns:
        odd = [level for level in columns[name].cat.categories if level not in ("0", "1", "0.0", "1.0")]
        if odd:
            raise UserError(f"the target {shown(name)} has the value {shown(odd[0])}; each of several is 0 or 1")
    flags = columns.astype("str").astype("float64")
    one_hot = (flags.sum(axis=1) == 1).all()
    classes = {str(name): int(rows) for name, rows in flags.sum().items()}
    return ("multiclass_classification" if one_hot else "multilabel_classification"), classes
