"""The columns of a CSV file: numbers as float64, texts as categories, without a string for each row."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.messages import cut, shown, unknown
from batchwise.data.csv import checks
from batchwise.data.csv.form import MISSING, Form, line_of

CHUNK = 2**16  # rows
# Which no number is written as, so that they are missing among numbers whatever else is.
NO_NUMBERS = ("", *MISSING, "None", "none", "#NA", "-nan", "-NaN", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN")
NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
GROUPED = re.compile(r"[-+]?\d{1,3}([., '’\u00a0\u202f]\d{3})+([.,]\d+)?", re.ASCII)  # 1,234.5
LARGEST = float(np.finfo("float32").max)


def read(
    path: Path, form: Form, *, numbers: Sequence[str] = (), texts: Sequence[str] = (), whole: Sequence[str] = ()
) -> pd.DataFrame:
    """Return these columns of a file, one row each: numbers [N] float64, NaN where missing, and texts as categories.

    Spaces around a text are none of it; its levels are in order, of numbers if all are numbers. `whole` are texts that
    stay as they are written, each a string, none of which is missing. Raises UserError, with the number of the line
    where there is one, as checks.check does, for a column that is not there, and for what is no number within float32.
    """
    names, rows = checks.check(path, form)
    for name in (*numbers, *texts, *whole):
        if name not in names:
            raise UserError(f"{path}: {unknown('column', name, names)}")
    table = columns(path, form, names, numbers=numbers, texts=texts, whole=whole)
    if len(table) != rows:
        raise UserError(f"{path} has {rows} rows by its lines, and {len(table)} by its quotes; is one not closed?")
    return table


def columns(
    path: Path,
    form: Form,
    names: Sequence[str],
    *,
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> pd.DataFrame:
    """Return what `read` does, of a file that checks.check has found to have columns of these names."""
    try:
        table, odd = _parsed(path, form, names, numbers, texts, whole), set()
    except ValueError:  # pandas does not say where
        odd = {*numbers} - {*all_numbers(path, form, names, numbers)}
        plain = [name for name in numbers if name not in odd]
        table = _parsed(path, form, names, plain, [*texts, *sorted(odd)], whole)
    for name in texts:
        table[name] = _levels(table[name], {"", *form.missing})
    for name in numbers:
        if name in odd:
            table[name] = _as_numbers(path, form, table[name])
        _check_range(path, form, table[name])
    return table[[*dict.fromkeys((*numbers, *texts, *whole))]]


def all_numbers(path: Path, form: Form, names: Sequence[str], wanted: Sequence[str]) -> pd.DataFrame:
    """Return those of the wanted columns of which all values are numbers or missing, as `read` does."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    missing = {name: [*form.missing, *NO_NUMBERS] for name in wanted}
    for chunk in _chunks(path, form, names, usecols=[*wanted], na_values=missing):
        found = {name: parts for name, parts in found.items() if chunk[name].dtype.kind in "iuf"}
        for name, parts in found.items():
            parts.append(chunk[name].to_numpy("float64"))
    table = pd.DataFrame({name: np.concatenate(found.pop(name)) for name in [*found]})
    for name in table:
        _check_range(path, form, table[name])
    return table


def are_numbers(texts: Iterable[str], decimal: str) -> bool:
    """Return whether all texts are numbers. What Python takes for one too, as 1_000 and inf, is none.

    Texts are looked at one by one, until one is none: of a million, the first is, or all are of interest.
    """
    return next(no_numbers(texts, decimal), None) is None


def no_numbers(texts: Iterable[str], decimal: str) -> Iterator[str]:
    """Yield the texts that are no numbers."""
    matches = re.compile(NUMBER.replace(r"\.", re.escape(decimal)), re.ASCII).fullmatch
    return (text for text in texts if not matches(text))


def _parsed(
    path: Path,
    form: Form,
    names: Sequence[str],
    numbers: Sequence[str],
    texts: Sequence[str],
    whole: Sequence[str],
) -> pd.DataFrame:
    """Return columns of float64, and of categories as they are written: pandas' own would be numbers where they can."""
    missing = {name: [*form.missing, *NO_NUMBERS] for name in numbers} | {name: [] for name in (*texts, *whole)}
    types = {**dict.fromkeys(numbers, "float64"), **dict.fromkeys((*texts, *whole), "str")}
    chunks = []
    for chunk in _chunks(path, form, names, usecols=[*types], na_values=missing, dtype=types):
        for name in texts:
            chunk[name] = pd.Categorical.from_codes(*pd.factorize(chunk[name]))
        chunks.append(chunk)
    return pd.DataFrame({name: _joined([chunk.pop(name) for chunk in chunks]) for name in types})


