"""The runs of a study on its workers: each has a few at a time, and whatever dies, the end comes."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty
from time import monotonic
from types import FrameType
from typing import Any

from dask.system import CPU_COUNT
from distributed import Future, KilledWorker

from batchwise.common import plugin_errors
from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.execution import run_store, run_times
from batchwise.execution.losses import LOSSES_ALLOWED, Loss, Losses
from batchwise.execution.pool_size import number_of_workers
from batchwise.execution.progress import note
from batchwise.execution.run_queue import Queue
from batchwise.execution.study_workers import SECONDS_TO_ANSWER, StudyWorkers, was_lost
from batchwise.execution.worker_states import AtWork
from batchwise.execution.workers import FinishedRun, NotTakenUp, train_runs
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
    look: Callable[[Callable[[], AtWork]], None],
    *,
    some_ended: bool,
) -> None:
    """Train all runs and hand each to `on_finished`, with the number still running, as soon as it ends.

    `look` is called with what tells which worker has which run, after each run that ended and at least once a second.
    The workers are those of the study, whose shared inputs are `shared_inputs`. `seconds` and `compile_seconds` are
    those of the Queue; `some_ended` is whether other runs of the study ended before. Raises UserError as
    StudyPlugin.load_trainer and StudyWorkers.look do, for a worker that is refused, or if all workers die.
    """
    all_begin = not some_ended and number_of_workers() <= CPU_COUNT
    study = workers.data.study
    at_once, kind = study.recipe.runs_at_once, partial(run_times.kind, study)
    queue = Queue(runs, seconds, compile_seconds, all_begin=all_begin, at_once=at_once, kind=kind)
    dispatcher = Dispatcher(workers, queue, shared_inputs, some_ended=some_ended)
    with _interrupts() as interrupts:
        left = len(runs)
        while left:
            for run, finished in dispatcher.next_finished(look):
                on_finished(run, finished, sum(bool(one.runs) for one in dispatcher.running.values()))
                left -= 1
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


Ended = tuple[Run, FinishedRun]


@dataclass
class Assignment:
    """Runs that a worker was given: which, since when, and when it was last seen to have them.

    None are left of those that another worker ended first: this one is busy with them, and gets no others until then.
    """

    runs: tuple[Run, ...]
    worker: str
    nanny: str | None
    began: float
    seen: float


class Dispatcher:
    """Keeps each worker at the runs that it trains together, mostly one: a worker's death is the fault of its runs.

    Those whose worker went away are tried again one by one, so that the fault is that of one.
    """

    def __init__(self, workers: StudyWorkers, queue: Queue, shared_inputs: dict[str, Any], *, some_ended: bool) -> None:
        self.workers, self.queue, self.some_ended = workers, queue, some_ended
        self.study = run_store.key(shared_inputs)
        self.running: dict[Future[list[FinishedRun]], Assignment] = {}
        self.again: list[Run] = []  # whose worker went away
        self.later: list[Run] = []  # more than once: after all others
        self.losses = Losses(workers.left_in_order, here=not workers.elsewhere)
        self.looked = float("-inf")

    def next_finished(self, look: Callable[[Callable[[], AtWork]], None]) -> list[Ended]:
        """Wait for runs to end, and return each with its outcome; one whose worker went away is tried again."""
        while True:
            if monotonic() - self.looked > SECONDS_BETWEEN_LOOKS:
                self._look()
            self.losses.look(self.workers.nannies)
            if failed := self._deadly():
                return failed
            self._fill()
            look(self.at_work)
            with suppress(Empty):
                future = self.workers.ended.get(timeout=SECONDS_BETWEEN_LOOKS)
                self.workers.handle(future)
                if future in self.running:
                    assignment = self.running.pop(future)
                    # First: the worker may die of its next run.
                    ended = self._outcome(future, assignment) if assignment.runs else []
                    if ended:
                        self._end_copies(assignment.runs)
                        self._fill()  # it goes on while the result is kept
                        return ended

    def at_work(self) -> AtWork:
        """Return the runs that each worker has."""
        busy = {assignment.worker: assignment.runs for assignment in self.running.values()}
        return dict.fromkeys(self.workers.ready, ()) | busy

    def _fill(self) -> None:
        """Give a run to each worker that has none."""
        busy = {assignment.worker for assignment in self.running.values()}
        slow = {assignment.worker for assignment in self.running.values() if not assignment.runs}
        ready = tuple(worker for worker in self.workers.ready if worker not in slow)
        for worker in ready:
            if worker not in busy:
                runs = self._next_runs(worker, ready)
                if runs:
                    self._start(runs, worker)

    def _next_runs(self, worker: str, ready: tuple[str, ...]) -> tuple[Run, ...]:
        if self.again:
            return (self.again.pop(),)
        return self.queue.take(worker, ready) or ((self.later.pop(0),) if self.later else self._late())

    def _late(self) -> tuple[Run, ...]:
        """Return runs that take too long where they are, and of which there is no copy: their worker may be slow."""
        runs = [assignment.runs for assignment in self.running.values()]
        for one in self.running.values() if self.workers.elsewhere else ():
            if not one.runs or runs.count(one.runs) > 1:
                continue
            should_take = self.queue.seconds(one.runs[0]) + self.queue.compile_seconds()
            if monotonic() - one.began > max(LATE * should_take, SECONDS_LATE):
                return one.runs
        return ()

    def _end_copies(self, runs: tuple[Run, ...]) -> None:
        """Forget what else trains runs that have ended: they would have the same bits."""
        for other in self.running.values():
            if other.runs == runs:
                other.runs = ()

    def _look(self) -> None:
        """See which workers there are, and what they have. Raises UserError as StudyWorkers.look does."""
        processing = self.workers.look()
        self.looked = monotonic()
        self.workers.show_waiting(len(self.queue) + len(self.again) + len(self.later))
        held = {key for keys in processing.values() for key in keys}
        for future, assignment in list(self.running.items()):
            if future.key in held or future.done():
                assignment.seen = self.looked
            elif assignment.worker not in processing or self.looked - assignment.seen > SECONDS_LOST:
                future.cancel()  # which ends it

    def _start(self, runs: tuple[Run, ...], worker: str) -> None:
        future = self.workers.submit(worker, train_runs, runs, self.study)
        now = monotonic()
        self.running[future] = Assignment(runs, worker, self.workers.members[worker].nanny, now, now)

    def _outcome(self, future: Future[list[FinishedRun]], assignment: Assignment) -> list[Ended]:
        """Return what became of runs that have ended; nothing if they are to be tried again.

        Raises UserError if no worker could train them.
        """
        try:
            finished = future.result(timeout=SECONDS_TO_ANSWER)
            self.some_ended = True
            return list(zip(assignment.runs, finished, strict=True))
        except UserError:
            raise
        except NotTakenUp:
            self.workers.forget(assignment.worker)
            self._try_again(assignment.runs)
        except Exception as error:
            if not was_lost(future, error):
                return self._all_failed(assignment.runs, plugin_errors.sentence(error))
            self._worker_lost(assignment, died=isinstance(error, KilledWorker))
        return []

    def _worker_lost(self, assignment: Assignment, *, died: bool) -> None:
        """Try runs again whose worker went away, or is still there and has not got them."""
        runs = assignment.runs
        self._look()
        if died or assignment.worker not in self.workers.members:
            for run in runs:
                self.losses.add(Loss(run, assignment.worker, assignment.nanny, alone=len(runs) == 1))
            self.losses.look(self.workers.nannies)
            if not any(map(self.losses.are_too_many, runs)):
                told = "died" if died and not self.workers.elsewhere else "went away"
                which = f"{runs[0].name} {told}; the run is tried again"
                if len(runs) > 1:
                    which = f"{len(runs)} runs of m = {runs[0].effective_batch_size} {told}; they are tried one by one"
                note(f"the worker that had {which}")
        self._try_again(runs)

    def _try_again(self, runs: tuple[Run, ...]) -> None:
        for run in reversed(runs):
            if all(run not in assignment.runs for assignment in self.running.values()):
                first = self.losses.losses[run] <= 1 or not self.workers.elsewhere
                (self.again if first else self.later).append(run)

    def _deadly(self) -> list[Ended]:
        """Return a run that waits and was the death of too many workers, as one that failed.

        Raises UserError if that is the machine's fault, or if its workers were taken away too often to tell.
        """
        for waiting in (self.again, self.later):
            for run in waiting:
                if self.losses.are_too_many(run):
                    self._check_machine()
                    waiting.remove(run)
                    return self._all_failed((run,), f"its worker died {self.losses.deaths[run]} times")
                if self.losses.losses[run] > LOSSES_ALLOWED:
                    raise UserError(
                        f"{LOSSES_ALLOWED + 1} workers went away while they had {run.name}, and did not come back: see "
                        "whether their machines are taken away, or it takes more memory than a job or pod may have"
                    )
        return []

    def _check_machine(self) -> None:
        """Raise UserError if workers die of whatever they train."""
        deadly = sum(map(self.losses.are_too_many, self.losses.deaths))
        if not self.some_ended and deadly > RUNS_ALLOWED:
            raise UserError(
                f"the workers died with each run that they had, {self.losses.deaths.total()} times, and no run ended; "
                "see whether the machine has the memory, or set BATCHWISE_WORKERS to fewer"
            )

    def _all_failed(self, runs: tuple[Run, ...], message: str) -> list[Ended]:
        result = run_result.without_evaluations("failed", message)
        return [(run, FinishedRun("failed", run_result.dump(result, run.facts))) for run in runs]
