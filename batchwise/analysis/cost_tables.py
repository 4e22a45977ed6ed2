"""The costs of a study as a report reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import stage_outputs
from batchwise.common.tables import keep_identified

COST_TABLES = ("budgets", "target_runs", "targets", "advice", "measured", "columns")
_SIZE = {"batch_size": "int64"}
KEYS: dict[str, dict[str, str | None]] = {
    "budgets": {"budget": None, "level": None, **_SIZE, "status": None},
    "target_runs": {"target": None, **_SIZE, "base_learning_rate": None, "seed": "int64"},
    "targets": {"target": None, **_SIZE, "base_learning_rate": None, "runs": "int64", "reached": "int64"},
    "advice": {**_SIZE, **dict.fromkeys(("fits", "chosen", "best", "alike"), "bool")},
    "measured": {**_SIZE, "dtype": None, "purpose": None, "status": None},
}


@dataclass(frozen=True)
class Costs:
    """The files of data/costs/<study>."""

    fits: dict[str, Any]
    budgets: pd.DataFrame
    target_runs: pd.DataFrame
    targets: pd.DataFrame
    advice: pd.DataFrame
    measured: pd.DataFrame
    columns: pd.DataFrame

    def __post_init__(self) -> None:
        """Leave out rows that do not say what they are of. Any other row may be missing too."""
        keep_identified(self, KEYS)


def read_costs(folder: Path) -> Costs:
    """Return the costs of a study. Raises UserError if a file is missing or damaged."""
    fits, tables = stage_outputs.read(folder, "costs", "fits", dict.fromkeys(COST_TABLES))
    return Costs(fits, **tables)
