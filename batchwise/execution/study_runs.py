"""A study's runs: those that the store has are taken from it, the others are trained and kept at once."""

import fcntl
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwise.common.repository import rerun_command
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.data.loading import StudyData
from batchwise.execution import run_store, run_times, workers
from batchwise.execution.progress import Progress
from batchwise.execution.run_store import Store
from batchwise.execution.stage_times import seconds_of_process
from batchwise.execution.workers import FinishedRun
from batchwise.training import run_files, run_result

# Another try may mend a run that ended for want of memory or of a worker; these two would come out the same.
FINAL = ("ok", "diverged")


def train_study(
    name: str,
    study: Study,
    data: StudyData,
    runs_folder: Path,
    kept: Store,
    timings: Path,
    earlier: Callable[[str], bytes | None],
) -> None:
    """Make `runs_folder/<study>` hold exactly the runs of the grid; train those that `kept` lacks, or has damaged.

    `earlier` returns a file of the folder as it was at the last time, or None; it is used if its inputs are today's.
    The folder's bytes do not depend on the workers, on the order of runs, or on an earlier interruption.
    Raises UserError as workers.pool and workers.train do.
    """
    rows, shared_inputs = data.rows["train"], run_store.inputs(study.recipe, data.task, data.sha256)
    keys = {run: run_store.key(run_store.inputs_of(run, shared_inputs)) for run in grid.runs(study, rows)}
    for note in grid.notes(study, rows):
        print(f"{name}: {note}")
    with _alone(kept.folder / f"{name}.lock"), _replacing(runs_folder / name) as folder:
        absent = [run for run in keys if not folder.add(run, kept.get(keys[run]))]
        if absent:
            workers.preload_tensorflow()
        missing = [run for run in absent if not folder.add(run, _recovered(run, keys[run], kept, earlier))]
        session = Session(name, study, rows, {run: keys[run] for run in missing}, kept, timings, folder)
        if missing:
            session.train(data)
    _report(name, folder.statuses, len(missing), session.unfinished)


class RunFolder:
    """A new folder with the files of a study's runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.statuses: Counter[str] = Counter()  # of the runs that it has

    def add(self, run: Run, content: bytes | None) -> bool:
        """Write the file of a run; return whether there was any content."""
        if content is None:
            return False
        (self.folder / run_files.name(run)).write_bytes(content)
        self.statuses[run_result.load(content, with_weights=False)[0].status] += 1
        return True


@contextmanager
def _replacing(folder: Path) -> Iterator[RunFolder]:
    """Yield a new folder, which takes the place of `folder` at the end, or goes if it is not reached."""
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield RunFolder(new)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


class Session:
    """The runs of a study that are trained now: what becomes of each, and how long the rest will take."""

    def __init__(
        self,
        name: str,
        study: Study,
        rows: int,
        keys: dict[Run, str],
        kept: Store,
        timings: Path,
        folder: RunFolder,
    ) -> None:
        self.name, self.study, self.rows, self.keys = name, study, rows, keys
        self.kept, self.timings, self.folder = kept, timings, folder
        self.measured = run_times.Timings(run_times.read(timings).coefficients())
        self.progress = Progress(name, len(keys))
        self.left = set(keys)
        self.unfinished: dict[Run, FinishedRun] = {}  # not kept, since another try may mend them

    def train(self, data: StudyData) -> None:
        """Train the runs on a pool of workers. After Ctrl-C, say what is kept."""
        try:
            with workers.pool() as client:
                recipe, runs = self.study.recipe, list(self.keys)
                workers.train(client, data, recipe, runs, self.expected_seconds, self.compile_seconds, self.finish)
        except KeyboardInterrupt:
            done = len(self.keys) - len(self.left)
            print(f"\n{done} runs of {self.name} are kept; `dvc repro` goes on from there", file=sys.stderr)
            raise

    def expected_seconds(self, run: Run) -> float:
        """Return how long a run should take, from what was measured until now."""
        return run_times.predict(
            self.measured.coefficients(), run_times.work(self.study, self.rows, run.effective_batch_size)
        )

    def compile_seconds(self) -> float:
        """Return how much longer the first run of a batch size should take."""
        return float(self.measured.coefficients()[2])

    def finish(self, run: Run, finished: FinishedRun, running: int) -> None:
        """Keep a run that has ended, and tell."""
        if len(self.left) == len(self.keys):
            run_times.append_start_up(self.timings, max(0, seconds_of_process() - finished.seconds))
        self.left.remove(run)
        self.folder.add(run, finished.content)
        if finished.status in FINAL:
            self.kept.put(self.keys[run], finished.content)
        else:
            self.unfinished[run] = finished
        if finished.status == "ok":  # a run that diverges stops early
            done = run_times.work(self.study, self.rows, run.effective_batch_size, int(finished.compiled))
            self.measured.add(done, finished.seconds)
            run_times.append(self.timings, done, finished.seconds)
        self.progress.add(finished.status, running, lambda: self.seconds_left(running))

    def seconds_left(self, running: int) -> float:
        """Return about how long the runs that are left will take."""
        compiled = {run.effective_batch_size for run in self.keys.keys() - self.left}
        coefficients = self.measured.coefficients()
        return run_times.seconds_left(self.study, self.rows, self.left, running, coefficients, compiled)


def _recovered(run: Run, key: str, kept: Store, earlier: Callable[[str], bytes | None]) -> bytes | None:
    """Keep a run of the last time, and return its content, if it is the wanted one. A clone has files, but no store."""
    content = earlier(run_files.name(run))
    if not content:
        return None
    try:
        result, inputs = run_result.load(content)
    except ValueError:
        return None
    if result.status not in FINAL or run_store.key(inputs) != key:
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


def _report(name: str, statuses: Counter[str], trained: int, unfinished: dict[Run, FinishedRun]) -> None:
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(statuses.items()))
    print(
        f"{name}: {statuses.total()} runs ({counts}); "
        f"{trained} trained now, {statuses.total() - trained} kept from before"
    )
    for run, finished in sorted(unfinished.items()):
        message = run_result.load(finished.content)[0].message
        print(f"{run.name}: {finished.status.replace('_', ' ')} {message}", file=sys.stderr)
    if unfinished:
        print(f"{rerun_command(f'train@{name}')} tries these {len(unfinished)} runs again", file=sys.stderr)
