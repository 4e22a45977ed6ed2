"""The runs of a study that are trained now, on a pool of workers."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution import dispatcher, pool_size, remaining_stages, run_store, run_times
from batchwise.execution.progress import Progress
from batchwise.execution.run_folder import RunFolder
from batchwise.execution.run_store import Store
from batchwise.execution.run_times import Work
from batchwise.execution.stage_times import START_UP, seconds_of_process
from batchwise.execution.study_workers import StudyWorkers
from batchwise.execution.worker_states import WorkerStates
from batchwise.execution.workers import FinishedRun
from batchwise.training.run_result import STATUSES


class Session:
    """The runs of a study that are trained now: what becomes of each, and how long the rest will take."""

    def __init__(
        self,
        name: str,
        data: StudyData,
        keys: dict[Run, str],
        kept: Store,
        timings: Path,
        folder: RunFolder,
    ) -> None:
        self.name, self.data, self.keys = name, data, keys
        self.study, self.rows = data.study, data.rows["train"]
        self.kept, self.timings, self.folder = kept, timings, folder
        before = run_times.read(timings)
        self.measured, self.start_up = run_times.Timings(before.coefficients()), before.start_up
        self.works: dict[Run, Work] = {}
        self.left = Counter(run_times.kind(self.study, run) for run in keys)
        self.compiled: set[int] = set()
        self.running: int | None = None
        self.unfinished: dict[Run, bytes] = {}
        self.states = WorkerStates(self.compile_seconds)
        stage = remaining_stages.this_stage()
        self.progress = Progress(stage, name, len(keys), STATUSES, self.seconds_left, self.states)

    def train(
        self, workers: Callable[[], StudyWorkers], shared_inputs: dict[str, Any], *, some_ended: bool
    ) -> dict[Run, bytes]:
        """Train the runs; return the files of those that are not kept: another try may mend them.

        `workers` returns those of the study, whose inputs are `shared_inputs`, and `some_ended` is whether other runs
        of it ended before. Raises UserError as pool.pool, StudyWorkers and dispatcher.train do. If the end is not
        reached, says what is kept.
        """
        try:
            self.progress.begin()
            if self.progress.kind != "quiet":
                self.progress.seconds_after = remaining_stages.seconds_after_this()
            client = workers()
            self.states.start_seconds = self._seconds_to_start()
            times = self.expected_seconds, self.compile_seconds
            events = self.finish, self.progress.look
            dispatcher.train(client, shared_inputs, list(self.keys), *times, *events, some_ended=some_ended)
        except BaseException:
            self.progress.close()
            if done := len(self.keys) - self.left.total() - len(self.unfinished):
                kept = f"{done} of the {len(self.keys)} runs of {self.name} that are to be trained"
                print(f"kept: {kept}; `dvc repro` goes on from there", file=sys.stderr)
            raise
        return self.unfinished

    def expected_seconds(self, run: Run) -> float:
        """Return how long a run should take, with those that are trained with it, from what was measured until now."""
        return run_times.predict(self.measured.coefficients(), self.work(run))

    def work(self, run: Run) -> Work:
        """Return the work of a run, without compiling."""
        kind = run_times.kind(self.study, run)
        if kind not in self.works:
            self.works[kind] = run_times.work(self.study, self.rows, kind)
        return self.works[kind]

    def compile_seconds(self) -> float:
        """Return how much longer the first run of a batch size should take."""
        return float(self.measured.coefficients()[2])

    def finish(self, run: Run, finished: FinishedRun, running: int) -> None:
        """Keep a run that has ended, and tell."""
        if not self.compiled:
            run_times.append_start_up(self.timings, max(0, seconds_of_process() - finished.seconds))
        self.left[run_times.kind(self.study, run)] -= 1
        self.compiled.add(run.effective_batch_size)
        self.running = running
        self.folder.add(run, finished.content)
        if finished.status in run_store.FINAL:
            self.kept.put(self.keys[run], finished.content)
        else:
            self.unfinished[run] = finished.content
        if finished.timed and finished.status == "ok" and not run.branch:  # a branch may begin late
            done = replace(self.work(run), compilations=int(finished.compiled))
            self.measured.add(done, finished.seconds)
            run_times.append(self.timings, done, finished.seconds)
        self.progress.add(finished.status)

    def seconds_left(self) -> float | None:
        """Return about how long the runs that are left will take; None before one ended on a cluster of any size."""
        starts, workers = 0.0, self.running
        if workers is None:
            if pool_size.cluster_address():
                return None
            starts, workers = self._seconds_to_start(), pool_size.number_of_workers()
        works, left = {kind: self.work(kind) for kind in self.left}, run_times.calls(self.study, self.left)
        return starts + run_times.seconds_of(left, works, workers, self.measured.coefficients(), self.compiled)

    def _seconds_to_start(self) -> float:
        """Return in how many seconds the first run should begin, by the last time."""
        return max(0.0, (self.start_up or START_UP) - seconds_of_process())
