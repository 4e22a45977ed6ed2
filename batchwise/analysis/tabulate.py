"""The tables of a study, for every cell as asked: runs, then cells, batch sizes and learning curves made from them.

All are sorted by batch size, base learning rate, seed, epoch. columns.py says what each column holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from batchwise.analysis import selection
from batchwise.analysis.columns import GAP, UNVALIDATED, counted, quantities
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.analysis.selection import reliable_column
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import Interval, mean_interval, paired_difference
from batchwise.training.run_result import STATUSES

CELL = ["batch_size", "effective_batch_size", "base_learning_rate", "learning_rate"]
BOUNDS = ("mean", "low", "high")


@dataclass(frozen=True)
class Tabulated:
    """The tables of a study, and the rows of `cells` that they turn on."""

    runs: pd.DataFrame
    cells: pd.DataFrame
    batch_sizes: pd.DataFrame
    curves: pd.DataFrame
    chosen: list[grid.Cell]  # of each batch size that has one
    best: int | None  # the best chosen cell; None without validation rows
    reference: int | None  # what batch sizes are compared with: the best, else the chosen cell of the smallest m


def tabulate(
    study: Study, rows: Mapping[str, int], metrics: Sequence[Metric], by_run: Mapping[Run, RunMetrics]
) -> Tabulated:
    """Return the tables of a study of the metrics of its runs, the first of which chooses; `rows` are of each split."""
    metric, rates = metrics[0], len(study.grid.base_learning_rates)
    runs = run_table(study, rows, metrics, by_run)
    cells = cell_table(runs, study.grid.seeds, metrics, validated=rows["validation"] > 0)
    chosen = selection.choose(cells, rates, metrics)
    best = selection.best(cells, chosen, metrics)
    reference = best if best is not None else next((int(row) for row in chosen if row >= 0), None)
    batch_sizes = batch_size_table(study, rows, metrics, runs, cells, chosen)
    _add_differences(batch_sizes, _by_cell(runs[metric.column("test")], study.grid.seeds), chosen, reference)
    _add_reliable_ranges(batch_sizes, cells, rates, metrics)
    asked = [grid.Cell(*cell) for cell in cells.loc[chosen[chosen >= 0], CELL].itertuples(index=False)]
    return Tabulated(runs, cells, batch_sizes, curve_table(study, asked, metrics, by_run), asked, best, reference)


def run_table(
    study: Study, rows: Mapping[str, int], metrics: Sequence[Metric], by_run: Mapping[Run, RunMetrics]
) -> pd.DataFrame:
    """Return a row for each seed of each cell; cells with m > N repeat the runs of m = N."""
    cells = sorted(grid.cells(study, rows["train"]), key=lambda cell: (cell.batch_size, cell.base_learning_rate))
    asked = [(cell, run, by_run[run]) for cell in cells for run in grid.runs_of(cell, study)]
    table = pd.DataFrame({name: [getattr(cell, name) for cell, _, _ in asked] for name in CELL})
    table["seed"] = [run.seed for _, run, _ in asked]
    table["status"] = [found.status for _, _, found in asked]
    table["diverged_epoch"] = pd.array([found.diverged_epoch for _, _, found in asked], dtype="Int64")
    table["epochs"] = [found.epochs for _, _, found in asked]
    table["updates"] = [_updates(study, rows["train"], run, found) for _, run, found in asked]
    _add_metrics(table, [found for _, _, found in asked], metrics, rows["test"])
    table["trained"] = selection.trained(table, metrics[0])
    return table


def cell_table(runs: pd.DataFrame, seeds: int, metrics: Sequence[Metric], *, validated: bool) -> pd.DataFrame:
    """Return a row for each cell of the table of runs: counts, means over the ok seeds, intervals, reliability."""
    table = runs.loc[::seeds, CELL].reset_index(drop=True)
    table["runs"] = seeds
    for status in STATUSES:
        table[status] = _count(runs["status"] == status, seeds)
    table["trained"] = _count(runs["trained"], seeds)
    for quantity in quantities(metrics):
        _add_interval(table, quantity, mean_interval(_by_cell(runs[quantity], seeds)))
    for margin in metrics[0].margins:
        reliable = selection.reliable(table, margin, metrics[0]) if validated else pd.NA
        table[reliable_column(margin)] = pd.Series(reliable, table.index, dtype="boolean")
    return table


def batch_size_table(
    study: Study,
    rows: Mapping[str, int],
    metrics: Sequence[Metric],
    runs: pd.DataFrame,
    cells: pd.DataFrame,
    chosen: np.ndarray,
) -> pd.DataFrame:
    """Return a row for each m as asked: its chosen rate, and what that gives."""
    rates, seeds = study.grid.base_learning_rates, study.grid.seeds
    table = cells.loc[:: len(rates), CELL[:2]].reset_index(drop=True)
    table["updates"] = [grid.updates(study.budget, rows["train"], m) for m in table["effective_batch_size"]]
    table["selected_by"] = _selected_by(chosen, len(rates), rows["validation"])
    intervals = [f"{quantity}_{bound}" for quantity in quantities(metrics) for bound in BOUNDS]
    at_chosen = cells[[*CELL[2:], "runs", "ok", *intervals]].astype({"runs": "Int64", "ok": "Int64"})
    table = table.join(at_chosen.reindex(chosen).reset_index(drop=True))
    for count, _, _ in counted(metrics):
        _add_interval(table, count, mean_interval(_at(chosen, _by_cell(runs[count], seeds))))
    edges = {min(rates): "lowest", max(rates): "highest"} if len(rates) > 1 else {}
    table["grid_edge"] = [edges.get(rate, "") for rate in table["base_learning_rate"]]
    return table


def curve_table(
    study: Study, asked: Sequence[grid.Cell], metrics: Sequence[Metric], by_run: Mapping[Run, RunMetrics]
) -> pd.DataFrame:
    """Return a row for each epoch of each run of some cells.

    A run has at most 200 of its epochs, evenly spaced, the first and the last among them.
    """
    curves = [(cell, run, by_run[run]) for cell in asked for run in grid.runs_of(cell, study)]
    table = pd.DataFrame(
        [(cell.batch_size, cell.base_learning_rate, cell.learning_rate, run.seed) for cell, run, _ in curves],
        columns=["batch_size", "base_learning_rate", "learning_rate", "seed"],
    )
    lengths = [len(found.curve_epochs) for _, _, found in curves]
    table = table.loc[np.repeat(table.index, lengths)].reset_index(drop=True)
    table["epoch"] = [epoch for _, _, found in curves for epoch in found.curve_epochs]
    for column, split in enumerate(SPLITS):
        for metric in metrics:
            values = [found.curve[metric.name][:, column] for _, _, found in curves]
            table[metric.column(split)] = np.concatenate([np.empty(0, "float32"), *values])
    return table


def _updates(study: Study, rows: int, run: Run, found: RunMetrics) -> int:
    planned = grid.updates(study.budget, rows, run.effective_batch_size)
    return min(planned, found.epochs * grid.updates_per_epoch(rows, run.effective_batch_size))


def _add_metrics(table: pd.DataFrame, found: list[RunMetrics], metrics: Sequence[Metric], test_rows: int) -> None:
    for column, split in enumerate(SPLITS):
        for metric in metrics:
            table[metric.column(split)] = [each.result[metric.name][column] for each in found]
        for metric in metrics:
            table[metric.column(split, "final")] = [each.final[metric.name][column] for each in found]
    for inside, outside, metric in counted(metrics):
        table[inside] = (test_rows * table[metric.column("test", "final")]).round().astype("Int64")
        table[outside] = test_rows - table[inside]
    final = {split: table[metrics[0].column(split, "final")] for split in ("train", "test")}
    table[GAP] = metrics[0].sign * (final["train"] - final["test"])


def _selected_by(chosen: np.ndarray, rates: int, validation_rows: int) -> list[str]:
    if rates == 1:
        return ["single learning rate"] * len(chosen)
    if not validation_rows:
        return [UNVALIDATED] * len(chosen)
    return ["validation" if row >= 0 else "none: no rate with every run ok" for row in chosen]


def _add_differences(table: pd.DataFrame, values: np.ndarray, chosen: np.ndarray, reference: int | None) -> None:
    against = np.nan if reference is None else values[reference]
    difference = paired_difference(_at(chosen, values), against)
    _add_interval(table, "difference", difference)
    table["difference_n"] = difference.n
    same = table["effective_batch_size"].isin(table["effective_batch_size"][chosen == reference])
    table.loc[same, ["difference_low", "difference_high"]] = np.nan  # the same runs: nothing is estimated


def _add_reliable_ranges(table: pd.DataFrame, cells: pd.DataFrame, rates: int, metrics: Sequence[Metric]) -> None:
    for margin in metrics[0].margins:
        low, high = selection.reliable_range(cells, rates, margin, metrics)
        table[reliable_column(margin, "low")], table[reliable_column(margin, "high")] = low, high
        table[reliable_column(margin, "octaves")] = np.log2(high / low)


def _add_interval(table: pd.DataFrame, name: str, interval: Interval) -> None:
    for bound in BOUNDS:
        table[f"{name}_{bound}"] = getattr(interval, bound)


def _by_cell(column: pd.Series, seeds: int) -> np.ndarray:
    return column.to_numpy("float64", na_value=np.nan).reshape(-1, seeds)  # [cells, seeds], NaN where null


def _count(column: pd.Series, seeds: int) -> np.ndarray:
    return column.to_numpy(bool).reshape(-1, seeds).sum(axis=1)


def _at(chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(chosen[:, None] >= 0, values[chosen], np.nan)  # [batch sizes, seeds]
