"""A study's runs: those that the store has are taken from it, the others are trained and kept at once."""

import fcntl
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from batchwise.common.repository import rerun_command
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution import engine_notes, pool_size, run_store
from batchwise.execution.run_folder import RunFolder, replacing
from batchwise.execution.run_store import Store
from batchwise.runtime import engine, forkserver
from batchwise.runtime.device import gpu
from batchwise.training import run_result, run_shard, trainers
from batchwise.training.run_shard import Shard

if TYPE_CHECKING:
    from batchwise.execution.study_workers import StudyWorkers

# What each worker imports beside its trainer, and what this stage does, which each imports again
PRELOADED = "batchwise.training.model_trial", "batchwise.execution.workers", "batchwise.execution.study_runs", "stages"


def train_study(
    name: str,
    data: StudyData,
    runs_folder: Path,
    kept: Store,
    timings: Path,
    earlier: Callable[[str], bytes | None],
) -> None:
    """Make `runs_folder/<study>` hold exactly the runs of the grid and their branches, as `making` does."""
    study, rows = data.study, data.rows["train"]
    for note in [*grid.notes(study, rows), *engine_notes.notes(study, on_gpu=bool(gpu(study.engine)))]:
        print(f"{name}: {note}", flush=True)  # before it takes its time
    with making(name, data, runs_folder / name, kept, timings, earlier) as runs:
        runs.make(grid.all_runs(study, rows))


@contextmanager
def making(
    name: str, data: StudyData, place: Path, kept: Store, timings: Path, earlier: Callable[[str], bytes | None]
) -> Iterator["StudyRuns"]:
    """Yield what makes runs of a study, of which the folder `place` holds exactly those at the end.

    Runs that `kept` lacks, or has damaged, are trained. `earlier` returns a shard of the folder as it was at the last
    time, or None; it is used if its inputs are today's. The folder's bytes do not depend on the workers, on the order
    of runs, or on an earlier interruption.
    """
    engine.use(data.study.recipe.engine)
    shared = run_store.inputs_of_study(data)
    with _alone(kept.folder / f"{name}.lock"), replacing(place, shared) as folder, ExitStack() as closing:
        closing.callback(kept.close)
        runs = StudyRuns(name, data, folder, kept, timings, earlier, closing)
        yield runs
        closing.close()
    runs.report()


class StudyRuns:
    """The runs of a study in a new folder. Workers are started when the first is trained, and end with `closing`."""

    def __init__(
        self,
        name: str,
        data: StudyData,
        folder: RunFolder,
        kept: Store,
        timings: Path,
        earlier: Callable[[str], bytes | None],
        closing: ExitStack,
    ) -> None:
        self.name, self.data, self.folder, self.kept = name, data, folder, kept
        self.timings, self.earlier, self.closing = timings, earlier, closing
        self.shared_inputs = folder.shared_inputs
        self.workers: StudyWorkers | None = None
        self.made: set[Run] = set()
        self.trained = 0
        self.damaged: list[Run] = []
        self.shards: dict[str, Shard | ValueError | None] = {}  # of the last time: the one that was looked at last
        self.unfinished: dict[Run, bytes] = {}

    def make(self, runs: Sequence[Run]) -> None:
        """Add runs to the folder, but for those that it has; train those neither kept nor there from the last time.

        Raises UserError as Session.train does.
        """
        new = [run for run in runs if run not in self.made]
        self.made.update(new)
        keys = run_store.keys(new, self.shared_inputs)
        known = self.kept.known(keys.values())
        if len(known) < len(keys):
            preload()  # takes seconds, in which we look for what there is
            self._make({run: key for run, key in keys.items() if key not in known}, some_ended=bool(known))
        # What is kept is copied when nobody waits for it any more: of a hundred thousand runs that takes 15 seconds.
        there = {run: key for run, key in keys.items() if key in known}
        absent = {run: key for run, key in there.items() if not self.folder.add(run, self.kept.get(key))}
        self.damaged += [run for run, key in absent.items() if key in self.kept]
        self._make(absent, some_ended=True)
        self.folder.write()

    def _make(self, absent: dict[Run, str], *, some_ended: bool) -> None:
        """Add runs that are not kept, with their keys: from the last time, or trained. Others may have ended before."""
        missing = {run: key for run, key in absent.items() if not self.folder.add(run, self._recovered(run, key))}
        self.trained += len(missing)
        if missing:
            preload()  # where an entry was damaged
            from batchwise.execution.session import Session  # with Dask: takes a second to import

            session = Session(self.name, self.data, missing, self.kept, self.timings, self.folder)
            some_ended |= bool(self.folder.statuses)
            self.unfinished |= session.train(self._workers, self.shared_inputs, some_ended=some_ended)

    def report(self) -> None:
        """Say how the runs ended, and where they are from."""
        statuses = self.folder.statuses
        if self.damaged:
            where = "in data/store or in DVC's cache"
            what = f"made again, since their files {where} were damaged or are of an earlier version"
            print(f"{self.name}: {what}: {len({*self.damaged})} of {statuses.total()} runs", file=sys.stderr)
        _report(self.name, statuses, self.trained, self.unfinished)

    def _workers(self) -> "StudyWorkers":
        """Return the workers of the study, started at the first call."""
        if self.workers is None:
            from batchwise.execution import pool
            from batchwise.execution.study_workers import StudyWorkers

            client = self.closing.enter_context(pool.pool())
            self.workers = StudyWorkers(client, self.data, self.shared_inputs)
        return self.workers

    def _recovered(self, run: Run, key: str) -> bytes | None:
        """Keep a run of the last time, and return its content, if it is the wanted one. A clone has files, no store.

        A run whose file cannot be read is added to `damaged`.
        """
        try:
            shard = self._earlier_shard(run_shard.name(run.name))
            if shard is None or run.name not in shard.run_names:
                return None
            content = shard.content(run.name)
            result, facts = run_result.load(content, with_weights=False)
        except ValueError:
            self.damaged.append(run)
            return None
        if result.status not in run_store.FINAL or facts != run.facts:
            return None
        self.kept.put(key, content)
        return content

    def _earlier_shard(self, name: str) -> Shard | None:
        """Return a shard of the last time, None if it is of other inputs. Raises ValueError if it is damaged."""
        if name not in self.shards:
            self.shards = {name: self._opened(self.earlier(name))}
        shard = self.shards[name]
        if isinstance(shard, ValueError):
            raise shard
        return shard

    def _opened(self, content: bytes | None) -> Shard | ValueError | None:
        try:
            shard = Shard(BytesIO(content)) if content else None
            return shard if shard and run_store.key(shard.inputs) == run_store.key(self.shared_inputs) else None
        except ValueError as error:
            return error


def preload() -> None:
    """Begin to import the engine in the process of which workers on this machine are copies, unless it has begun."""
    if not pool_size.cluster_address():
        trainer = trainers.FILES[engine.used()].removesuffix(".py").replace("/", ".")
        forkserver.start(trainer, *PRELOADED)


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
