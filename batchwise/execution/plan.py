"""What `dvc repro` would train: how many runs, for how long, in how much space, and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from batchwise.common import files
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data.dataset import DataSet
from batchwise.data.local_files import LocalFile
from batchwise.execution import engine_notes, run_store, run_times, trial
from batchwise.execution.run_store import Store
from batchwise.execution.trial import Trial
from batchwise.runtime.environment import gpu_of
from batchwise.training import run_files, run_shard
from batchwise.training.run_shard import Shard

NEW, DAMAGED = "new in the grid", "its file is damaged"
# A run is kept in the store, in data/runs and in DVC's cache.
COPIES = 3


@dataclass(frozen=True)
class Plan:
    """The state of a study; `reasons` counts the runs to train by why, `seconds` are those of training alone.

    `calls` is how many programs train the runs that are left: one each, unless they are lanes. `start_up` is how long
    the stage took last until its first run, None if it is not known; `trial` is what short runs told now, None where
    runs were timed.
    """

    runs: int
    left: list[Run]
    calls: int = 0
    seconds: float = 0.0
    bytes: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    start_up: float | None = None
    trial: Trial | None = None


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
    timed yet, short ones are (trial.py).
    """
    rows = data.rows["train"]
    shared = run_store.inputs(study.recipe, data.description.task, data.sha256, study.metric, weights)
    runs = grid.all_runs(study, rows)
    keys = run_store.keys(runs, shared)
    known = kept.known(keys.values())
    unknown = [run for run in runs if keys[run] not in known]
    why = {run: reason for run, reason in _reasons(folder, unknown, shared) if reason}
    left, reasons = list(why), Counter(why.values())
    notes, before = grid.notes(study, rows), run_times.read(timings)
    if not left:
        return Plan(len(runs), left, notes=tuple(notes), start_up=before.start_up)
    notes += engine_notes.notes(study, on_gpu=bool(gpu_of(study.engine)))
    size = _size(folder)
    tried = None if before.seconds and size else trial.of_study(study, data)
    measured = tried.timings if tried else before
    return Plan(
        len(runs),
        left,
        calls=run_times.calls_of(study, left).total(),
        seconds=run_times.seconds_left(study, rows, left, workers, measured.coefficients()),
        bytes=len(left) * (tried.run_bytes if tried else size) * COPIES,
        reasons=reasons,
        notes=(*notes, *(tried.notes if tried else ())),
        start_up=before.start_up,
        trial=tried,
    )


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
