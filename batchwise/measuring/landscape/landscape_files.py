"""The landscape of a study as a report reads it. columns.csv says what each column holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import stage_outputs
from batchwise.common.tables import keep_identified

NAMES = ("cells", "updates", "steps", "columns")
_WHERE: dict[str, str | None] = {"batch_size": "int64", "seed": "int64"}
_UPDATE = {**_WHERE, "weights": None, "update_batch_size": "int64"}
KEYS = {"cells": _WHERE, "updates": {**_UPDATE, "base_learning_rate": None}, "steps": {**_UPDATE, "parts": "int64"}}


@dataclass(frozen=True)
class Landscape:
    """The files of data/landscapes/<study>: summary.json and a table for each CSV file, which may be empty."""

    summary: dict[str, Any]
    cells: pd.DataFrame
    updates: pd.DataFrame
    steps: pd.DataFrame
    columns: pd.DataFrame

    def __post_init__(self) -> None:
        """Leave out rows that do not say what they are of. Any other row may be missing too."""
        keep_identified(self, KEYS)


def read(folder: Path) -> Landscape:
    """Read the landscape of a study. Raises UserError if a file is missing or damaged."""
    summary, tables = stage_outputs.read(folder, "landscape", "summary", dict.fromkeys(NAMES))
    return Landscape(summary, **tables)
