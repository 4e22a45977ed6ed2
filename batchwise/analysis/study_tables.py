"""The tables of a study as a report reads them. columns.csv says what each column holds."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.common.tables import keep_identified
from batchwise.config.phases import Phase, updates_per_epoch
from batchwise.config.study import Statistic, Study
from batchwise.data.metric import LOSS, Metric, from_facts
from batchwise.training.run_result import STATUSES

TEXTS = ("selected_by", "grid_edge", "status", "kind")
OBJECTS = ("objects", "precision", "photographs")  # of detectors alone
NAMES = ("runs", "cells", "batch_sizes", "confirmed", "curves", "branches", "classes", *OBJECTS, "columns")
_SIZE = {"batch_size": "int64", "effective_batch_size": "int64"}
_CELL = {**_SIZE, "base_learning_rate": None, "learning_rate": None}
KEYS: dict[str, dict[str, str | None]] = {
    "runs": {**_CELL, "seed": "int64", "status": None},
    "cells": {**_CELL, **dict.fromkeys(("runs", *STATUSES), "int64")},
    "batch_sizes": {**_SIZE, "updates": "int64"},
    "confirmed": {**_CELL, "seed": "int64", "status": None},
    "curves": {"batch_size": "int64", "seed": "int64", "epoch": "int64"},
    "branches": {"moment": None, "batch_size": "int64", "kept_batch_size": "int64", "seed": "int64", "status": None},
    "classes": {"batch_size": "int64", "class": "int64", "test_rows": "int64"},
    "objects": {"batch_size": "int64", "kind": None, "number": "int64", "objects": "int64"},
    "precision": {"batch_size": "int64", "class": "int64", "recall": None},
    "photographs": {"batch_size": "int64", "seed": "int64", "row": "int64", "class": "int64"},
}


@dataclass(frozen=True)
class Tables:
    """The files of data/tables/<study>: summary.json and a table for each CSV file."""

    summary: dict[str, Any]
    runs: pd.DataFrame
    cells: pd.DataFrame
    batch_sizes: pd.DataFrame
    confirmed: pd.DataFrame
    curves: pd.DataFrame
    branches: pd.DataFrame
    classes: pd.DataFrame
    objects: pd.DataFrame
    precision: pd.DataFrame
    photographs: pd.DataFrame
    columns: pd.DataFrame

    def __post_init__(self) -> None:
        """Leave out rows that do not say what they are of. Any other row may be missing too."""
        keep_identified(self, KEYS)

    @property
    def study(self) -> str:
        """The name of the study."""
        return self.summary["study"]

    @cached_property
    def metric(self) -> Metric:
        """The metric that chooses."""
        return from_facts(self.summary["metric"])

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the task, the one that chooses first."""
        return (self.metric, *map(from_facts, self.summary["other_metrics"]))

    @property
    def loss(self) -> Metric:
        """The metric that is the loss, which may be the one that chooses."""
        return next(metric for metric in self.metrics if metric.name == LOSS)

    @property
    def statistic(self) -> Statistic:
        """The name of what the result of a run is (last_epochs.py)."""
        return self.summary["statistic"]["name"]

    @property
    def reference_batch_size(self) -> int | None:
        """What batch sizes are compared with; None if there is none, or its row is missing."""
        return self._with_row("reference_batch_size")

    @property
    def best_batch_size(self) -> int | None:
        """The batch size to use, which then is the reference; None if none was chosen, or its row is missing."""
        return self._with_row("best_batch_size")

    @property
    def grows(self) -> bool:
        """Whether the batch size grows within a run, so that m is that of its start."""
        return bool(self.summary.get("phases"))

    def phases(self, batch_size: int) -> list[Phase]:
        """Return the phases of whole runs that start with an effective batch size of the grid."""
        if self.grows:
            return [Phase(**phase) for phase in self.summary["phases"][str(batch_size)]]
        steps = updates_per_epoch(self.summary["data"]["rows"]["train"], batch_size)
        rows = self.batch_sizes[self.batch_sizes["effective_batch_size"].eq(batch_size)]
        return [Phase(0, -(-int(rows["updates"].iloc[0]) // steps), batch_size, 1.0, steps)]

    def _with_row(self, fact: str) -> int | None:
        m = self.summary[fact]
        return m if self.batch_sizes["batch_size"].eq(m).any() else None

    @property
    def test_value(self) -> dict[str, float | None]:
        """The metric on test rows at the reference: mean, low, high, n, new_rows_low, new_rows_high."""
        return self.summary[self.metric.column("test")]

    @cached_property
    def results(self) -> pd.DataFrame:
        """The runs of the chosen cells that give the results: with fresh seeds, if there are some, else of `runs`."""
        cell = ["batch_size", "base_learning_rate"]
        runs = self.runs if self.confirmed.empty else self.confirmed
        return runs.merge(self.batch_sizes[cell].dropna())

    @property
    def test_by_seed(self) -> pd.DataFrame:
        """The results on test rows, with batch sizes that were trained as index and seeds as columns; NaN for none."""
        m, value = "effective_batch_size", self.metric.column("test")
        return self.results.drop_duplicates([m, "seed"]).pivot(index=m, columns="seed", values=value)

    @property
    def seeds(self) -> int:
        """The number of runs of a cell of the grid."""
        return self.summary["grid"]["seeds"]

    @property
    def test_rows(self) -> int:
        """The number of test rows."""
        return self.summary["data"]["rows"]["test"]

    @property
    def folds(self) -> dict[str, Any] | None:
        """How rows are dealt to folds (folds.facts), so that each seed has its own; None if they are not."""
        return self.summary["data"].get("folds")

    @property
    def single_rate(self) -> bool:
        """Whether the study has one learning rate, so that there is nothing to choose and no range."""
        return self.summary["grid"]["base_learning_rates"] == 1

    @property
    def chosen(self) -> pd.DataFrame:
        """The rows of `batch_sizes` at which a rate is chosen and a run gave a result."""
        return self.batch_sizes.dropna(subset=self.metric.column("test", "mean")).reset_index(drop=True)

    @property
    def distinct(self) -> pd.DataFrame:
        """The rows of `chosen`, with batch sizes that were trained as one counted once."""
        return self.chosen.drop_duplicates("effective_batch_size").reset_index(drop=True)


def read(folder: Path) -> Tables:
    """Read the tables of a study. Raises UserError if one is missing or damaged."""
    summary, tables = stage_outputs.read(folder, "evaluate", "summary", dict.fromkeys(NAMES), TEXTS)
    return Tables(summary, **tables)


def read_study(folder: Path) -> Study:
    """Return the study of which a folder has the tables. Raises UserError if its file is missing or damaged."""
    given, _ = stage_outputs.read(folder, "evaluate", "study", {})
    try:
        return Study.model_validate(given)
    except ValueError:
        raise UserError(f"{folder / 'study.json'} is damaged; run {rerun_command(f'evaluate@{folder.name}')}") from None
