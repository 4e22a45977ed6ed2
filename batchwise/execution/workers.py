"""What a worker does: it trains runs of a study, one at a time."""

import gc
import logging
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin, get_worker

from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.data.loading import StudyData
from batchwise.execution import run_store
from batchwise.training import run_result

if TYPE_CHECKING:
    from batchwise.training.trainer import Trainer

PLUGIN = "batchwise"


@dataclass(frozen=True)
class FinishedRun:
    """What became of a run: the bytes of its file, and for how long its worker trained."""

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
        """Return the worker's trainer, made at the first call; the inputs are read here, and kept on the device alone.

        Raises UserError if the model cannot be built or trained, or if this worker lacks the data, or would give other
        bits than the machine that asks.
        """
        if self.trainer is None:
            self._check_inputs()
            from batchwise.training import model_trial  # only workers import TensorFlow
            from batchwise.training.trainer import Trainer

            logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that each m is a program of its own
            self.trainer = Trainer(self.data.load(), self.data.study.recipe, self.data.study.metric, self.data.start())
            model_trial.check(self.trainer)
            self.trainer.compile_evaluation()  # before any run, whose time would tell too much of the others'
            gc.freeze()  # all of this stays: to look through it for garbage would take a twentieth of a run's time
        return self.trainer

    def _check_inputs(self) -> None:
        here = run_store.inputs_of_study(self.data)
        for name, value in self.shared_inputs.items():
            if here.get(name) != value:
                raise UserError(
                    f"worker {get_worker().address} would give other bits: its {name} is {here.get(name)}, where `dvc "
                    f"repro` runs it is {value}; use workers with the same files, packages and kind of machine"
                )


def train_run(run: Run) -> FinishedRun:
    """On a worker: train a run. Raises UserError as load_trainer does."""
    plugin = get_worker().plugins[PLUGIN]
    assert isinstance(plugin, StudyPlugin)
    trainer = plugin.load_trainer()
    start, compilations = perf_counter(), trainer.compilations
    result = trainer.run(run.effective_batch_size, run.learning_rate, run.seed, run.branch or None)
    content = run_result.dump(result, run.facts)
    return FinishedRun(result.status, content, trainer.compilations > compilations, perf_counter() - start)
