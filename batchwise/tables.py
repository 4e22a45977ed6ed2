"""The tables of a study, for every cell as asked: runs, then cells, batch sizes and learning curves made from them.

All are sorted by batch size, base learning rate, seed, epoch. columns.py says what each column holds.
"""

from typing import Any, get_args

import numpy as np
import pandas as pd

from batchwise import grid, selection
from batchwise.columns import QUANTITIES
from batchwise.data import SPLITS
from batchwise.grid import Run
from batchwise.outcomes import METRICS, Outcome
from batchwise.params import Study
from batchwise.results import Status
from batchwise.statistics import Interval, mean_interval, paired_difference

STATUSES = get_args(Status)
CELL = ["batch_size", "effective_batch_size", "base_learning_rate", "learning_rate"]


def runs(study: Study, manifest: dict[str, Any], outcomes: dict[Run, Outcome]) -> pd.DataFrame:
    """Return a row for each seed of each cell; cells with m > N repeat the runs of m = N."""
    rows = manifest["rows"]["train"]
    cells = sorted(grid.cells(study, rows), key=lambda cell: (cell.batch_size, cell.base_learning_rate))
    asked = [(cell, run, outcomes[run]) for cell in cells for run in grid.runs_of(cell, study)]
    table = pd.DataFrame({name: [getattr(cell, name) for cell, _, _ in asked] for name in CELL})
    table["seed"] = [run.seed for _, run, _ in asked]
    table["status"] = [outcome.status for _, _, outcome in asked]
    table["bad_epoch"] = pd.array([outcome.bad_epoch for _, _, outcome in asked], dtype="Int64")
    table["epochs"] = [outcome.epochs for _, _, outcome in asked]
    table["updates"] = [_updates(study, rows, run, outcome) for _, run, outcome in asked]
    _add_metrics(table, [outcome for _, _, outcome in asked], manifest["rows"]["test"])
    above = table["train_accuracy"] - selection.chance(manifest["class_counts"]["train"])
    table["trained"] = above > selection.ABOVE_CHANCE
    return table


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


def cells(runs: pd.DataFrame, seeds: int) -> pd.DataFrame:
    """Return a row for each cell of the table of runs: counts, means over the ok seeds with 95 % intervals, reliability."""
    table = runs.loc[::seeds, CELL].reset_index(drop=True)
    table["runs"] = seeds
    for status in STATUSES:
        table[status] = _count(runs["status"] == status, seeds)
    table["trained"] = _count(runs["trained"], seeds)
    for quantity in QUANTITIES:
        _add_interval(table, quantity, mean_interval(by_cell(runs[quantity], seeds)))
    selects = table["validation_accuracy_mean"].notna().any()
    for margin in selection.MARGINS:
        table[f"reliable_{margin}"] = pd.array(
            selection.reliable(table, margin) if selects else [None] * len(table), dtype="boolean"
        )
    return table


