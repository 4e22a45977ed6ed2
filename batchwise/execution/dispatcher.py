"""The runs of a study on its workers: each has one at a time, and whatever dies, the end comes."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty
from time import monotonic
from types import FrameType
from typing import Any

from dask.system import CPU_COUNT
from distributed import Future, KilledWorker

from batchwise.common import plugin_errors
from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.execution import run_store
from batchwise.execution.losses import LOSSES_ALLOWED, Loss, Losses
from batchwise.execution.pool import number_of_workers
from batchwise.execution.run_queue import Queue
from batchwise.execution.study_workers import SECONDS_TO_ANSWER, StudyWorkers, was_lost
from batchwise.execution.workers import FinishedRun, NotTakenUp, train_run
from batchwise.training import run_result

RUNS_ALLOWED = 1  # whose workers all died while no other run ended: of more it is the machine's fault, and no result
SECONDS_BETWEEN_LOOKS = 1
SECONDS_LOST = 10  # for which no worker has a run: its worker died before it got it
LATE = 2.0  # times the seconds that a run should take: an idle worker of a cluster trains it too, and the first ends it
SECONDS_LATE = 5  # at least


def train(
    workers: StudyWorkers,
    shared_inputs: dict[str, Any],
    runs: list[Run],
    seconds: Callable[[Run], float],
    compile_seconds: Callable[[], float],
    on_finished: Callable[[Run, FinishedRun, int], None],
    *,
    some_ended: bool,
) -> None:
    """Train all runs and hand each to `on_finished`, with the number still running, as soon as it ends.

    The workers are those of the study, whose shared inputs are `shared_inputs`. `seconds` and `compile_seconds` are
    those of the Queue; `some_ended` is whether other runs of the study ended before. Raises UserError as
    StudyPlugin.load_trainer and StudyWorkers.look do, for a worker that is refused, or if all workers die.
    """
    all_begin = not some_ended and number_of_workers() <= CPU_COUNT
    queue = Queue(runs, seconds, compile_seconds, all_begin=all_begin)
    dispatcher = Dispatcher(workers, queue, shared_inputs, some_ended=some_ended)
    with _interrupts() as interrupts:
        for _ in runs:
            run, finished = dispatcher.next_finished()
            on_finished(run, finished, len(dispatcher.running))
            if interrupts:
                raise KeyboardInterrupt


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Yield the signals of Ctrl-C and the like that came; each raises KeyboardInterrupt too.

    One that comes in a callback, where exceptions are only printed, would be lost otherwise.
    """
    seen = []

    def interrupt(number: int, _: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Assignment:
    """A run that a worker was given: which, since when, and when it was last seen to have it."""

    run: Run
    worker: str
    nanny: str | None
    began: float
    seen: float


class Dispatcher:
    """Keeps each worker at one run, so that a worker's death is the fault of the run that it had."""

    def __init__(self, workers: StudyWorkers, queue: Queue, shared_inputs: dict[str, Any], *, some_ended: bool) -> None:
        self.workers, self.queue, self.shared_inputs, self.some_ended = workers, queue, shared_inputs, some_ended
        self.study = run_store.key(shared_inputs)
        self.running: dict[Future[FinishedRun], Assignment] = {}
        self.again: list[Run] = []  # whose worker went away
        self.later: list[Run] = []  # more than once: after all others
        self.losses = Losses(workers.left_in_order, here=not workers.elsewhere)
        self.looked = float("-inf")

    def next_finished(self) -> tuple[Run, FinishedRun]:
        """Wait for a run to end, and return it with its outcome; one whose worker went away is tried again."""
        while True:
            if monotonic() - self.looked > SECONDS_BETWEEN_LOOKS:
                self._look()
            if failed := self._deadly():
                return failed
            self._fill()
            with suppress(Empty):
                future = self.workers.ended.get(timeout=SECONDS_BETWEEN_LOOKS)
                self.workers.handle(future)
                if future in self.running:
                    assignment = self.running.pop(future)
                    outcome = self._outcome(future, assignment)  # first: the worker may die of its next run
                    if outcome:
                        self._end_copies(assignment.run)
                        self._fill()  # it goes on while the result is kept
                        return assignment.run, outcome

    def _fill(self) -> None:
        """Give a run to each worker that has none."""
        busy = {assignment.worker for assignment in self.running.values()}
        ready = self.workers.ready
        for worker in ready:
            if worker not in busy:
                run = self._next_run(worker, ready)
                if run:
                    self._start(run, worker)

    def _next_run(self, worker: str, ready: tuple[str, ...]) -> Run | None:
        if self.again:
            return self.again.pop()
        return self.queue.take(worker, ready) or (self.later.pop(0) if self.later else self._late())

    def _late(self) -> Run | None:
        """Return a run that takes too long where it is, and of which there is no copy: its worker may be slow."""
        runs = [assignment.run for assignment in self.running.values()]
        for one in self.running.values() if self.workers.elsewhere else ():
            should_take = self.queue.seconds(one.run) + self.queue.compile_seconds()
            if monotonic() - one.began > max(LATE * should_take, SECONDS_LATE) and runs.count(one.run) == 1:
                return one.run
        return None

    def _end_copies(self, run: Run) -> None:
        """Forget what else trains a run that has ended: it would have the same bits."""
        for future in [future for future, other in self.running.items() if other.run == run]:
            del self.running[future]
            future.cancel()

    def _look(self) -> None:
        """See which workers there are, and what they have. Raises UserError as StudyWorkers.look does."""
        processing = self.workers.look()
        self.looked = monotonic()
        self.losses.look(self.workers.nannies)
        self.workers.show_waiting(len(self.queue) + len(self.again) + len(self.later))
        held = {key for keys in processing.values() for key in keys}
        for future, assignment in list(self.running.items()):
            if future.key in held or future.done():
                assignment.seen = self.looked
            elif assignment.worker not in processing or self.looked - assignment.seen > SECONDS_LOST:
                future.cancel()  # which ends it

    def _start(self, run: Run, worker: str) -> None:
        future = self.workers.submit(worker, train_run, run, self.study)
        now = monotonic()
        self.running[future] = Assignment(run, worker, self.workers.members[worker].nanny, now, now)

    def _outcome(self, future: Future[FinishedRun], assignment: Assignment) -> FinishedRun | None:
        """Return what became of a run that has ended; None if it is to be tried again.

        Raises UserError if no worker could train it.
        """
        try:
            finished = future.result(timeout=SECONDS_TO_ANSWER)
            self.some_ended = True
            return finished
        except UserError:
            raise
        except NotTakenUp:
            self.workers.forget(assignment.worker)
            self._try_again(assignment.run)
        except Exception as error:
            if not was_lost(future, error):
                return self._failed(assignment.run, plugin_errors.sentence(error))
            self._worker_lost(assignment, died=isinstance(error, KilledWorker))
        return None

    def _worker_lost(self, assignment: Assignment, *, died: bool) -> None:
        """Try a run again whose worker went away, or is still there and has not got it."""
        run = assignment.run
        self._look()
        if died or assignment.worker not in self.workers.members:
            self.losses.add(Loss(run, assignment.worker, assignment.nanny))
            self.losses.look(self.workers.nannies)
            if not self.losses.are_too_many(run):
                told = "died" if died and not self.workers.elsewhere else "went away"
                print(f"the worker that had {run.name} {told}; the run is tried again", file=sys.stderr, flush=True)
        self._try_again(run)

    def _try_again(self, run: Run) -> None:
        if all(assignment.run != run for assignment in self.running.values()):
            first = self.losses.losses[run] <= 1 or not self.workers.elsewhere
            (self.again if first else self.later).append(run)

    def _deadly(self) -> tuple[Run, FinishedRun] | None:
        """Return a run that waits and was the death of too many workers, as one that failed.

        Raises UserError if that is the machine's fault, or if its workers were taken away too often to tell.
        """
        for waiting in (self.again, self.later):
            for run in waiting:
                if self.losses.are_too_many(run):
                    self._check_machine()
                    waiting.remove(run)
                    return run, self._failed(run, f"its worker died {self.losses.deaths[run]} times")
                if self.losses.losses[run] > LOSSES_ALLOWED:
                    raise UserError(
                        f"{LOSSES_ALLOWED + 1} workers went away while they had {run.name}, and did not come back: see "
                        "whether their machines are taken away, or it takes more memory than a job or pod may have"
                    )
        return None

    def _check_machine(self) -> None:
        """Raise UserError if workers die of whatever they train."""
        deadly = sum(map(self.losses.are_too_many, self.losses.deaths))
        if not self.some_ended and deadly > RUNS_ALLOWED:
            raise UserError(
                f"the workers died with each run that they had, {self.losses.deaths.total()} times, and no run ended; "
                "see whether the machine has the memory, or set BATCHWISE_WORKERS to fewer"
            )

    def _failed(self, run: Run, message: str) -> FinishedRun:
        result = run_result.without_evaluations("failed", message)
        return FinishedRun("failed", run_result.dump(result, run_store.inputs_of(run, self.shared_inputs)))
