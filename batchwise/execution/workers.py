"""A pool of dask.distributed workers that train runs, one at a time each."""

import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any

import dask
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin, as_completed, get_worker

from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution import run_store
from batchwise.execution.run_queue import Queue
from batchwise.runtime.device import gpu
from batchwise.runtime.forkserver import ignoring_interrupts, start_method
from batchwise.training import run_result

if TYPE_CHECKING:
    from batchwise.training.trainer import Trainer

PLUGIN = "batchwise"
# A run whose worker dies is tried again twice.
DEATHS_ALLOWED = 2
SECONDS_BETWEEN_LOOKS = 1
SECONDS_TO_FETCH = 30


@dataclass(frozen=True)
class FinishedRun:
    """What became of a run: the bytes of its file, and for how long it kept its worker busy."""

    status: run_result.Status
    content: bytes
    compiled: bool = False
    seconds: float = 0.0


class StudyPlugin(WorkerPlugin):
    """Gives every worker, also one that replaces a dead one, what all runs of a study share."""

    name = PLUGIN

    def __init__(self, data: StudyData, shared_inputs: dict[str, Any]) -> None:
        self.data, self.shared_inputs = data, shared_inputs
        self.trainer: Trainer | None = None

    def load_trainer(self) -> "Trainer":
        """Return the worker's trainer, made at the first call; the data are read here, and kept on the device alone."""
        if self.trainer is None:
            from batchwise.training.trainer import Trainer  # only workers import TensorFlow

            self.trainer = Trainer(self.data.load(), self.data.study.recipe)
            self.trainer.compile_evaluation()  # before any run, whose time would tell too much of the others'
        return self.trainer


def _plugin_of_this_worker() -> StudyPlugin:
    plugin = get_worker().plugins[PLUGIN]
    assert isinstance(plugin, StudyPlugin)
    return plugin


def worker_inputs() -> dict[str, Any]:
    """On a worker: build the model, and return the inputs of runs as this worker sees them."""
    plugin = _plugin_of_this_worker()
    plugin.load_trainer()
    return run_store.inputs_of_study(plugin.data)


def train_run(run: Run) -> FinishedRun:
    """On a worker: train a run."""
    plugin = _plugin_of_this_worker()
    trainer = plugin.load_trainer()
    compilations = trainer.compilations
    result = trainer.run(run.effective_batch_size, run.learning_rate, run.seed)
    content = run_result.dump(result, run_store.inputs_of(run, plugin.shared_inputs))
    return FinishedRun(result.status, content, trainer.compilations > compilations)


@contextmanager
def pool() -> Iterator[Client]:
    """Yield a client of the cluster at DASK_SCHEDULER_ADDRESS, or of BATCHWISE_WORKERS new processes on this machine.

    Raises UserError for a number of workers that is not a whole number from 1 up, or a scheduler that does not answer.
    """
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    settings = {
        "distributed.scheduler.allowed-failures": 0,  # told at once; Dask would lose a run when no worker is left
        "distributed.scheduler.work-stealing": False,
        "distributed.worker.daemon": True,
        "distributed.worker.multiprocessing-method": start_method(),
        "distributed.admin.log-format": "%(message)s",
    }
    with dask.config.set(settings):
        try:
            cluster = None if address else _new_cluster()
            client = Client(address or cluster)
        except OSError as error:
            raise UserError(f"no Dask scheduler answers at DASK_SCHEDULER_ADDRESS={address}: {error}") from None
        try:
            yield client
        finally:
            client.close()
            if cluster:
                cluster.close()


def _new_cluster() -> LocalCluster:
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": logging.ERROR}
    with ignoring_interrupts():
        return LocalCluster(number_of_workers(), **options)


def number_of_workers() -> int:
    """Return how many workers a new pool has."""
    given = os.environ.get("BATCHWISE_WORKERS", "")
    if not given:
        # The workers would share a GPU's memory; on a CPU each takes one core.
        return 1 if gpu() else CPU_COUNT
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise UserError(f"BATCHWISE_WORKERS is {given!r}; allowed are whole numbers from 1 up")
    return int(given)