def batch_sizes(study: Study, manifest: dict[str, Any], runs: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each m as asked: its chosen rate, what that gives, and the rates that train reliably."""
    rates, seeds = len(study.grid.base_learning_rates), study.grid.seeds
    rows = manifest["rows"]
    chosen = selection.choose(cells, rates)
    table = cells.loc[::rates, CELL[:2]].reset_index(drop=True)
    table["updates"] = [grid.updates(study.budget, rows["train"], m) for m in table["effective_batch_size"]]
    table["selected_by"] = _selected_by(chosen, rates, rows["validation"])
    intervals = [f"{quantity}_{bound}" for quantity in QUANTITIES for bound in ("mean", "low", "high")]
    at_chosen = cells[CELL[2:] + ["runs", "ok"] + intervals].astype({"runs": "Int64", "ok": "Int64"})
    table = table.join(at_chosen.reindex(chosen).reset_index(drop=True))
    _add_interval(table, "test_correct", mean_interval(_at(chosen, by_cell(runs["test_correct"], seeds))))
    table["grid_edge"] = _grid_edge(table["base_learning_rate"], study.grid.base_learning_rates)
    _add_differences(table, runs, cells, chosen, seeds)
    for margin in selection.MARGINS:
        low, high = selection.reliable_range(cells, rates, margin)
        table[f"reliable_{margin}_low"], table[f"reliable_{margin}_high"] = low, high
        table[f"reliable_{margin}_octaves"] = np.log2(high / low)
    return table


def reference(cells: pd.DataFrame, chosen: np.ndarray) -> int | None:
    """Return the row in `cells` that batch sizes are compared with: the best one, else that of the smallest m with a rate."""
    best = selection.best(cells, chosen)
    return best if best is not None else next((int(row) for row in chosen if row >= 0), None)


def curves(cells: pd.DataFrame, chosen: np.ndarray, study: Study, outcomes: dict[Run, Outcome]) -> pd.DataFrame:
    """Return a row for each epoch of each run of the chosen cells, at most 200 epochs a run, evenly spaced, first and last among them."""
    frames = [pd.DataFrame({name: [] for name in curve_columns()})]
    for cell in cells.loc[chosen[chosen >= 0], CELL].itertuples(index=False):
        for run in grid.runs_of(cell, study):
            outcome = outcomes[run]
            where = dict(zip(["batch_size", "base_learning_rate", "learning_rate"], cell[:1] + cell[2:], strict=True))
            frame = pd.DataFrame(outcome.curve, columns=METRICS)
            frames.append(frame.assign(**where, seed=run.seed, epoch=outcome.curve_epochs))
    return pd.concat(frames[1:] or frames)[curve_columns()]


def curve_columns() -> list[str]:
    """Return the columns of the table of curves, in order."""
    metrics = [f"{split}_{metric}" for split in SPLITS for metric in ("loss", "accuracy")]
    return ["batch_size", "base_learning_rate", "learning_rate", "seed", "epoch", *metrics]


def by_cell(column: pd.Series, seeds: int) -> np.ndarray:
    """Return a column of the table of runs as [cells, seeds] floats, NaN where it is null."""
    return column.to_numpy("float64", na_value=np.nan).reshape(-1, seeds)


def _count(column: pd.Series, seeds: int) -> np.ndarray:
    return column.to_numpy(bool).reshape(-1, seeds).sum(axis=1)


def _at(chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(chosen[:, None] >= 0, values[chosen], np.nan)  # [batch sizes, seeds]


def _add_interval(table: pd.DataFrame, name: str, interval: Interval) -> None:
    for bound in ("mean", "low", "high"):
        table[f"{name}_{bound}"] = getattr(interval, bound)


def _selected_by(chosen: np.ndarray, rates: int, validation_rows: int) -> list[str]:
    if rates == 1:
        return ["single learning rate"] * len(chosen)
    if not validation_rows:
        return ["none: no validation rows"] * len(chosen)
    return ["validation" if row >= 0 else "none: no rate with every run ok" for row in chosen]


def _grid_edge(chosen: pd.Series, rates: tuple[float, ...]) -> list[str]:
    names = {min(rates): "lowest", max(rates): "highest"} if len(rates) > 1 else {}
    return [names.get(rate, "") for rate in chosen]


def _add_differences(
    table: pd.DataFrame, runs: pd.DataFrame, cells: pd.DataFrame, chosen: np.ndarray, seeds: int
) -> None:
    accuracy = by_cell(runs["test_accuracy"], seeds)
    row = reference(cells, chosen)
    against = accuracy[row] if row is not None else np.full(seeds, np.nan)
    difference = paired_difference(_at(chosen, accuracy), against)
    _add_interval(table, "difference", difference)
    table["difference_n"] = difference.n
    if row is not None:
        same = table["effective_batch_size"] == cells["effective_batch_size"][row]
        table.loc[same, ["difference_low", "difference_high"]] = np.nan  # the same runs: nothing is estimated
