"""Studies with made-up runs, for the tests of what comes after training."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from batchwise.analysis import run_metrics
from batchwise.analysis.evaluate import evaluate
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.config import grid, params, phases
from batchwise.config.grid import Run
from batchwise.config.study import LAST_EPOCHS, Study
from batchwise.data import loading, task
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.data.task import Scale
from batchwise.execution.run_folder import RunFolder
from batchwise.training import run_result
from batchwise.training.run_files import RunFile
from batchwise.training.run_result import RunResult


def metrics_of(manifest: dict[str, Any]) -> tuple[Metric, ...]:
    """Return accuracy and loss on training rows of which a manifest has the class counts."""
    labels = np.repeat(np.arange(len(counts := manifest["class_counts"]["train"])), counts)
    return tuple(metric.on(labels, Scale(), "") for metric in task.load(manifest["task"]).metrics[:2])


ROWS = {"train": 40, "validation": 1000, "test": 2000}  # so many that two cells are seldom equal
MANIFEST = {
    "task": "binary_classification",
    "labels": "classes",
    "rows": ROWS,
    "class_counts": {"train": [24, 16], "validation": [600, 400], "test": [1200, 800]},
    "sha256": "d" * 64,
}
UNVALIDATED = {
    **MANIFEST,
    "rows": {**ROWS, "validation": 0},
    "class_counts": {**MANIFEST["class_counts"], "validation": [0, 0]},
}
METRICS = metrics_of(MANIFEST)
ACCURACY, LOSS = METRICS
MANIFEST["metrics"] = UNVALIDATED["metrics"] = [asdict(metric) for metric in METRICS]
STATISTICS = st.sampled_from([*LAST_EPOCHS])
ENVIRONMENT = {"tensorflow": "2.21.0", "device": "cpu"}


def study(
    batch_sizes: list[int],
    rates: list[float],
    seeds: int = 3,
    budget: dict[str, int] | None = None,
    scaling: str = "linear",
    **more: Any,
) -> Study:
    """Return a checked study on a data set of 40 training rows."""
    content = {
        "data_sets": {"digits": {"test_rows": 20, "validation_rows": 20, "seed": 0}},
        "studies": {
            "made_up": {
                "data_set": "digits",
                "model": {"name": "mlp", "hidden_units": [2]},
                "optimizer": {"name": "sgd"},
                "budget": budget or {"epochs": 7},
                "learning_rate_scaling": scaling,
                "grid": {"batch_sizes": batch_sizes, "base_learning_rates": rates, "seeds": seeds},
                **more,
            }
        },
    }
    return params.check(content).studies["made_up"]


def random_result(run: Run, made: Study, manifest: dict[str, Any] = MANIFEST, salt: int = 0) -> RunResult:
    """Return a run that ended ok, with numbers that depend on the run and `salt`."""
    cell = run.effective_batch_size, int(run.learning_rate * 2**30)
    generator = np.random.default_rng([*run.branch[:3], *cell, run.seed, salt])
    rows = np.array([manifest["rows"][split] for split in SPLITS])
    evaluations = 1 + phases.of_run(made, rows[0], run.effective_batch_size, run.branch or None)[-1].end_epoch
    correct = generator.integers(np.minimum(rows * 3 // 4, rows), rows + 1, (evaluations, 3))
    loss = np.where(rows > 0, generator.uniform(0.1, 2, (evaluations, 3)), np.nan)
    recall = {"recall": generator.uniform(0.5, 1, (3, len(manifest["class_counts"]["test"])))}
    weights = {"dense": np.ones(3, "float32")}
    by_row = {"accuracy": generator.permutation(rows[2]) < correct[-1, 2]}
    return RunResult("ok", metrics(loss, correct, manifest), weights, 12, xla=True, by_class=recall, by_row=by_row)


def constant_result(made: Study, run: Run, accuracy: float, loss: float = 1.0) -> RunResult:
    """Return a run that ended ok with the same accuracy and loss at every epoch and on every part."""
    rows = np.array(list(ROWS.values()))
    evaluations = 1 + grid.epochs(made.budget, ROWS["train"], run.effective_batch_size)
    correct = np.tile(np.round(accuracy * rows), (evaluations, 1))
    return RunResult("ok", metrics(np.full((evaluations, 3), loss), correct), {}, 12)


def metrics(loss: np.ndarray, correct: np.ndarray, manifest: dict[str, Any] = MANIFEST) -> dict[str, np.ndarray]:
    """Return the metrics of a classification, from the loss and the correct rows of each part, [1 + epochs, 3] each."""
    rows = [rows or np.nan for rows in manifest["rows"].values()]
    return {"accuracy": correct / rows, "loss": loss.astype("float32")}


def diverged(result: RunResult, epoch: int) -> RunResult:
    """Return the run as if its loss had become infinite after `epoch`."""
    until = {name: values[: epoch + 1].copy() for name, values in result.metrics.items()}
    until["loss"][-1] = np.inf
    return RunResult("diverged", until, {}, result.parameters, epoch, result.xla)


def shared_inputs(made: Study, manifest: dict[str, Any] = MANIFEST, **changes: Any) -> dict[str, Any]:
    """Return what decided all made-up runs of a study."""
    of_study = {"data": manifest["sha256"], "recipe": made.recipe.model_dump()}
    return {**of_study, "code": {"engine.py": "c" * 64}, "environment": ENVIRONMENT, **changes}


def write_runs(
    folder: Path, made: Study, result: Callable[[Run], RunResult], manifest: dict[str, Any] = MANIFEST
) -> None:
    """Write the run files of a study."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = RunFolder(folder, shared_inputs(made, manifest))
    for run in grid.all_runs(made, manifest["rows"]["train"]):
        runs.add(run, run_result.dump(result(run), run.facts))
    runs.write()


def by_run(
    made: Study, result: Callable[[Run], RunResult], manifest: dict[str, Any] = MANIFEST
) -> dict[Run, RunMetrics]:
    """Return what run_metrics.read() does of the files of write_runs(), but for their checksums, without the files."""

    def read_all(_folder: Path, _name: str, runs: list[Run], given: dict[str, Any], **_how: Any) -> Iterator[Any]:
        shared = shared_inputs(made, manifest, **given)
        return ((run, RunFile(result(run), run.facts, shared, run.name)) for run in runs)

    with mock.patch.object(run_metrics.run_files, "read_all", read_all):
        return run_metrics.read(Path(), "made_up", made, manifest)


def files(made: Study, result: Callable[[Run], RunResult], manifest: dict[str, Any] = MANIFEST) -> dict[str, bytes]:
    """Return the files of the tables of a study whose runs gave `result`."""
    with TemporaryDirectory() as folder:
        write_runs(Path(folder), made, result, manifest)
        by_run = run_metrics.read(Path(folder), "made_up", made, manifest)
        branches = grid.branch_runs(made, manifest["rows"]["train"])
        branched = run_metrics.read(Path(folder), "made_up", made, manifest, runs=branches)
        return evaluate("made_up", made, manifest, loading.metrics(made, manifest), by_run, branched=branched)


def tables(made: Study, result: Callable[[Run], RunResult], manifest: dict[str, Any] = MANIFEST) -> dict[str, Any]:
    """Return {stem of the file: its table, or its content for JSON}."""
    return parse(files(made, result, manifest))


def parse(written: dict[str, bytes]) -> dict[str, Any]:
    """Read what evaluate() wrote."""
    return {
        name.partition(".")[0]: json.loads(content) if name.endswith(".json") else pd.read_csv(io.BytesIO(content))
        for name, content in written.items()
    }
