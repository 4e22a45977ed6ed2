"""The tables of a study, for every cell as asked: runs, then cells, batch sizes and learning curves made from them.

All are sorted by batch size, base learning rate, seed, epoch. columns.py says what each column holds.
"""

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from batchwise.analysis import selection
from batchwise.analysis.columns import QUANTITIES
from batchwise.analysis.run_metrics import METRICS, Outcome
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.data.dataset import SPLITS
from batchwise.statistics.intervals import Interval, mean_interval, paired_difference
from batchwise.training.run_result import Status

STATUSES = get_args(Status)
CELL = ["batch_size", "effective_batch_size", "base_learning_rate", "learning_rate"]
BOUNDS = ("mean", "low", "high")


@dataclass(frozen=True)
class Tables:
    """The tables of a study, and the rows of `cells` that they turn on."""

    runs: pd.DataFrame
    cells: pd.DataFrame
    batch_sizes: pd.DataFrame
    curves: pd.DataFrame
    best: int | None  # the best chosen cell; None without validation rows
    reference: int | None  # what batch sizes are compared with: the best, else the chosen cell of the smallest m


def build(study: Study, manifest: dict[str, Any], outcomes: dict[Run, Outcome]) -> Tables:
    """Return the tables of a study, of the outcomes of its runs."""
    runs = run_table(study, manifest, outcomes)
    cells = cell_table(runs, study.grid.seeds, manifest["rows"]["validation"])
    chosen = selection.choose(cells, len(study.grid.base_learning_rates))
    best = selection.best(cells, chosen)
    reference = best if best is not None else next((int(row) for row in chosen if row >= 0), None)
    batch_sizes = batch_size_table(study, manifest["rows"], runs, cells, chosen)
    _add_differences(batch_sizes, _by_cell(runs["test_accuracy"], study.grid.seeds), chosen, reference)
    _add_reliable_ranges(batch_sizes, cells, len(study.grid.base_learning_rates))
    return Tables(runs, cells, batch_sizes, curve_table(study, cells, chosen, outcomes), best, reference)


def run_table(study: Study, manifest: dict[str, Any], outcomes: dict[Run, Outcome]) -> pd.DataFrame:
    """Return a row for each seed of each cell; cells with m > N repeat the runs of m = N."""
    rows = manifest["rows"]["train"]
    cells = sorted(grid.cells(study, rows), key=lambda cell: (cell.batch_size, cell.base_learning_rate))
    asked = [(cell, run, outcomes[run]) for cell in cells for run in grid.runs_of(cell, study)]
    table = pd.DataFrame({name: [getattr(cell, name) for cell, _, _ in asked] for name in CELL})
    table["seed"] = [run.seed for _, run, _ in asked]
    table["status"] = [outcome.status for _, _, outcome in asked]
    table["diverged_epoch"] = pd.array([outcome.diverged_epoch for _, _, outcome in asked], dtype="Int64")
    table["epochs"] = [outcome.epochs for _, _, outcome in asked]
    table["updates"] = [_updates(study, rows, run, outcome) for _, run, outcome in asked]
    _add_metrics(table, [outcome for _, _, outcome in asked], manifest["rows"]["test"])
    above = table["train_accuracy"] - selection.chance(manifest["class_counts"]["train"])
    table["trained"] = above.round(selection.DIGITS) > selection.ABOVE_CHANCE
    return table


def cell_table(runs: pd.DataFrame, seeds: int, validation_rows: int) -> pd.DataFrame:
    """Return a row for each cell of the table of runs: counts, means over the ok seeds, intervals, reliability."""
    table = runs.loc[::seeds, CELL].reset_index(drop=True)
    table["runs"] = seeds
    for status in STATUSES:
        table[status] = _count(runs["status"] == status, seeds)
    table["trained"] = _count(runs["trained"], seeds)
    for quantity in QUANTITIES:
        _add_interval(table, quantity, mean_interval(_by_cell(runs[quantity], seeds)))
    for margin in selection.MARGINS:
        reliable = selection.reliable(table, margin) if validation_rows else pd.NA
        table[f"reliable_{margin}"] = pd.Series(reliable, table.index, dtype="boolean")
    return table


def batch_size_table(
    study: Study, rows: dict[str, int], runs: pd.DataFrame, cells: pd.DataFrame, chosen: np.ndarray
) -> pd.DataFrame:
    """Return a row for each m as asked: its chosen rate, and what that gives."""
    rates, seeds = study.grid.base_learning_rates, study.grid.seeds
    table = cells.loc[:: len(rates), CELL[:2]].reset_index(drop=True)
    table["updates"] = [grid.updates(study.budget, rows["train"], m) for m in table["effective_batch_size"]]
    table["selected_by"] = _selected_by(chosen, len(rates), rows["validation"])
    intervals = [f"{quantity}_{bound}" for quantity in QUANTITIES for bound in BOUNDS]
    at_chosen = cells[[*CELL[2:], "runs", "ok", *intervals]].astype({"runs": "Int64", "ok": "Int64"})
    table = table.join(at_chosen.reindex(chosen).reset_index(drop=True))
    _add_interval(table, "test_correct", mean_interval(_at(chosen, _by_cell(runs["test_correct"], seeds))))
    edges = {min(rates): "lowest", max(rates): "highest"} if len(rates) > 1 else {}
    table["grid_edge"] = [edges.get(rate, "") for rate in table["base_learning_rate"]]
    return table


