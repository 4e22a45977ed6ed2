"""The result of a run, and the file that holds it: bytes that depend on the result alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Literal, get_args

import numpy as np

from batchwise.common import sealed

Status = Literal["ok", "diverged", "out_of_memory", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
WEIGHTS = "weights/"  # with which the names of weights begin in the file of a run, beside other arrays


@dataclass(frozen=True)
class RunResult:
    """What training a run gave.

    Each metric has a row for each evaluation, row 0 before the first update and row e after epoch e, and the columns
    train, validation, test; all are of the weights at that time, in inference mode. A run that does not end `ok` has
    the rows so far, the last of them the bad one, and no weights; one that ended before its first evaluation has no
    metrics.
    """

    status: Status
    metrics: dict[str, np.ndarray]  # [1 + epochs, 3]: of the rows of a split, NaN where it has none
    weights: dict[str, np.ndarray] = field(default_factory=dict)  # variables of the model, in the order of the model
    parameters: int = 0  # trainable weights
    diverged_epoch: int | None = None  # the epoch after which the loss was not finite or too large
    xla: bool = False  # whether XLA compiled the programs
    message: str = ""  # why a run failed
    by_class: dict[str, np.ndarray] = field(default_factory=dict)  # [3, classes], at the final weights of a run
    # [test rows] of a metric: what each adds to it at the final weights (TaskMetric.by_row), bool or float32
    by_row: dict[str, np.ndarray] = field(default_factory=dict)
    # [test rows, K, 6] of boxes: what was found in them, as the task's predictions
    predictions: np.ndarray = field(default_factory=lambda: np.empty(0, "float32"), compare=False)
    draws_by_pass: bool = False  # whether layers drew from states that go on from pass to pass, so that m decided what

    @property
    def evaluations(self) -> int:
        """How often the run was evaluated: 1 + epochs, or 0."""
        return max(map(len, self.metrics.values()), default=0)


def dump(result: RunResult, facts: dict[str, Any]) -> bytes:
    """Return the bytes of a run's file, a NumPy archive without pickles, with a checksum of itself (sealed.py).

    `facts` are those of the Run. What else decided the result is the same for all runs of a study (run_shard.py).
    """
    about = {
        "status": result.status,
        "diverged_epoch": result.diverged_epoch,
        "message": result.message,
        "parameters": result.parameters,
        "xla": result.xla,
        "metrics": list(result.metrics),
        "weights": list(result.weights),
        "by_class": list(result.by_class),
        "by_row": {name: [str(values.dtype), len(values)] for name, values in result.by_row.items()},
        "run": facts,
    }
    if len(result.predictions):
        about["predictions"] = True
    if result.draws_by_pass:  # left out else, as in files that were written before it was known
        about["draws_by_pass"] = True
    text = json.dumps(about, sort_keys=True, ensure_ascii=False).encode()
    arrays: dict[str, Any] = {f"metrics/{name}": values for name, values in result.metrics.items()}
    arrays |= {f"by_class/{name}": values for name, values in result.by_class.items()}
    arrays |= {f"by_row/{name}": _packed(values) for name, values in result.by_row.items()}
    arrays |= {"predictions": result.predictions} if len(result.predictions) else {}
    arrays |= {f"{WEIGHTS}{name}": value for name, value in result.weights.items()}
    return sealed.archive_bytes({"about": np.frombuffer(text, "uint8"), **arrays})


def load(content: bytes, *, with_weights: bool = True) -> tuple[RunResult, dict[str, Any]]:
    """Return the result and the facts that `dump` was given. Raises ValueError for bytes that it did not write."""
    return _from_arrays(sealed.Archive(content), with_weights)


def load_part(file: IO[bytes]) -> tuple[RunResult, dict[str, Any]]:
    """Return what `load` does without weights, which are not read: what is, is checked by its CRC-32 alone."""
    with np.load(file, allow_pickle=False) as arrays:
        return _from_arrays(arrays, with_weights=False)


def status(content: bytes) -> Status:
    """Return how a run ended. Raises ValueError as `load` does."""
    try:
        return json.loads(sealed.Archive(content)["about"].tobytes())["status"]
    except (KeyError, TypeError) as error:
        raise _is_no_run(error) from None


def _from_arrays(
    arrays: sealed.Archive | Mapping[str, np.ndarray], with_weights: bool
) -> tuple[RunResult, dict[str, Any]]:
    try:
        about = json.loads(arrays["about"].tobytes())
        metrics, weights, facts = about.pop("metrics"), about.pop("weights"), dict(about.pop("run"))
        about["metrics"] = {name: arrays[f"metrics/{name}"] for name in metrics}
        about["by_class"] = {name: arrays[f"by_class/{name}"] for name in about["by_class"]}
        kinds = about["by_row"].items()
        about["by_row"] = {name: _unpacked(arrays[f"by_row/{name}"], *kind) for name, kind in kinds}
        if about.pop("predictions", False):
            about["predictions"] = arrays["predictions"]
        about["weights"] = {name: arrays[f"{WEIGHTS}{name}"] for name in weights} if with_weights else {}
        return RunResult(**about), facts
    except (AttributeError, KeyError, TypeError) as error:  # a whole archive, but of something else
        raise _is_no_run(error) from None


def _is_no_run(error: Exception) -> ValueError:
    return ValueError(f"it is not the file of a run ({error})")


def _packed(values: np.ndarray) -> np.ndarray:
    return np.packbits(values) if values.dtype == bool else values


def _unpacked(values: np.ndarray, dtype: str, rows: int) -> np.ndarray:
    return np.unpackbits(values, count=rows).astype(bool) if dtype == "bool" else values


def without_evaluations(status: Status, message: str = "") -> RunResult:
    """Return the result of a run that ended before its first evaluation."""
    return RunResult(status, {}, message=message)
