"""The run files of a study, read once and stacked: what every table is made of."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.data import loading
from batchwise.data.dataset import SPLITS
from batchwise.training import run_result

# Masters & Luschi 2018, section 5: the median over the last 5 epochs
LAST_EPOCHS = 5
# More points than a figure can show; it bounds the size of the curves for any budget.
CURVE_EPOCHS = 200
COLUMNS_LACK = f"its arrays do not have a column for each of {', '.join(SPLITS)}"


@dataclass(frozen=True)
class RunMetrics:
    """What one run gave: for each metric of the task, values for train, validation and test rows, NaN for none."""

    sha256: str  # of the run's file
    status: run_result.Status
    diverged_epoch: int | None
    epochs: int  # epochs that were trained, with the bad one
    parameters: int  # trainable weights of the network
    median: dict[str, np.ndarray]  # {metric: [3]}, over the last 5 epochs, never of epoch 0; NaN if the run is not ok
    final: dict[str, np.ndarray]  # {metric: [3]}, at the final weights; NaN if the run is not ok
    curve_epochs: np.ndarray  # [points], at most 200, from 0 to the last
    curve: dict[str, np.ndarray]  # {metric: [points, 3] float32}: for figures
    xla: bool | None  # whether XLA compiled the programs; None if the run ended before its first evaluation
    code: str  # canonical JSON of {file: sha256}
    environment: str  # canonical JSON


def read(folder: Path, name: str, study: Study, manifest: dict[str, Any]) -> dict[Run, RunMetrics]:
    """Return the metrics of each distinct run of the grid, sorted by run; other files of the folder are not looked at.

    Raises UserError, which names the file, if one is missing, damaged or not the run that its name says.
    """
    names = [metric.name for metric in loading.metrics(study, manifest)]
    by_run = {}
    for run in grid.runs(study, manifest["rows"]["train"]):
        path = folder / f"{run.name}.npz"
        try:
            content = path.read_bytes()
            result, inputs = run_result.load(content, with_weights=False)
            values = evaluations(result, names)
            _check(result, values, inputs, run, study, manifest)
            by_run[run] = _run_metrics(content, result, values, inputs)
        except FileNotFoundError:
            raise UserError(f"{path} is missing; run {rerun_command(f'train@{name}')}") from None
        except (ValueError, LookupError, TypeError, RuntimeError) as error:
            raise UserError(f"{path} is damaged ({error}); run {rerun_command(f'train@{name}')}") from None
    return by_run


def evaluations(result: run_result.RunResult, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return {metric: [1 + epochs, 3] float64}, for train, validation and test rows; no row if it was never evaluated.

    Raises KeyError for a metric that the run does not have.
    """
    given = result.metrics or dict.fromkeys(names, np.empty((0, len(SPLITS))))
    return {name: given[name].astype("float64") for name in names}


def canonical(content: Any) -> str:
    """Return JSON that is the same for equal contents."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _check(
    result: run_result.RunResult,
    values: dict[str, np.ndarray],
    inputs: dict[str, Any],
    run: Run,
    study: Study,
    manifest: dict[str, Any],
) -> None:
    trained = Run(inputs["batch_size"], inputs["learning_rate"], inputs["seed"])
    if trained != run:
        raise ValueError(f"it holds the run {trained.name}")
    if inputs["data"] != manifest["sha256"]:
        raise ValueError("it was trained on other data")
    lengths = {len(value) for value in values.values()}
    if len(lengths) > 1 or any(value.shape[1:] != (len(SPLITS),) for value in values.values()):
        raise ValueError(COLUMNS_LACK)
    rows = 1 + grid.epochs(study.budget, manifest["rows"]["train"], run.batch_size)
    if result.status == "ok" and lengths != {rows}:
        raise ValueError(f"it has {lengths.pop()} evaluations where {rows} belong")


def _run_metrics(
    content: bytes, result: run_result.RunResult, values: dict[str, np.ndarray], inputs: dict[str, Any]
) -> RunMetrics:
    evaluated = len(next(iter(values.values())))
    points = _evenly(evaluated)
    ok = result.status == "ok"
    none = dict.fromkeys(values, np.full(len(SPLITS), np.nan))
    return RunMetrics(
        sha256=hashlib.sha256(content).hexdigest(),
        status=result.status,
        diverged_epoch=result.diverged_epoch,
        epochs=max(evaluated - 1, 0),
        parameters=result.parameters,
        median={name: np.median(value[1:][-LAST_EPOCHS:], axis=0) for name, value in values.items()} if ok else none,
        final={name: value[-1] for name, value in values.items()} if ok else none,
        curve_epochs=points,
        curve={name: _float32(value[points]) for name, value in values.items()},
        xla=result.xla if evaluated else None,
        code=canonical(inputs["code"]),
        environment=canonical(inputs["environment"]),
    )


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # the loss of a diverged run; infinite is as good
        return values.astype("float32")


def _evenly(length: int) -> np.ndarray:
    return np.linspace(0, max(length - 1, 0), min(length, CURVE_EPOCHS)).round().astype(int)