def curve_table(study: Study, cells: pd.DataFrame, chosen: np.ndarray, outcomes: dict[Run, Outcome]) -> pd.DataFrame:
    """Return a row for each epoch of each run of the chosen cells.

    A run has at most 200 of its epochs, evenly spaced, the first and the last among them.
    """
    asked = [grid.Cell(*cell) for cell in cells.loc[chosen[chosen >= 0], CELL].itertuples(index=False)]
    curves = [(cell, run, outcomes[run]) for cell in asked for run in grid.runs_of(cell, study)]
    table = pd.DataFrame(
        [(cell.batch_size, cell.base_learning_rate, cell.learning_rate, run.seed) for cell, run, _ in curves],
        columns=["batch_size", "base_learning_rate", "learning_rate", "seed"],
    )
    table = table.loc[np.repeat(table.index, [len(outcome.curve) for _, _, outcome in curves])].reset_index(drop=True)
    table["epoch"] = [epoch for _, _, outcome in curves for epoch in outcome.curve_epochs]
    values = np.concatenate(
        [np.empty((0, len(METRICS))), *(outcome.curve for _, _, outcome in curves)], dtype="float32"
    )
    names = [f"{split}_{metric}" for split in SPLITS for metric in ("loss", "accuracy")]
    return table.join(pd.DataFrame(values, columns=METRICS)[names])


def _updates(study: Study, rows: int, run: Run, outcome: Outcome) -> int:
    planned = grid.updates(study.budget, rows, run.batch_size)
    return min(planned, outcome.epochs * grid.updates_per_epoch(rows, run.batch_size))


def _add_metrics(table: pd.DataFrame, outcomes: list[Outcome], test_rows: int) -> None:
    median = dict(zip(METRICS, np.stack([outcome.median for outcome in outcomes]).T, strict=True))
    final = dict(zip(METRICS, np.stack([outcome.final for outcome in outcomes]).T, strict=True))
    for split in SPLITS:
        for suffix, values in (("", median), ("_final", final)):
            for metric in ("accuracy", "loss"):
                table[f"{split}_{metric}{suffix}"] = values[f"{split}_{metric}"]
    table["test_correct"] = pd.array([outcome.test_correct for outcome in outcomes], dtype="Int64")
    table["test_wrong"] = test_rows - table["test_correct"]
    table["generalisation_gap"] = final["train_accuracy"] - final["test_accuracy"]


def _selected_by(chosen: np.ndarray, rates: int, validation_rows: int) -> list[str]:
    if rates == 1:
        return ["single learning rate"] * len(chosen)
    if not validation_rows:
        return ["none: no validation rows"] * len(chosen)
    return ["validation" if row >= 0 else "none: no rate with every run ok" for row in chosen]


def _add_differences(table: pd.DataFrame, accuracy: np.ndarray, chosen: np.ndarray, reference: int | None) -> None:
    against = np.nan if reference is None else accuracy[reference]
    difference = paired_difference(_at(chosen, accuracy), against)
    _add_interval(table, "difference", difference)
    table["difference_n"] = difference.n
    same = table["effective_batch_size"].isin(table["effective_batch_size"][chosen == reference])
    table.loc[same, ["difference_low", "difference_high"]] = np.nan  # the same runs: nothing is estimated


def _add_reliable_ranges(table: pd.DataFrame, cells: pd.DataFrame, rates: int) -> None:
    for margin in selection.MARGINS:
        low, high = selection.reliable_range(cells, rates, margin)
        table[f"reliable_{margin}_low"], table[f"reliable_{margin}_high"] = low, high
        table[f"reliable_{margin}_octaves"] = np.log2(high / low)


def _add_interval(table: pd.DataFrame, name: str, interval: Interval) -> None:
    for bound in BOUNDS:
        table[f"{name}_{bound}"] = getattr(interval, bound)


def _by_cell(column: pd.Series, seeds: int) -> np.ndarray:
    return column.to_numpy("float64", na_value=np.nan).reshape(-1, seeds)  # [cells, seeds], NaN where null


def _count(column: pd.Series, seeds: int) -> np.ndarray:
    return column.to_numpy(bool).reshape(-1, seeds).sum(axis=1)


def _at(chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(chosen[:, None] >= 0, values[chosen], np.nan)  # [batch sizes, seeds]
