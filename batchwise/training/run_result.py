"""The result of a run, and the file that holds it: bytes that depend on the result alone."""

import io
import json
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from batchwise.common.damaged_archive import DAMAGES

Status = Literal["ok", "diverged", "out_of_memory", "failed"]
STATUSES: tuple[str, ...] = get_args(Status)


@dataclass(frozen=True)
class Result:
    """What training a run gave.

    `loss` and `correct` have a row for each evaluation, row 0 before the first update and row e after epoch e, and the
    columns train, validation, test; both are of the weights at that time, in inference mode. A run that does not end
    `ok` has the rows so far, the last of them the bad one, and no weights.
    """

    status: Status
    loss: np.ndarray  # [1 + epochs, 3], mean over the rows of a part; NaN for a part without rows
    correct: np.ndarray  # [1 + epochs, 3] int32, rows whose class is predicted
    weights: dict[str, np.ndarray] = field(default_factory=dict)  # variables of the model, in the order of the model
    parameters: int = 0  # trainable weights
    diverged_epoch: int | None = None  # the epoch after which the loss was not finite or too large
    xla: bool = False  # whether XLA compiled the programs
    message: str = ""  # why a run failed


def dump(result: Result, inputs: dict[str, Any]) -> bytes:
    """Return the bytes of a run file, a NumPy archive without pickles. `inputs` decided it (run_store.py)."""
    about = {
        "status": result.status,
        "diverged_epoch": result.diverged_epoch,
        "message": result.message,
        "parameters": result.parameters,
        "xla": result.xla,
        "weights": list(result.weights),
        "inputs": inputs,
    }
    text = json.dumps(about, sort_keys=True, ensure_ascii=False)
    weights = {f"weights/{name}": value for name, value in result.weights.items()}
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array(text), loss=result.loss, correct=result.correct, **weights)
    return buffer.getvalue()


def load(content: bytes, *, with_weights: bool = True) -> tuple[Result, dict[str, Any]]:
    """Return the result and the inputs that `dump` was given. Raises ValueError for bytes that it did not write."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            inputs, names = about.pop("inputs"), about.pop("weights")
            weights = {name: file[f"weights/{name}"] for name in names} if with_weights else {}
            return Result(loss=file["loss"], correct=file["correct"], weights=weights, **about), inputs
    except DAMAGES as error:
        raise ValueError(f"not a whole run file ({error})") from None


def without_evaluations(status: Status, message: str = "") -> Result:
    """Return the result of a run that ended before its first evaluation."""
    return Result(status, np.empty((0, 3), "float32"), np.empty((0, 3), "int32"), message=message)
