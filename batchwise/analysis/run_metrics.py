"""The run files of a study, read once and stacked: what every table is made of."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.data.dataset import SPLITS
from batchwise.training import run_result

# The columns of Result.loss, then those of Result.correct
METRICS = tuple(f"{split}_{metric}" for metric in ("loss", "accuracy") for split in SPLITS)
# Masters & Luschi 2018, section 5: the median over the last 5 epochs
LAST_EPOCHS = 5
# More points than a figure can show; it bounds the size of the curves for any budget.
CURVE_EPOCHS = 200


@dataclass(frozen=True)
class Outcome:
    """What one run gave. Metrics have the columns METRICS: losses, then accuracies as fractions; NaN for none."""

    sha256: str  # of the run's file
    status: run_result.Status
    diverged_epoch: int | None
    epochs: int  # epochs that were trained, with the bad one
    parameters: int  # trainable weights of the network
    median: np.ndarray  # [6], over the last 5 epochs, never of epoch 0; NaN if the run is not ok
    final: np.ndarray  # [6], at the final weights; NaN if the run is not ok
    test_correct: int | None  # test rows whose class is predicted by the final weights
    curve_epochs: np.ndarray  # [points], at most 200, from 0 to the last
    curve: np.ndarray  # [points, 6] float32: for figures
    xla: bool | None  # whether XLA compiled the programs; None if the run ended before its first evaluation
    code: str  # canonical JSON of {file: sha256}
    environment: str  # canonical JSON


def read(folder: Path, name: str, study: Study, manifest: dict[str, Any]) -> dict[Run, Outcome]:
    """Return the outcome of each distinct run of the grid, sorted by run; other files in the folder are not looked at.

    Raises UserError, which names the file, if one is missing, damaged or not the run that its name says.
    """
    outcomes = {}
    for run in grid.runs(study, manifest["rows"]["train"]):
        path = folder / f"{run.name}.npz"
        try:
            content = path.read_bytes()
            result, inputs = run_result.load(content, with_weights=False)
            _check(result, inputs, run, study, manifest)
            outcomes[run] = _outcome(content, result, inputs, manifest)
        except FileNotFoundError:
            raise UserError(f"{path} is missing; run {rerun_command(f'train@{name}')}") from None
        except (ValueError, LookupError, TypeError, RuntimeError) as error:
            raise UserError(f"{path} is damaged ({error}); run {rerun_command(f'train@{name}')}") from None
    return outcomes


def canonical(content: Any) -> str:
    """Return JSON that is the same for equal contents."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _check(result: run_result.Result, inputs: dict[str, Any], run: Run, study: Study, manifest: dict[str, Any]) -> None:
    trained = Run(inputs["batch_size"], inputs["learning_rate"], inputs["seed"])
    if trained != run:
        raise ValueError(f"it holds the run {trained.name}")
    if inputs["data"] != manifest["sha256"]:
        raise ValueError("it was trained on other data")
    rows = 1 + grid.epochs(study.budget, manifest["rows"]["train"], run.batch_size)
    if result.loss.shape != result.correct.shape or result.loss.shape[1:] != (len(SPLITS),):
        raise ValueError("its arrays do not have a column for each of train, validation, test")
    if result.status == "ok" and len(result.loss) != rows:
        raise ValueError(f"it has {len(result.loss)} evaluations where {rows} belong")


def _outcome(content: bytes, result: run_result.Result, inputs: dict[str, Any], manifest: dict[str, Any]) -> Outcome:
    rows = np.array([manifest["rows"][split] or np.nan for split in SPLITS])
    values = np.concatenate([result.loss, result.correct / rows], axis=1, dtype="float64")  # [1 + epochs, 6]
    ok = result.status == "ok"
    points = _evenly(len(values))
    return Outcome(
        sha256=hashlib.sha256(content).hexdigest(),
        status=result.status,
        diverged_epoch=result.diverged_epoch,
        epochs=max(len(values) - 1, 0),
        parameters=result.parameters,
        median=np.median(values[1:][-LAST_EPOCHS:], axis=0) if ok else np.full(len(METRICS), np.nan),
        final=values[-1] if ok else np.full(len(METRICS), np.nan),
        test_correct=int(result.correct[-1, SPLITS.index("test")]) if ok else None,
        curve_epochs=points,
        curve=_float32(values[points]),
        xla=result.xla if len(values) else None,
        code=canonical(inputs["code"]),
        environment=canonical(inputs["environment"]),
    )


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # the loss of a diverged run; infinite is as good
        return values.astype("float32")


def _evenly(length: int) -> np.ndarray:
    return np.linspace(0, max(length - 1, 0), min(length, CURVE_EPOCHS)).round().astype(int)
