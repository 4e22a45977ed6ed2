"""The evidence of a pipeline: every comparison that it has measured, as a small table that is kept in git."""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.claims.comparison import Rule, Scale
from batchwise.common.repository import damaged, text_of
from batchwise.statistics.intervals import Estimate

BOUNDS = ("effect", "low", "high")


@dataclass(frozen=True)
class Evidence:
    """A comparison in words and numbers: all that its verdict rests on."""

    claim: str  # the id of its question
    study: str
    data: str  # the title of its data set
    group: str  # that the question may tell apart; empty if it does not
    what: str  # is compared
    effect: Estimate  # with its 95 % interval, in the unit
    unit: str
    margin: float  # what would matter
    rule: str  # of Rule
    scale: str  # of Scale
    degrees: float  # of freedom of the interval
    n: int
    sample: str  # what n counts
    machine: str  # on which it was measured
    seconds: float  # that one more of n takes, of all batch sizes of the study
    setting: str  # of params.yaml that says how many there are; of processes, a constant of the code
    batch_size: float = math.nan  # that the answer names, where it names one
    pipeline: str = ""  # the folder of it, where it is another than that of the page


COLUMNS = [name for field in fields(Evidence) for name in (BOUNDS if field.name == "effect" else (field.name,))][:-1]
NUMBERS = {**dict.fromkeys((*BOUNDS, "margin", "degrees", "seconds", "batch_size"), float), "n": int}


def as_table(evidence: Iterable[Evidence]) -> bytes:
    """Return the CSV file of the evidence of a pipeline."""
    rows = [{**vars(one), **one.effect._asdict(), "effect": one.effect.value} for one in evidence]
    # Degrees of freedom that are infinite stay so.
    return pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, lineterminator="\n").encode()


def read(path: Path, pipeline: str = "") -> list[Evidence]:
    """Return the evidence of a CSV file, in its order. Raises UserError if it is missing or damaged."""
    try:
        rows = list(csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True))
        return [_evidence(row, pipeline) for row in rows]
    except (csv.Error, LookupError, TypeError, ValueError) as error:
        raise damaged(path, str(error)) from None


def _evidence(row: dict[str, str], pipeline: str) -> Evidence:
    if None in row or None in row.values():
        raise ValueError(f"the row of {row['what']!r} has not one value for each column")
    values: dict[str, Any] = {name: kind(row[name] or "nan") for name, kind in NUMBERS.items()}
    values |= {name: row[name] for name in COLUMNS if name not in NUMBERS}
    values |= {"rule": Rule(row["rule"]).value, "scale": Scale(row["scale"]).value}
    return Evidence(effect=Estimate(*(values.pop(name) for name in BOUNDS)), **values, pipeline=pipeline)
