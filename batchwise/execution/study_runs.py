"""A study's runs: those that the store has are taken from it, the others are trained and kept at once."""

import fcntl
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwise.common.repository import rerun_command
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution import run_store
from batchwise.execution.run_folder import replacing
from batchwise.execution.run_store import Store
from batchwise.runtime import forkserver
from batchwise.training import run_files, run_result

# What each worker imports, and what this stage does, which each imports again
PRELOADED = (
    *("batchwise.training.trainer", "batchwise.training.model_trial", "batchwise.execution.workers"),
    *("batchwise.execution.study_runs", "stages"),
)


def train_study(
    name: str,
    data: StudyData,
    runs_folder: Path,
    kept: Store,
    timings: Path,
    earlier: Callable[[str], bytes | None],
) -> None:
    """Make `runs_folder/<study>` hold exactly the runs of the grid; train those that `kept` lacks, or has damaged.

    `earlier` returns a file of the folder as it was at the last time, or None; it is used if its inputs are today's.
    The folder's bytes do not depend on the workers, on the order of runs, or on an earlier interruption.
    Raises UserError as Session.train does.
    """
    study, rows, shared_inputs = data.study, data.rows["train"], run_store.inputs_of_study(data)
    keys = {run: run_store.key(run_store.inputs_of(run, shared_inputs)) for run in grid.runs(study, rows)}
    for note in grid.notes(study, rows):
        print(f"{name}: {note}")
    with _alone(kept.folder / f"{name}.lock"), replacing(runs_folder / name) as folder:
        if not all(key in kept for key in keys.values()):
            _preload()  # takes seconds, in which we look for what there is
        absent = [run for run in keys if not folder.add(run, kept.get(keys[run]))]
        damaged = [run for run in absent if keys[run] in kept]
        missing = [run for run in absent if not folder.add(run, _recovered(run, keys[run], kept, earlier, damaged))]
        unfinished: dict[Run, bytes] = {}
        if missing:
            _preload()  # where an entry was damaged
            from batchwise.execution.session import Session  # with Dask: takes a second to import

            session = Session(name, data, {run: keys[run] for run in missing}, kept, timings, folder)
            unfinished = session.train()
    if damaged:
        where = "in data/store or in DVC's cache"
        what = f"made again, since their files {where} were damaged or are of an earlier version"
        print(f"{name}: {what}: {len({*damaged})} of {len(keys)} runs", file=sys.stderr)
    _report(name, folder.statuses, len(missing), unfinished)


def _preload() -> None:
    """Begin to import TensorFlow in the process of which workers on this machine are copies, unless it has begun."""
    if not os.environ.get("DASK_SCHEDULER_ADDRESS"):
        forkserver.start(*PRELOADED)


def _recovered(
    run: Run, key: str, kept: Store, earlier: Callable[[str], bytes | None], damaged: list[Run]
) -> bytes | None:
    """Keep a run of the last time, and return its content, if it is the wanted one. A clone has files, but no store.

    A run whose file cannot be read is added to `damaged`.
    """
    content = earlier(run_files.name(run.name))
    if not content:
        return None
    try:
        result, inputs = run_result.load(content)
    except ValueError:
        damaged.append(run)
        return None
    if result.status not in run_store.FINAL or run_store.key(inputs) != key:
        return None
    kept.put(key, content)
    return content


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a study for this process: a stage that outlived a killed `dvc repro` may still be training it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{lock.stem} is being trained by another process; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _report(name: str, statuses: Counter[str], trained: int, unfinished: dict[Run, bytes]) -> None:
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(statuses.items()))
    print(
        f"{name}: {statuses.total()} runs ({counts}); "
        f"{trained} trained now, {statuses.total() - trained} kept from before"
    )
    for run, content in sorted(unfinished.items()):
        result, _ = run_result.load(content, with_weights=False)
        print(f"{run.name}: {result.status.replace('_', ' ')} {result.message}", file=sys.stderr)
    if unfinished:
        print(f"{rerun_command(f'train@{name}')} tries them again", file=sys.stderr)
