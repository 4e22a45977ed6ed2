"""The landscape of a study as a report reads it. columns.csv says what each column holds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.code import again
from batchwise.errors import UserError

NAMES = ("cells", "updates", "steps", "columns")


@dataclass(frozen=True)
class Landscape:
    """The files of data/landscapes/<study>: summary.json and a table for each CSV file, which may be empty."""

    summary: dict[str, Any]
    cells: pd.DataFrame
    updates: pd.DataFrame
    steps: pd.DataFrame
    columns: pd.DataFrame


def read(folder: Path) -> Landscape:
    """Read the landscape of a study. Raises UserError if a file is missing or damaged."""
    landscape = f"run {again(f'landscape@{folder.name}')}"
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        return Landscape(summary, **{name: pd.read_csv(folder / f"{name}.csv") for name in NAMES})
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; {landscape}") from None
    except ValueError as error:
        raise UserError(f"a file in {folder} is damaged ({error}); {landscape}") from None
