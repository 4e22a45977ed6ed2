"""Short runs of a study, by which its learning rates are suggested: kept in the store, or trained in this process.

How short they are is a matter of what a run computes, never of the clock: the same runs are trained everywhere.
"""

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from batchwise.common.errors import UserError
from batchwise.config import grid, phases
from batchwise.config.grid import Run
from batchwise.config.recipe import Budget, Recipe
from batchwise.config.study import Study
from batchwise.data.dataset import DataSet
from batchwise.data.local_files import LocalFile
from batchwise.data.subset import subset
from batchwise.execution import run_store, run_times
from batchwise.execution.run_store import Store
from batchwise.execution.run_times import Work
from batchwise.runtime.engine import use
from batchwise.training import run_result, trainers
from batchwise.training.run_result import RunResult

if TYPE_CHECKING:
    from batchwise.training.run_cost import Cost
    from batchwise.training.trainer import Trainer

LEAST_UPDATES = 20  # fewer tell of a rate little but its first step
LEAST_ROWS = 500  # to evaluate: among fewer, chance decides between two rates
EVALUATION = 0.25  # the part of a run's seconds that an evaluation of all rows may take


class ShortRuns:
    """Runs of seed 0, each of so many seconds at most on a machine that is only thought of (run_cost.py).

    Where a run of the study is as short, it is that run, which the study then need not train.
    """

    def __init__(
        self,
        study: Study,
        data: DataSet,
        seconds: float,
        kept: Store,
        timings: Path,
        weights: LocalFile | None = None,
    ) -> None:
        """`timings` is the file that is told how long each run took, `weights` that from which seeds start.

        This process computes with the engine of the study from then on. Raises UserError if it does with the other.
        """
        use(study.recipe.engine)
        self.weights = weights
        self.study, self.seconds, self.kept, self.timings = study, seconds, kept, timings
        self.whole, self.rows, self.trained = data, data.rows["train"], 0
        self.trainers: dict[Budget, Trainer] = {}

    def results(self, batch_size: int, base_learning_rates: Sequence[float]) -> list[RunResult]:
        """Return the results of runs at an effective batch size, which are trained together as those of a study are.

        Raises UserError if the model cannot be trained, or has no memory.
        """
        recipe, scaling = self.recipe(batch_size), self.study.learning_rate_scaling
        runs = [Run(batch_size, phases.scaled(rate, batch_size, scaling), seed=0) for rate in base_learning_rates]
        task = self.data.description.task
        inputs = run_store.inputs(recipe, task, self.data.sha256, self.study.metric, self.weights)
        keys = run_store.keys(runs, inputs)
        found = {run: content for run, key in keys.items() if (content := self.kept.get(key))}
        missing = [run for run in runs if run not in found]
        for first in range(0, len(missing), recipe.runs_at_once):
            found |= self._train(missing[first : first + recipe.runs_at_once], recipe, keys)
        return [run_result.load(found[run], with_weights=False)[0] for run in runs]

    def budget(self, batch_size: int) -> Budget:
        """Return how long a run trains: as the study does, or as much of that as there are seconds for."""
        full, rows = grid.updates(self.study, self.rows, batch_size), self.data.rows
        seconds = self.cost.of_update(batch_size, evaluated=sum(rows.values()) / rows["train"])
        updates = min(full, max(LEAST_UPDATES, int(self.seconds / seconds)))
        if updates == full and self.data is self.whole:
            return self.study.budget
        epochs = updates // phases.updates_per_epoch(rows["train"], batch_size)
        return Budget(epochs=epochs) if epochs else Budget(updates=updates)

    def recipe(self, batch_size: int) -> Recipe:
        """Return how a run trains: as the study does, but for as long as `budget` says."""
        return self.study.recipe.model_copy(update={"budget": self.budget(batch_size)})

    def share(self, batch_size: int) -> float:
        """Return which part of the updates of the study's runs these make."""
        updates = grid.updates(self.recipe(batch_size), self.data.rows["train"], batch_size)
        return updates / grid.updates(self.study, self.rows, batch_size)

    @cached_property
    def cost(self) -> "Cost":
        """What the model computes."""
        from batchwise.training import run_cost  # which imports the engine, for seconds

        return run_cost.of_model(self.study.recipe, self.whole)

    @cached_property
    def data(self) -> DataSet:
        """The data, or so many rows of them that an evaluation takes a part of a run's seconds only."""
        rows = self.whole.rows
        share = EVALUATION * self.seconds / max(self.cost.evaluated_row * sum(rows.values()), 1e-12)
        if share >= 1:
            return self.whole
        least = max(LEAST_ROWS, self.whole.strata)
        largest = max(grid.effective_batch_size(m, self.rows) for m in self.study.grid.batch_sizes)
        part = {name: min(amount, max(least, round(share * amount))) for name, amount in rows.items()}
        part["train"] = max(part["train"], largest)  # m would be another
        return subset(self.whole, **{f"{name}_rows": amount for name, amount in part.items()}, seed=0)

    def _train(self, runs: list[Run], recipe: Recipe, keys: dict[Run, str]) -> dict[Run, bytes]:
        """Return what is kept of runs that are trained together."""
        trainer, m = self._trainer(recipe), runs[0].effective_batch_size
        start, compilations = perf_counter(), trainer.compilations
        results = trainer.train(runs)
        seconds = perf_counter() - start
        if any(result.status == "out_of_memory" for result in results):
            raise _no_memory(f"batch size {m}")
        found = {run: run_result.dump(result, run.facts) for run, result in zip(runs, results, strict=True)}
        for run, content in found.items():
            self.kept.put(keys[run], content)
        self.trained += len(found)
        if any(result.status == "ok" for result in results):  # runs that diverge stop early
            rows = self.data.rows["train"]
            updates, compiled = grid.updates(recipe, rows, m), int(trainer.compilations > compilations)
            examples = rows * recipe.budget.epochs if recipe.budget.epochs else updates * m
            run_times.append(self.timings, Work(updates, examples, compiled), seconds)
        return found

    def _trainer(self, recipe: Recipe) -> "Trainer":
        """Return the trainer of a budget, made at the first call; the first of all looks at the model."""
        if recipe.budget not in self.trainers:
            logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that each m is a program of its own
            from batchwise.runtime.keras import MAY_BE_OUT_OF_MEMORY, is_out_of_memory
            from batchwise.training import model_trial

            try:
                trainer = trainers.load(
                    self.data, recipe, self.study.metric, self.weights.path if self.weights else None
                )
                if not self.trainers:
                    model_trial.check(trainer)
                trainer.compile_evaluation()
            except MAY_BE_OUT_OF_MEMORY as error:
                if not is_out_of_memory(error):
                    raise
                raise _no_memory("the data and the model") from None
            self.trainers[recipe.budget] = trainer
        return self.trainers[recipe.budget]


def _no_memory(what: str) -> UserError:
    return UserError(
        f"there is no memory for {what}; choose a smaller batch size or model, or train in parts: `accumulation`"
    )
