"""The tables of a study, for every cell as asked: runs, then cells, batch sizes and learning curves made from them.

All are sorted by batch size, base learning rate, seed, epoch. columns.py says what each column holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from batchwise.analysis import differences, selection, too_few_updates
from batchwise.analysis.columns import GAP, UNVALIDATED, counted
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.analysis.selection import reliable_column
from batchwise.analysis.too_few_updates import Updates
from batchwise.config import grid, phases
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import Interval, mean_interval
from batchwise.training.run_result import STATUSES

CELL = ["batch_size", "effective_batch_size", "base_learning_rate", "learning_rate"]
BOUNDS = ("mean", "low", "high")
Result = tuple[grid.Cell, Run, RunMetrics]


@dataclass(frozen=True)
class Choice:
    """What the seeds of the grid choose: the rows of `cells` that the tables turn on."""

    runs: pd.DataFrame
    cells: pd.DataFrame
    chosen: np.ndarray  # [batch sizes]: the row of the cell to use at each, −1 where there is none
    best: int | None  # the best chosen cell; None without validation rows
    reference: int | None  # what batch sizes are compared with: the best, else the chosen cell of the smallest m

    def cell(self, row: int) -> grid.Cell:
        """Return the cell of a row."""
        m, effective, base, rate = self.cells.loc[row, CELL]
        return grid.Cell(int(m), int(effective), float(base), float(rate))

    @property
    def of_sizes(self) -> list[grid.Cell]:
        """The chosen cell of each batch size that has one."""
        return [self.cell(row) for row in self.chosen[self.chosen >= 0]]


@dataclass(frozen=True)
class Tabulated:
    """The tables of a study. The results of chosen cells are those of fresh seeds, where there are some."""

    choice: Choice
    batch_sizes: pd.DataFrame
    curves: pd.DataFrame
    results: list[Result]  # the runs of the chosen cells that give their results, by batch size and seed
    confirmed: pd.DataFrame  # a row for each fresh seed of each chosen cell, with the columns of runs; none without any


def choose(
    study: Study, rows: Mapping[str, int], metrics: Sequence[Metric], by_run: Mapping[Run, RunMetrics]
) -> Choice:
    """Return what the runs of the grid choose, by the first of the metrics; `rows` are of each split."""
    asked = sorted(grid.cells(study, rows["train"]), key=lambda cell: (cell.batch_size, cell.base_learning_rate))
    runs = run_table(
        study, rows, metrics, [(cell, run, by_run[run]) for cell in asked for run in grid.runs_of(cell, study)]
    )
    cells = cell_table(runs, study.grid.seeds, metrics, validated=rows["validation"] > 0)
    chosen = selection.choose(cells, len(study.grid.base_learning_rates), metrics)
    best = selection.best(cells, chosen, metrics)
    reference = best if best is not None else next((int(row) for row in chosen if row >= 0), None)
    return Choice(runs, cells, chosen, best, reference)


def tabulate(
    study: Study,
    rows: Mapping[str, int],
    metrics: Sequence[Metric],
    by_run: Mapping[Run, RunMetrics],
    fresh: Mapping[Run, RunMetrics] = {},
) -> Tabulated:
    """Return the tables of a study of the metrics of its runs; `fresh` are those of its confirmation, if it has one."""
    choice = choose(study, rows, metrics, by_run)
    seeds = sorted({run.seed for run in fresh}) or range(study.grid.seeds)
    asked = [(cell, run) for cell in choice.of_sizes for run in grid.with_seeds(cell, seeds)]
    results = [(cell, run, (fresh or by_run)[run]) for cell, run in asked]
    table = run_table(study, rows, metrics, results)
    batch_sizes = batch_size_table(study, rows, metrics, choice, table, len(seeds))
    updates = {
        m: partial(phases.updates, study, rows["train"], m) for m in batch_sizes["effective_batch_size"].tolist()
    }
    compared = _compared(results, study, metrics[0], choice, updates)
    batch_sizes = batch_sizes.join(compared, on="effective_batch_size")
    _add_reliable_ranges(batch_sizes, choice.cells, len(study.grid.base_learning_rates), metrics)
    confirmed = table.iloc[: len(table) if fresh else 0]
    return Tabulated(choice, batch_sizes, curve_table(results, metrics), results, confirmed)


def run_table(
    study: Study,
    rows: Mapping[str, int],
    metrics: Sequence[Metric],
    asked: Sequence[Result],
) -> pd.DataFrame:
    """Return a row for each seed of some cells; cells with m > N repeat the runs of m = N."""
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
    for metric in metrics:
        for split in SPLITS:
            values = _by_cell(runs[metric.column(split)], seeds)
            _add_interval(table, metric.column(split), mean_interval(values, metric.lowest, metric.highest))
    _add_interval(table, GAP, mean_interval(_by_cell(runs[GAP], seeds)))
    for margin in metrics[0].margins:
        reliable = selection.reliable(table, margin, metrics[0]) if validated else pd.NA
        table[reliable_column(margin)] = pd.Series(reliable, table.index, dtype="boolean")
    return table


def batch_size_table(
    study: Study,
    rows: Mapping[str, int],
    metrics: Sequence[Metric],
    choice: Choice,
    results: pd.DataFrame,
    seeds: int,
) -> pd.DataFrame:
    """Return a row for each m as asked: its chosen rate, and what that gives.

    `results` are the runs of the chosen cells, each with as many seeds. What chose, the validation rows, is always of
    the seeds of the grid.
    """
    rates, cells = study.grid.base_learning_rates, choice.cells
    table = cells.loc[:: len(rates), CELL[:2]].reset_index(drop=True)
    table["updates"] = [grid.updates(study, rows["train"], m) for m in table["effective_batch_size"]]
    table["selected_by"] = _selected_by(choice.chosen, len(rates), rows["validation"])
    at_chosen = cells[[*CELL[2:], *_intervals(metrics, ["validation"])]].reindex(choice.chosen).reset_index(drop=True)
    at_results = cell_table(results, seeds, metrics, validated=False)
    counts, of_gap = at_results[["runs", "ok"]].astype("Int64"), [f"{GAP}_{bound}" for bound in BOUNDS]
    at_results = counts.join(at_results[[*_intervals(metrics, ["train", "test"]), *of_gap]])
    for count, _, _ in counted(metrics):
        _add_interval(at_results, count, mean_interval(_by_cell(results[count], seeds), 0, rows["test"]))
    table = table.join(at_chosen).join(at_results.reindex(_places(choice.chosen)).reset_index(drop=True))
    edges = {min(rates): "lowest", max(rates): "highest"} if len(rates) > 1 else {}
    table["grid_edge"] = [edges.get(rate, "") for rate in table["base_learning_rate"]]
    return table


def _intervals(metrics: Sequence[Metric], splits: Sequence[str]) -> list[str]:
    return [metric.column(split, bound) for metric in metrics for split in splits for bound in BOUNDS]


def _places(chosen: np.ndarray) -> np.ndarray:
    """Return the place of each batch size among those with a chosen cell, [batch sizes], −1 where there is none."""
    return np.where(chosen >= 0, np.cumsum(chosen >= 0) - 1, -1)


def curve_table(asked: Sequence[Result], metrics: Sequence[Metric]) -> pd.DataFrame:
    """Return a row for each epoch of each of some runs.

    A run has at most 200 of its epochs, evenly spaced, the first and the last among them.
    """
    table = pd.DataFrame(
        [(cell.batch_size, cell.base_learning_rate, cell.learning_rate, run.seed) for cell, run, _ in asked],
        columns=["batch_size", "base_learning_rate", "learning_rate", "seed"],
    )
    lengths = [len(found.curve_epochs) for _, _, found in asked]
    table = table.loc[np.repeat(table.index, lengths)].reset_index(drop=True)
    table["epoch"] = [epoch for _, _, found in asked for epoch in found.curve_epochs]
    for column, split in enumerate(SPLITS):
        for metric in metrics:
            values = [found.curve[metric.name][:, column] for _, _, found in asked]
            table[metric.column(split)] = np.concatenate([np.empty(0, "float32"), *values])
    return table


def _updates(study: Study, rows: int, run: Run, found: RunMetrics) -> int:
    return grid.updates(study, rows, run.effective_batch_size, found.epochs)


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


def _compared(
    results: Sequence[Result], study: Study, metric: Metric, choice: Choice, updates: Mapping[int, Updates]
) -> pd.DataFrame:
    """Return what each m that was trained, the index, is beside the others; `updates` are those of its runs.

    With folds each seed has rows of its own, so that intervals over seeds cover new rows, and there are no others.
    """
    by_size: dict[int, dict[Run, RunMetrics]] = {}
    for cell, run, found in results:
        by_size.setdefault(cell.effective_batch_size, {})[run] = found  # those of m > N are those of m = N
    cells = {m: [*found.values()] for m, found in by_size.items()}
    new_rows = differences.for_new_rows({} if study.folds else cells, metric)
    reference = None if choice.reference is None else choice.cell(choice.reference).effective_batch_size
    table = differences.from_reference(cells, reference, metric, new_rows=not study.folds)
    return table.join([new_rows, too_few_updates.of_sizes(cells, updates, metric)])


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
