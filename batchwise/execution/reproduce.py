"""A cell trained again, without the store, and compared bit by bit with what the pipeline keeps."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config import grid
from batchwise.config.grid import Cell, Run
from batchwise.config.study import Study
from batchwise.data.dataset import SPLITS, DataSet
from batchwise.data.local_files import LocalFile
from batchwise.execution import run_store
from batchwise.training import run_files, trainers
from batchwise.training.run_result import RunResult


def find_cell(study: Study, rows: int, batch_size: int, learning_rate: float) -> Cell:
    """Return the cell of a study's grid with this m and η, of which six digits are enough.

    Raises UserError, with what the grid has, if there is none.
    """
    of_size = [cell for cell in grid.cells(study, rows) if cell.batch_size == batch_size]
    if not of_size:
        sizes = ", ".join(map(str, study.grid.batch_sizes))
        raise UserError(f"batch size {batch_size} is not in the grid; it has {sizes}")
    for cell in of_size:
        if math.isclose(cell.learning_rate, learning_rate, rel_tol=1e-6):
            return cell
    rates = ", ".join(f"{cell.learning_rate:g}" for cell in of_size)
    raise UserError(f"learning rate {learning_rate:g} is not in the grid at batch size {batch_size}; it has {rates}")


def reproduce(
    name: str, study: Study, data: DataSet, cell: Cell, folder: Path, weights: LocalFile | None = None
) -> Iterator[tuple[Run, list[str]]]:
    """Train each seed of a cell and its branches; yield each with its differences from its file, none if it is exact.

    Run files are in runs/<name> of `folder`, those of fresh seeds of a chosen cell in confirmed/<name>. `weights` is
    the file from which seeds start, if there is one. Raises UserError if a run file is missing, damaged or of another.
    """
    trainer = trainers.load(data, study.recipe, study.metric, weights.path if weights else None)
    inputs_now = run_store.inputs(study.recipe, data.description.task, data.sha256, study.metric, weights)
    of_grid = grid.runs_of(cell, study)
    fresh = fresh_runs(study, cell, folder / "confirmed" / name)
    branches = [run for run in grid.branch_runs(study, data.rows["train"]) if replace(run, branch=()) in of_grid]
    for run in [*of_grid, *branches, *fresh]:
        place, stage = ("confirmed", "confirm") if run in fresh else ("runs", "train")
        before = run_files.read(folder / place / name, name, run, {}, stage=stage)
        now = trainer.run(run.effective_batch_size, run.learning_rate, run.seed, run.branch or None)
        found = compare(before.result, now)
        if found:
            found += run_store.changes(before.inputs, inputs_now)
        yield run, found


def fresh_runs(study: Study, cell: Cell, folder: Path) -> list[Run]:
    """Return the runs of a cell with fresh seeds that have a file in a folder: none of a cell that was not chosen.

    Raises UserError if a shard is damaged.
    """
    most = study.confirmation.most_seeds if study.confirmation else 0
    try:
        there = set(run_files.run_names(folder))
    except ValueError as error:
        raise UserError(f"{error}; run {rerun_command(f'confirm@{folder.name}')}") from None
    return [run for run in grid.fresh_runs(cell, study, most) if run.name in there]


def compare(before: RunResult, now: RunResult) -> list[str]:
    """Return what differs: the status, the first epoch, the first tensor; nothing if the two are equal bit for bit."""
    found = []
    if before.status != now.status:
        found.append(f"status: {before.status} → {now.status}")
    found += _first_epoch(before, now)
    found += _first_tensor(before, now)
    return found


def _first_epoch(before: RunResult, now: RunResult) -> list[str]:
    for epoch in range(min(before.evaluations, now.evaluations)):
        for column, split in enumerate(SPLITS):
            for name in (name for name in before.metrics if name in now.metrics):
                old, new = (result.metrics[name][epoch, column] for result in (before, now))
                if old.tobytes() != new.tobytes():
                    return [f"first epoch that differs: {epoch}, {split} {name} {old} → {new}"]
    if before.evaluations != now.evaluations:
        return [f"epochs: {before.evaluations - 1} → {now.evaluations - 1}"]
    return []


def _first_tensor(before: RunResult, now: RunResult) -> list[str]:
    for name in sorted({*before.weights, *now.weights}):
        old, new = before.weights.get(name), now.weights.get(name)
        if old is None or new is None or old.shape != new.shape:
            shapes = " → ".join(str(getattr(values, "shape", ())) for values in (old, new))
            return [f"first tensor that differs: {name}, shape {shapes}"]
        if old.tobytes() != new.tobytes():
            return [f"first tensor that differs: {name} {old.shape}, by at most {np.abs(old - new).max():.3g}"]
    return []
