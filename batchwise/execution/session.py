"""The runs of a study that are trained now, on a pool of workers."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution import dispatcher, run_store, run_times
from batchwise.execution.progress import Progress
from batchwise.execution.run_folder import RunFolder
from batchwise.execution.run_store import Store
from batchwise.execution.stage_times import seconds_of_process
from batchwise.execution.study_workers import StudyWorkers
from batchwise.execution.workers import FinishedRun


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
        self.measured = run_times.Timings(run_times.read(timings).coefficients())
        self.progress = Progress(name, len(keys))
        self.left = set(keys)
        self.unfinished: dict[Run, bytes] = {}

    def train(self, workers: Callable[[], StudyWorkers], shared_inputs: dict[str, Any]) -> dict[Run, bytes]:
        """Train the runs; return the files of those that are not kept: another try may mend them.

        `workers` returns those of the study, whose inputs are `shared_inputs`. Raises UserError as pool.pool,
        StudyWorkers and dispatcher.train do. If the end is not reached, says what is kept.
        """
        try:
            times = self.expected_seconds, self.compile_seconds
            some_ended = bool(self.folder.statuses)
            dispatcher.train(workers(), shared_inputs, list(self.keys), *times, self.finish, some_ended=some_ended)
        except BaseException:
            if done := len(self.keys) - len(self.left) - len(self.unfinished):
                kept = f"{done} of the {len(self.keys)} runs of {self.name} that are to be trained"
                print(f"\nkept: {kept}; `dvc repro` goes on from there", file=sys.stderr)
            raise
        return self.unfinished

    def expected_seconds(self, run: Run) -> float:
        """Return how long a run should take, from what was measured until now."""
        return run_times.predict(self.measured.coefficients(), run_times.work(self.study, self.rows, run))

    def compile_seconds(self) -> float:
        """Return how much longer the first run of a batch size should take."""
        return float(self.measured.coefficients()[2])

    def finish(self, run: Run, finished: FinishedRun, running: int) -> None:
        """Keep a run that has ended, and tell."""
        if len(self.left) == len(self.keys):
            run_times.append_start_up(self.timings, max(0, seconds_of_process() - finished.seconds))
        self.left.remove(run)
        self.folder.add(run, finished.content)
        if finished.status in run_store.FINAL:
            self.kept.put(self.keys[run], finished.content)
        else:
            self.unfinished[run] = finished.content
        if finished.status == "ok" and not run.branch:  # one that diverges stops early, a branch may begin late
            done = run_times.work(self.study, self.rows, run, int(finished.compiled))
            self.measured.add(done, finished.seconds)
            run_times.append(self.timings, done, finished.seconds)
        self.progress.add(finished.status, running, lambda: self.seconds_left(running))

    def seconds_left(self, running: int) -> float:
        """Return about how long the runs that are left will take."""
        compiled = {run.effective_batch_size for run in self.keys.keys() - self.left}
        coefficients = self.measured.coefficients()
        return run_times.seconds_left(self.study, self.rows, self.left, running, coefficients, compiled)
