"""Stage train with simulated training: a millisecond a run, in this process; all else is as it is.

`python -m benchmarks.simulated_training <study>`, in the folder of a project. It says when the first run was begun.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from batchwise.common.repository import STORE
from batchwise.config import grid, params
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data import loading
from batchwise.execution import dispatcher, stage_times, study_runs
from batchwise.execution.run_store import Store
from batchwise.execution.workers import FinishedRun
from batchwise.training import run_result
from batchwise.training.run_result import RunResult

SECONDS = 0.001
ROWS = np.array([1200, 300, 297])
WEIGHTS = {"000_kernel": (64, 32), "001_bias": (32,), "002_kernel": (32, 10), "003_bias": (10,)}  # of digits_mlp


def result(run: Run, epochs: int) -> RunResult:
    """Return a result as one sees them: best at η = 0.1, diverged above 2, with noise from seed to seed."""
    random = np.random.default_rng([run.effective_batch_size, int(run.learning_rate * 2**30), run.seed])
    octaves = np.log2(run.learning_rate / 0.1)
    error = 0.04 + 0.002 * octaves**2 + random.normal(0, 0.005, 3)  # [3]
    curve = error + np.exp(-np.arange(1 + epochs) / 5)[:, None] * (0.9 - error)  # [1 + epochs, 3]
    accuracy = np.round((1 - curve).clip(0, 1) * ROWS) / ROWS
    metrics = dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1"), accuracy)
    metrics["loss"] = (3 * curve).astype("float32")
    if run.learning_rate > 2:
        last = min(3, epochs)
        metrics["loss"][last] = np.nan
        metrics = {name: values[: last + 1] for name, values in metrics.items()}
        return RunResult("diverged", metrics, {}, 2410, diverged_epoch=last, xla=True)
    weights = {name: random.normal(size=shape).astype("float32") for name, shape in WEIGHTS.items()}
    right = np.arange(ROWS[2]) < round(accuracy[-1, 2] * ROWS[2])
    by_row = {"accuracy": right, "loss": np.where(right, 0.1, 2).astype("float32")}
    return RunResult("ok", metrics, weights, 2410, xla=True, by_class={"recall": np.full((3, 10), 0.9)}, by_row=by_row)


def simulate(study: Study, rows: int, runs: list[Run], on_finished: Callable[[Run, FinishedRun, int], None]) -> None:
    """Take the place of dispatcher.train."""
    print(f"begun after {stage_times.seconds_of_process():.2f} s", flush=True)
    for run in runs:
        time.sleep(SECONDS)
        found = result(run, grid.epochs(study.budget, rows, run.effective_batch_size))
        on_finished(run, FinishedRun(found.status, run_result.dump(found, run.facts), seconds=SECONDS), 1)


def main() -> None:
    """Train a study of params.yaml."""
    name, all_params = sys.argv[1], params.load()
    study = all_params.studies[name]
    data = loading.locate(Path("data/prepared"), name, study)

    def train(
        _workers: Any, _inputs: Any, runs: list[Run], _seconds: Any, _compile: Any, on_finished: Any, *_: Any, **__: Any
    ) -> None:
        simulate(study, data.rows["train"], runs, on_finished)

    with (
        mock.patch.object(study_runs, "preload"),
        mock.patch.object(study_runs.StudyRuns, "_workers"),
        mock.patch.object(dispatcher, "train", train),
    ):
        timings = stage_times.runs_file(all_params, name)
        study_runs.train_study(name, data, Path("data/runs"), Store(STORE), timings, lambda _: None)


if __name__ == "__main__":
    main()
