"""The landscape of a study as a report reads it. columns.csv says what each column holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import stage_outputs

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
    summary, tables = stage_outputs.read(folder, "landscape", "summary", dict.fromkeys(NAMES))
    return Landscape(summary, **tables)
