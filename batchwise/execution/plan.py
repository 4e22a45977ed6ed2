"""What `dvc repro` would train: how many runs, for how long, in how much space, and why."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any

from batchwise.common import files
from batchwise.config import grid, phases
from batchwise.config.grid import Run
from batchwise.config.recipe import Budget
from batchwise.config.study import Study
from batchwise.data import folds
from batchwise.data.dataset import DataSet
from batchwise.data.local_files import LocalFile
from batchwise.data.subset import subset
from batchwise.execution import run_store, run_times
from batchwise.execution.run_store import Store
from batchwise.execution.run_times import Timings, Work
from batchwise.runtime.device import gpu
from batchwise.training import run_files, run_result, run_shard, trainers
from batchwise.training.run_shard import Shard

NEW, DAMAGED = "new in the grid", "its file is damaged"
# A run is kept in the store, in data/runs and in DVC's cache.
COPIES = 3
# Rows that a measurement trains on, of each class at least one: a part of them stands for an epoch of all. A GPU needs
# more of them, or what the host does beside would seem to be the time of an example.
MEASURED_ROWS, MEASURED_ROWS_ON_GPU = 512, 8192


@dataclass(frozen=True)
class Plan:
    """The state of a study; `reasons` counts the runs to train by why, `seconds` are those of training alone.

    `start_up` is how long the stage took last until its first run, None if it is not known; `timed` says whether runs
    were timed, or else short ones now.
    """

    runs: int
    left: list[Run]
    seconds: float = 0.0
    bytes: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    start_up: float | None = None
    timed: bool = True


def plan(
    study: Study,
    data: DataSet,
    folder: Path,
    kept: Store,
    timings: Path,
    workers: int,
    weights: LocalFile | None = None,
) -> Plan:
    """Return the plan of a study whose run files are in `folder`, and whose seeds start from `weights` if it has some.

    A run is done if the store has it, or if its file was made from the same inputs. Where no run of the study was
    timed yet, short ones are: one epoch of a part of the rows, at the smallest and the largest batch size.
    """
    rows = data.rows["train"]
    shared = run_store.inputs(study.recipe, data.description.task, data.sha256, study.metric, weights)
    runs = grid.all_runs(study, rows)
    keys = run_store.keys(runs, shared)
    known = kept.known(keys.values())
    unknown = [run for run in runs if keys[run] not in known]
    why = {run: reason for run, reason in _reasons(folder, unknown, shared) if reason}
    left, reasons = list(why), Counter(why.values())
    notes, before = tuple(grid.notes(study, rows)), run_times.read(timings)
    if not left:
        return Plan(len(runs), left, notes=notes, start_up=before.start_up)
    size = _size(folder)
    timed = bool(before.seconds and size)
    measured, size = (before, size) if timed else _measure(study, data)
    seconds = run_times.seconds_left(study, rows, left, workers, measured.coefficients())
    return Plan(len(runs), left, seconds, len(left) * size * COPIES, reasons, notes, before.start_up, timed)


def _reasons(folder: Path, runs: list[Run], shared: dict[str, Any]) -> Iterator[tuple[Run, str | None]]:
    """Yield runs with why they have to be trained, or None if their files were made from the wanted inputs."""
    for shard_name, group in groupby(runs, lambda run: run_shard.name(run.name)):
        of_shard = list(group)
        try:
            with files.opened(folder / shard_name) as file:
                shard = Shard(file)
                changes = "; ".join(run_store.changes(shard.inputs, shared))
                yield from ((run, _reason(shard, run) or changes or None) for run in of_shard)
        except FileNotFoundError:
            yield from ((run, NEW) for run in of_shard)
        except ValueError:
            yield from ((run, DAMAGED) for run in of_shard)


def _reason(shard: Shard, run: Run) -> str | None:
    """Return why a shard has no whole file of a run, None if it has one."""
    try:
        shard.content(run.name)
    except KeyError:
        return NEW
    except ValueError:
        return DAMAGED
    return None


def _size(folder: Path) -> int:
    """Return the mean size of the files of a study's runs, bytes, rounded up; 0 if there are none, or damaged ones."""
    try:
        runs = len(run_files.run_names(folder))
    except ValueError:
        return 0
    size = sum(path.stat().st_size for path in folder.glob(f"*{run_shard.ENDING}"))
    return -(-size // max(1, runs))


def _measure(study: Study, data: DataSet) -> tuple[Timings, int]:
    """Return timings of short runs, and the size of a run file of the whole budget in bytes."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that each batch size is a program of its own
    part = _measured_part(folds.of_seed(data, 0))
    rows = part.rows["train"]
    trainer = trainers.load(part, study.recipe.model_copy(update={"budget": Budget(epochs=1)}), study.metric)
    timings = Timings()
    sizes = min(study.grid.batch_sizes), max(study.grid.batch_sizes)
    for m in {grid.effective_batch_size(size, rows) for size in sizes}:
        for compilations in (1, 0, 0):
            start = perf_counter()
            result = trainer.run(m, study.grid.base_learning_rates[0], seed=0)
            timings.add(Work(phases.updates_per_epoch(rows, m), rows, compilations), perf_counter() - start)
    evaluations = max(grid.epochs(study.budget, data.rows["train"], m) for m in study.grid.batch_sizes)
    bytes_of_evaluation = sum(values[0].nbytes for values in result.metrics.values())
    size = len(run_result.dump(result, {})) + evaluations * bytes_of_evaluation
    return timings, size


def _measured_part(data: DataSet) -> DataSet:
    """Return some rows of a data set, with as many to evaluate for each training row as all have."""
    share = (MEASURED_ROWS_ON_GPU if gpu() else MEASURED_ROWS) / data.rows["train"]
    if share >= 1:
        return data
    rows = {f"{name}_rows": min(number, max(data.strata, round(share * number))) for name, number in data.rows.items()}
    return subset(data, **rows, seed=0)