def _joined(parts: list[pd.Series]) -> Any:
    is_text = isinstance(parts[0].dtype, pd.CategoricalDtype)
    return pd.api.types.union_categoricals(parts) if is_text else np.concatenate(parts)


def _chunks(path: Path, form: Form, names: Sequence[str], **options: Any) -> Iterator[pd.DataFrame]:
    how = {"sep": form.separator, "decimal": form.decimal, "encoding": form.codec, "skipinitialspace": True}
    alone = {"header": 0, "names": [*names], "index_col": False, "keep_default_na": False, "compression": None}
    try:
        yield from pd.read_csv(path, engine="c", chunksize=CHUNK, **how, **alone, **options)
    except pd.errors.ParserError as error:
        what = cut(str(error).removeprefix("Error tokenizing data. C error: "), 100)
        raise UserError(f"{path}: {what}; is a quote not closed?") from None


def _levels(column: pd.Series, missing: set[str]) -> pd.Series:
    """Return a column of categories without spaces around them, in order, and without those that mean none."""
    stripped = [level.strip() for level in column.cat.categories.tolist()]
    return pd.Series(with_levels(column.cat, stripped, missing), column.index, name=column.name)


def with_levels(column: Any, names: Sequence[str], missing: Collection[str] = ()) -> pd.Categorical:
    """Return a column of categories with other names of its levels, in order: of one name they are one level.

    Whole numbers that are written with and without a point, as in files of which one has missing values, are one too.
    """
    known = {*names} - {*missing}
    if one := _written_alike(known):
        known, names = known - {*one}, [one.get(name, name) for name in names]
    new = pd.Index(in_order(known), dtype="str")
    code_of = np.append(new.get_indexer(names), -1)  # of what is not there, −1, which takes the last
    return pd.Categorical.from_codes(code_of[column.codes], new)


def _written_alike(levels: Collection[str]) -> dict[str, str]:
    """Return {1.0: 1} for levels that are all numbers, if both are among them; 01 is another."""
    pointed = [level for level in levels if "." in level and re.fullmatch(r"[-+]?\d+\.0*", level, re.ASCII)]
    alike = {level: whole for level in pointed if (whole := level.partition(".")[0]) in levels}
    return alike if alike and are_numbers(levels, ".") else {}


def in_order(levels: Iterable[str]) -> list[str]:
    """Return texts in the order of numbers, if all are numbers, otherwise of their characters."""
    found = sorted(levels)
    return sorted(found, key=float) if are_numbers(found, ".") else found


def _as_numbers(path: Path, form: Form, column: pd.Series) -> pd.Series:
    column = _levels(column, {*form.missing, *NO_NUMBERS})
    levels = column.cat.categories.tolist()
    if odd := next(no_numbers(levels, form.decimal), None):
        row = int((column.cat.codes == levels.index(odd)).argmax())
        raise _no_number(path, form, str(column.name), odd, row)
    values = np.array([*(float(level.replace(form.decimal, ".")) for level in levels), np.nan])
    return pd.Series(values[column.cat.codes], column.index, name=column.name)


def _no_number(path: Path, form: Form, name: str, value: str, row: int) -> UserError:
    other = "," if form.decimal == "." else "."
    todo = f"name the column under `categories`, or {shown(value)} under `missing` if it means that there is none"
    if are_numbers([value], other):
        todo = f'write `decimal: "{other}"` if that is its decimal sign, or the numbers without signs between thousands'
    elif GROUPED.fullmatch(value):
        todo = "write the numbers without signs between thousands"
    found = f"{path}, line {line_of(path, form, row)}: {shown(name)} is {shown(value)}, which is no number"
    return UserError(f"{found}; {todo}")


def _check_range(path: Path, form: Form, column: pd.Series) -> None:
    """Raise UserError for a number that float32 does not hold, in which a model takes it."""
    values = column.to_numpy()
    if max(-np.nanmin(values, initial=0), np.nanmax(values, initial=0)) > LARGEST:
        row = int((abs(values) > LARGEST).argmax())
        found = f"{path}, line {line_of(path, form, row)}: {shown(column.name)} is {values[row]:g}"
        todo = "write it in another unit" if np.isfinite(values[row]) else "leave the field empty if it is not known"
        raise UserError(f"{found}, beyond the range of float32 (±{LARGEST:.1e}); {todo}")
