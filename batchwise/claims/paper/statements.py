"""What the paper says, as data: the rows of paper/statements.csv, checked."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.common.messages import unknown
from batchwise.common.repository import damaged, text_of

# A study, several pooled as one (a+b), or a pair of which the second is to be better (a<b).
STUDIES = re.compile(r"[a-z0-9_*]+([+][a-z0-9_*]+)*(<[a-z0-9_*]+)?")


@dataclass(frozen=True)
class Statement:
    """A statement of the paper, and how it is decided."""

    id: str
    figures: tuple[str, ...]  # of the paper: 1, 13, …; the first is the one that it is about
    setting: str  # of the paper
    statement: str
    kind: str  # of comparisons.py
    studies: tuple[str, ...]  # each compared by itself; empty if there is no study of it
    low: int | None  # bounds of a batch size in rows, both included; what they bound depends on the kind
    high: int | None
    source: str  # section and figure


def read(path: Path, kinds: Mapping[str, int]) -> list[Statement]:
    """Return the statements of a CSV file. Raises UserError for a row that is not one.

    `kinds` says how many sides an entry of `studies` has: 1 (a, a+b) or 2 (a<b).
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True))
    except csv.Error as error:
        raise damaged(path, str(error)) from None
    names = [field.name for field in fields(Statement)]
    if not rows:
        raise UserError(f"{path} has no statements")
    for number, row in enumerate(rows, 1):
        if list(row) != names or None in row.values():
            raise UserError(f"{path}: row {number} does not have the columns {', '.join(names)}")
        _check(row, kinds, f"{path}, statement {row['id']!r}")
    if len({row["id"] for row in rows}) < len(rows):
        raise UserError(f"{path}: two statements have the same id; give each its own")
    return [_statement(row) for row in rows]


def resolve(item: str, names: Sequence[str]) -> list[list[list[str]]]:
    """Return the studies that an entry of Statement.studies stands for, of the `names` that there are.

    `a+b<c` gives [[[a], [b]], [[c]]]: sides, what is pooled on each, and the studies of that, none where it is missing.
    A name with * stands for all that match it, sorted by the numbers in them.
    """
    return [[_matching(part, names) for part in side.split("+")] for side in item.split("<")]


def _matching(pattern: str, names: Sequence[str]) -> list[str]:
    found = [name for name in names if fnmatchcase(name, pattern)]
    return sorted(found, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def _check(row: dict[str, str], kinds: Mapping[str, int], where: str) -> None:
    if row["kind"] not in kinds:
        raise UserError(f"{where}: {unknown('kind of statement', row['kind'], list(kinds))}")
    for item in row["studies"].split():
        if not STUDIES.fullmatch(item):
            raise UserError(f"{where}: studies has {item!r}; allowed are a study, several as a+b, or a pair as a<b")
        if item.count("<") + 1 != kinds[row["kind"]]:
            raise UserError(f"{where}: {row['kind']} takes {kinds[row['kind']]} sides; studies has {item!r}")
    for name in ("low", "high"):
        if row[name] and not re.fullmatch("[1-9][0-9]*", row[name]):
            raise UserError(f"{where}: {name} is {row[name]!r}; it must be a whole number from 1 on, or empty")
    if row["low"] and row["high"] and int(row["low"]) > int(row["high"]):
        raise UserError(f"{where}: low {row['low']} is above high {row['high']}")


def _statement(row: dict[str, str]) -> Statement:
    texts = {name: row[name] for name in ("id", "setting", "statement", "kind", "source")}
    figures, studies = (tuple(row[name].split()) for name in ("figures", "studies"))
    low, high = (int(row[name]) if row[name] else None for name in ("low", "high"))
    return Statement(**texts, figures=figures, studies=studies, low=low, high=high)
