"""What a worker does: it takes up a study, and trains runs of it, as many at a time as its engine does."""

import gc
import logging
import os
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import psutil
from distributed import WorkerPlugin, get_worker

from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.data import received
from batchwise.data.loading import StudyData
from batchwise.data.received import FileList, Piece
from batchwise.execution import run_store
from batchwise.runtime import engine
from batchwise.training import run_result

if TYPE_CHECKING:
    from batchwise.training.trainer import Trainer

PLUGIN = "batchwise"


@dataclass(frozen=True)
class FinishedRun:
    """What became of a run: the bytes of its file, and for how long its worker trained it, with others if it did.

    `timed`: these seconds are to be kept. Of runs that were trained together they are told once, and of none that ended
    early.
    """

    status: run_result.Status
    content: bytes
    compiled: bool = False
    seconds: float = 0.0
    timed: bool = True


class NotTakenUp(Exception):
    """The worker was started anew, or has taken up another study, since it took up this one."""


class StudyPlugin(WorkerPlugin):
    """What all runs of a study share, on a worker."""

    name = PLUGIN

    def __init__(self, data: StudyData, shared_inputs: dict[str, Any]) -> None:
        self.data, self.shared_inputs = data, shared_inputs
        self.trainer: Trainer | None = None

    def load_trainer(self) -> "Trainer":
        """Return the worker's trainer, made at the first call; the inputs are read here, and kept on the device alone.

        Raises UserError if the model cannot be built or trained, or if this worker lacks the data.
        """
        if self.trainer is None:
            from batchwise.training import trainers  # only workers import an engine

            logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that each m is a program of its own
            study, start = self.data.study, self.data.start()
            self.trainer = trainers.load(self.data.load(), study.recipe, study.metric, start)
            from batchwise.training import model_trial

            model_trial.check(self.trainer)
            self.trainer.compile_evaluation()  # before any run, whose time would tell too much of the others'
            gc.freeze()  # all of this stays: to look through it for garbage would take a twentieth of a run's time
        return self.trainer


@dataclass(frozen=True)
class Answer:
    """What a worker says that was given a study: nothing, if it has taken it up."""

    differs: tuple[str, ...] = ()  # by what it would give other bits
    missing: tuple[tuple[FileList, dict[str, int]], ...] = ()  # what it lacks, as FileList.missing
    restarts: bool = False  # it has begun to: its process computes with the other engine
    nanny: str | None = None  # what starts its process again if it dies


def take_up(data: StudyData, files: tuple[FileList, ...], shared_inputs: dict[str, Any]) -> Answer:
    """On a worker: take up a study, or say what stands against it.

    `files` are those of the study where they may have to be sent. Raises UserError if the process computes with the
    other engine and nothing starts it again, or if this machine lacks the engine.
    """
    try:
        engine.use(data.study.recipe.engine)
    except UserError:
        if get_worker().nanny is None:
            raise
        _start_again()
        return Answer(restarts=True)
    here = run_store.inputs_of_study(data)
    if here != shared_inputs:
        return Answer(differs=tuple(run_store.changes(shared_inputs, here)) or ("what decides a run",))
    found = data.found(files)
    if found is None:
        return Answer(missing=tuple((of, of.missing()) for of in files if not of.found()))
    get_worker().plugins[PLUGIN] = StudyPlugin(found, shared_inputs)
    return Answer(nanny=nanny())


def nanny() -> str | None:
    """Return the address of what starts this process again, and its process: another may get its port later."""
    address, process = get_worker().nanny, psutil.Process(os.getppid())
    return f"{address} of process {process.pid} since {process.create_time()}" if address else None


def _start_again() -> None:
    """Let this process end, and be started again by the one that started it."""
    worker = get_worker()
    worker.loop.add_callback(worker.close_gracefully, restart=True, reason="a study of the other engine")


def receive(piece: Piece) -> str | None:
    """On a worker: write a piece of a file that it lacks. Return why it cannot, where the disk is full say."""
    try:
        received.receive(piece)
    except OSError as error:  # another one tells that the worker is lost
        return f"{error.filename} cannot be written ({error.strerror})"
    return None


def train_runs(runs: tuple[Run, ...], study: str) -> list[FinishedRun]:
    """On a worker: train runs, of one batch size, of the study whose shared inputs have this key.

    Raises NotTakenUp, and UserError as load_trainer does.
    """
    plugin = get_worker().plugins.get(PLUGIN)
    if not isinstance(plugin, StudyPlugin) or run_store.key(plugin.shared_inputs) != study:
        raise NotTakenUp(study)
    trainer = plugin.load_trainer()
    start, compilations = perf_counter(), trainer.compilations
    results = trainer.train(runs)
    seconds, compiled = perf_counter() - start, trainer.compilations > compilations
    whole = next((run for run, result in zip(runs, results, strict=True) if result.status == "ok"), None)
    return [
        FinishedRun(result.status, run_result.dump(result, run.facts), compiled, seconds, timed=run == whole)
        for run, result in zip(runs, results, strict=True)
    ]