def train(
    client: Client,
    data: StudyData,
    runs: list[Run],
    seconds: Callable[[Run], float],
    compile_seconds: Callable[[], float],
    on_finished: Callable[[Run, FinishedRun, int], None],
) -> None:
    """Train all runs and hand each to `on_finished`, with the number still running, as soon as it ends.

    `seconds` and `compile_seconds` are those of the Queue. Raises UserError if the model cannot be built, or if workers
    lack the data, or would give other bits than this machine.
    """
    shared_inputs = run_store.inputs_of_study(data)
    client.register_plugin(StudyPlugin(data, shared_inputs))
    _check_workers(client, shared_inputs)
    dispatcher = Dispatcher(client, Queue(runs, seconds, compile_seconds), shared_inputs)
    dispatcher.fill()
    with _interrupts() as interrupts:
        while dispatcher.running:
            run, finished = dispatcher.next_finished()
            dispatcher.fill()  # also after a run that failed
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


class Dispatcher:
    """Keeps each worker at one run, so that a worker's death is the fault of the run that it had."""

    def __init__(self, client: Client, queue: Queue, shared_inputs: dict[str, Any]) -> None:
        self.client, self.queue, self.shared_inputs = client, queue, shared_inputs
        self.running: dict[Future[FinishedRun], tuple[str, Run, float]] = {}
        self.deaths: Counter[Run] = Counter()
        self.completed = as_completed()
        self.workers: tuple[str, ...] = ()
        self.asked = float("-inf")

    def fill(self) -> None:
        """Give a run to each worker that has none."""
        if monotonic() - self.asked > SECONDS_BETWEEN_LOOKS:
            self._look()
        for worker in self._idle():
            run = self.queue.take(worker, self.workers)
            if run:
                self._start(run, worker)

    def next_finished(self) -> tuple[Run, FinishedRun]:
        """Wait for a run to end, and return it with its outcome; one whose worker died is tried again."""
        while True:
            future = next(self.completed)
            _, run, start = self.running.pop(future)
            seconds = monotonic() - start
            if future.status == "finished":
                self.fill()  # the worker goes on while its result is fetched and kept
            try:
                outcome = _outcome(future, run, self.shared_inputs, self.deaths[run])
                return run, replace(outcome, seconds=seconds)
            except (KilledWorker, TimeoutError):  # a time-out: the worker died with the result, before it was fetched
                self.deaths[run] += 1
                self._look()
                self._start(run, next(iter(self._idle()), self.workers[0]))

    def _look(self) -> None:
        """See which workers there are: one that died is replaced, under a new address."""
        self.client.wait_for_workers(1)
        self.workers, self.asked = tuple(self.client.nthreads()), monotonic()

    def _idle(self) -> list[str]:
        busy = {worker for worker, _, _ in self.running.values()}
        return [worker for worker in self.workers if worker not in busy]

    def _start(self, run: Run, worker: str) -> None:
        future = self.client.submit(train_run, run, workers=[worker], allow_other_workers=True, pure=False)
        self.running[future] = worker, run, monotonic()
        self.completed.add(future)


def _check_workers(client: Client, shared_inputs: dict[str, Any]) -> None:
    client.wait_for_workers(1)
    workers = list(client.nthreads())
    futures = [client.submit(worker_inputs, workers=[worker], pure=False) for worker in workers]
    for worker, inputs in zip(workers, client.gather(futures), strict=True):
        for name, value in shared_inputs.items():
            if inputs[name] != value:
                raise UserError(
                    f"worker {worker} would give other bits: its {name} is {inputs[name]}, here it is {value}; "
                    "use workers with the same files, packages and kind of machine as here"
                )


def _outcome(future: Future[FinishedRun], run: Run, shared_inputs: dict[str, Any], deaths: int) -> FinishedRun:
    """Return what became of a run that has ended.

    Raises KilledWorker if its worker died and it may be tried again, TimeoutError if its result cannot be fetched.
    """
    error = future.exception(timeout=SECONDS_TO_FETCH)
    if error is None:
        return future.result(timeout=SECONDS_TO_FETCH)
    if isinstance(error, KilledWorker):
        if deaths < DEATHS_ALLOWED:
            raise error
        message = f"its worker died {deaths + 1} times"
    else:
        message = f"{type(error).__name__}: {error}"
    failed = run_result.without_evaluations("failed", message)
    return FinishedRun("failed", run_result.dump(failed, run_store.inputs_of(run, shared_inputs)))
