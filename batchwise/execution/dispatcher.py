"""The runs of a study on a pool of workers: each has one at a time, and whatever dies, the end comes."""

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Any

from dask.system import CPU_COUNT
from distributed import CancelledError, Client, Future, KilledWorker

from batchwise.common import plugin_errors
from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution.pool import number_of_workers, replace_lost_workers
from batchwise.execution.run_queue import Queue
from batchwise.execution.workers import FinishedRun, StudyPlugin, train_run
from batchwise.training import run_result

DEATHS_ALLOWED = 2  # of workers that had a run: it is tried again
RUNS_ALLOWED = 1  # whose workers all died while no other run ended: of more it is the machine's fault, and no result
SECONDS_BETWEEN_LOOKS = 1
SECONDS_TO_ANSWER = 30
SECONDS_LOST = 10  # for which no worker has a run: its worker died before it got it
SECONDS_WITHOUT_WORKERS = 300  # a dead one is replaced by then, also on a busy machine


def take_up(client: Client, data: StudyData, shared_inputs: dict[str, Any]) -> None:
    """Give all workers what the runs of a study share. Raises UserError if they cannot take it."""
    try:
        client.register_plugin(StudyPlugin(data, shared_inputs))
    except Exception as error:  # Dask raises no other
        raise UserError(
            f"the scheduler or a worker cannot take up the study ({plugin_errors.sentence(error)}); start them in this "
            "folder, with PYTHONPATH=. and the same packages"
        ) from None


def train(
    client: Client,
    shared_inputs: dict[str, Any],
    runs: list[Run],
    seconds: Callable[[Run], float],
    compile_seconds: Callable[[], float],
    on_finished: Callable[[Run, FinishedRun, int], None],
    *,
    some_ended: bool,
) -> None:
    """Train all runs and hand each to `on_finished`, with the number still running, as soon as it ends.

    The workers have taken up the study of the runs, whose inputs are `shared_inputs`. `seconds` and `compile_seconds`
    are those of the Queue; `some_ended` is whether other runs of the study ended before. Raises UserError as
    StudyPlugin.load_trainer does, if no worker or no scheduler is left, or if all workers die.
    """
    all_begin = not some_ended and number_of_workers() <= CPU_COUNT
    queue = Queue(runs, seconds, compile_seconds, all_begin=all_begin)
    dispatcher = Dispatcher(client, queue, shared_inputs, some_ended=some_ended)
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
    """A run that a worker was given, and when it was last seen to have it."""

    run: Run
    worker: str
    seen: float


class Dispatcher:
    """Keeps each worker at one run, so that a worker's death is the fault of the run that it had."""

    def __init__(self, client: Client, queue: Queue, shared_inputs: dict[str, Any], *, some_ended: bool) -> None:
        self.client, self.queue, self.shared_inputs, self.some_ended = client, queue, shared_inputs, some_ended
        self.running: dict[Future[FinishedRun], Assignment] = {}
        self.ended: SimpleQueue[Future[FinishedRun]] = SimpleQueue()
        self.again: list[Run] = []  # whose worker died
        self.deaths: Counter[Run] = Counter()
        self.workers: tuple[str, ...] = ()
        self.looked, self.last_worker = float("-inf"), monotonic()

    def next_finished(self) -> tuple[Run, FinishedRun]:
        """Wait for a run to end, and return it with its outcome; one whose worker died is tried again."""
        while True:
            self._fill()
            with suppress(Empty):
                future = self.ended.get(timeout=SECONDS_BETWEEN_LOOKS)
                if future in self.running:
                    run = self.running.pop(future).run
                    outcome = self._outcome(future, run)  # first: the worker may die of its next run
                    self._fill()  # it goes on while the result is kept
                    if outcome:
                        return run, outcome

    def _fill(self) -> None:
        """Give a run to each worker that has none."""
        if monotonic() - self.looked > SECONDS_BETWEEN_LOOKS:
            self._look()
        busy = {assignment.worker for assignment in self.running.values()}
        for worker in self.workers:
            if worker not in busy:
                run = self.again.pop() if self.again else self.queue.take(worker, self.workers)
                if run:
                    self._start(run, worker)

    def _look(self) -> None:
        """See which workers there are, and what they have. Raises UserError if none is left, or no scheduler."""
        processing = self._processing()
        self.workers, self.looked = tuple(processing), monotonic()
        replace_lost_workers(self.client)
        if self.workers:
            self.last_worker = self.looked
        elif self.looked - self.last_worker > SECONDS_WITHOUT_WORKERS:
            raise UserError(f"no worker is left, and none came within {SECONDS_WITHOUT_WORKERS} s")
        held = {key for keys in processing.values() for key in keys}
        for future, assignment in list(self.running.items()):
            if future.key in held or future.done():
                assignment.seen = self.looked
            elif self.looked - assignment.seen > SECONDS_LOST:
                future.cancel()  # which ends it

    def _processing(self) -> dict[str, list[str]]:
        """Return {worker: the tasks that it has}."""
        scheduler = self.client.scheduler
        if scheduler is None:
            raise UserError("the Dask scheduler no longer answers (the client has lost it)")
        try:
            return self.client.sync(scheduler.processing, workers=None, callback_timeout=SECONDS_TO_ANSWER)
        except (OSError, TimeoutError) as error:
            raise UserError(f"the Dask scheduler no longer answers ({error})") from None

    def _start(self, run: Run, worker: str) -> None:
        future = self.client.submit(train_run, run, workers=[worker], pure=False)
        self.running[future] = Assignment(run, worker, monotonic())
        future.add_done_callback(self.ended.put)

    def _outcome(self, future: Future[FinishedRun], run: Run) -> FinishedRun | None:
        """Return what became of a run that has ended; None if its worker died, and it is to be tried again.

        Raises UserError if no worker could train it.
        """
        try:
            finished = future.result(timeout=SECONDS_TO_ANSWER)
            self.some_ended = True
            return finished
        except UserError:
            raise
        except (KilledWorker, TimeoutError, CancelledError, OSError):  # or it died with the result
            return self._worker_died(run)
        except Exception as error:
            return self._failed(run, plugin_errors.sentence(error))

    def _worker_died(self, run: Run) -> FinishedRun | None:
        self.deaths[run] += 1
        self.looked = float("-inf")
        if self.deaths[run] > DEATHS_ALLOWED:
            if not self.some_ended and sum(number > DEATHS_ALLOWED for number in self.deaths.values()) > RUNS_ALLOWED:
                raise UserError(
                    f"the workers died with each run that they had, {self.deaths.total()} times, and no run ended; see "
                    "whether the machine has the memory, or set BATCHWISE_WORKERS to fewer"
                )
            return self._failed(run, f"its worker died {self.deaths[run]} times")
        print(f"the worker that had {run.name} died; the run is tried again", file=sys.stderr, flush=True)
        self.again.append(run)
        return None

    def _failed(self, run: Run, message: str) -> FinishedRun:
        result = run_result.without_evaluations("failed", message)
        return FinishedRun("failed", run_result.dump(result, run.facts))
