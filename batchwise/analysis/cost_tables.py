"""The costs of a study as a report reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import stage_outputs

COST_TABLES = ("budgets", "target_runs", "targets", "advice", "measured", "columns")


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


def read_costs(folder: Path) -> Costs:
    """Return the costs of a study. Raises UserError if a file is missing or damaged."""
    fits, tables = stage_outputs.read(folder, "costs", "fits", dict.fromkeys(COST_TABLES))
    return Costs(fits, **tables)
