"""What inputs must be: finite numbers, the same columns in each part; images are bytes, or floats that are scaled."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import conversions, refusals
from batchwise.data.conversions import DROP, Step

EXPECTED = "an array [rows, …] of real numbers is expected"
FLOAT32 = np.finfo("float32")


def check_form(what: str, inputs: Any, rows: int | None = None) -> None:
    """Raise UserError, with the line that converts them, for inputs that are no finite numbers [rows, …].

    `what` is what they are called: `train inputs`. `rows` are those that there are, if that is known.
    """
    if not (conversions.is_plain(inputs) and inputs.ndim > 1 and _is_numeric(inputs)):
        todo = refusals.of_inputs(inputs, rows) or conversions.line(inputs, _next_step) or refusals.of_texts(inputs)
        raise UserError(f"{what} are {conversions.in_words(inputs)}; {EXPECTED}{todo}")
    if 0 in inputs.shape[1:]:
        raise UserError(f"{what} have the shape {conversions.shape_of(inputs)}; at least one column is needed")
    # Of a NaN the least and the largest are NaN; to find them makes no array as large as the inputs.
    if inputs.dtype.kind == "f" and inputs.size and not np.isfinite([inputs.min(), inputs.max()]).all():
        line = f"; drop such rows or fill them{conversions.line(inputs, _finite)}"
        raise UserError(f"{what}: {_counted(~np.isfinite(inputs), 'NaN or infinite')}{line}")


def check_range(what: str, inputs: np.ndarray) -> None:
    """Raise UserError for numbers beyond the range of float32, in which a model takes them."""
    if inputs.dtype.name == "float64" and inputs.size and max(-inputs.min(), inputs.max()) > FLOAT32.max:
        found = _counted(abs(inputs) > FLOAT32.max, "beyond the range of float32")
        raise UserError(f"{what}: {found} (±{FLOAT32.max:.1e}); scale them, as splitting.standardise does")


def check_alike(inputs: Mapping[str, np.ndarray]) -> None:
    """Raise UserError unless the inputs {part: [rows, …]} have the type and the columns of `train`."""
    train = inputs["train"]
    for part, other in inputs.items():
        if other.shape[1:] != train.shape[1:]:
            shapes = f"{conversions.shape_of(other)}; those of train {conversions.shape_of(train)}"
            raise UserError(f"{part} inputs have the shape {shapes}: all but the number of rows must be the same")
        if other.dtype.name != train.dtype.name:
            found = f"{part} inputs are {other.dtype.name}, those of train {train.dtype.name}; they must be the same"
            raise UserError(f'{found}: `inputs = inputs.astype("{train.dtype.name}")`')


def check_images(inputs: np.ndarray, mean: Any, std: Any) -> None:
    """Raise UserError for images [rows, height, width, channels] of whole numbers that are no bytes with mean and std.

    What is no such image must be scaled already, and has neither.
    """
    found = f"{inputs.dtype.name} of the shape {conversions.shape_of(inputs)}"
    if inputs.ndim == 4 and inputs.dtype.kind in "iu":
        if inputs.dtype != np.uint8:
            in_bytes = 0 <= inputs.min() <= inputs.max() <= 255
            line = 'inputs = inputs.astype("uint8")' if in_bytes else "inputs = inputs / 255"
            raise UserError(f"images are {found}; uint8, or floats that are scaled already, are expected: `{line}`")
        _check_statistic("mean", mean, inputs.shape[-1])
        _check_statistic("std", std, inputs.shape[-1])
        with np.errstate(divide="ignore", over="ignore"):
            if not (np.isfinite(1 / std.astype("float32")) & (std > 0)).all():
                raise UserError(f"std is {std.tolist()}; more than 0 is expected for each channel")
    elif inputs.ndim == 3 and inputs.dtype == np.uint8 and inputs.max() > 1:
        raise UserError(f"images are {found}; a last axis of channels is expected: `inputs = inputs[..., np.newaxis]`")
    elif mean is not None or std is not None:
        raise UserError(f"mean and std are for uint8 images [rows, height, width, channels]; the inputs are {found}")


def _check_statistic(name: str, values: Any, channels: int) -> None:
    line = 'mean, std = inputs.mean((0, 1, 2)).astype("float32"), inputs.std((0, 1, 2)).astype("float32")'
    if not (conversions.is_plain(values) and values.dtype.kind == "f" and values.shape == (channels,)):
        found = conversions.in_words(values)
        raise UserError(f"{name} is {found}; uint8 images need an array [{channels}] of floats: `{line}` of train")
    if not np.isfinite(values.astype("float32")).all():
        raise UserError(f"{name} is {values.tolist()}; finite numbers are expected: `{line}` of train")


def _is_numeric(inputs: np.ndarray) -> bool:
    return inputs.dtype.kind in "iu" or inputs.dtype.name in ("float16", "float32", "float64")


def _counted(wrong: np.ndarray, what: str) -> str:
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    values = f"{wrong.sum()} value{'s are' if wrong.sum() > 1 else ' is'} {what}"
    return f"{values}, in {len(rows)} of {len(wrong)} rows, the first in row {rows[0]}"


def _next_step(inputs: Any) -> Step | None:
    """Return the next step on the way to inputs as they should be, None at its end."""
    if not conversions.is_plain(inputs):
        return conversions.plain("inputs", inputs)
    if inputs.dtype.kind in "MmV":
        return None
    if inputs.ndim == 1 and inputs.dtype == "O" and len(inputs) and np.ndim(inputs[0]):
        return "inputs = np.stack(inputs)", np.stack(inputs)
    if inputs.ndim == 1:
        return "inputs = inputs[:, np.newaxis]", inputs[:, np.newaxis]
    return None if inputs.ndim == 0 else _numeric(inputs) or _finite(inputs)


def _numeric(inputs: np.ndarray) -> Step | None:
    if _is_numeric(inputs):
        return None
    if inputs.dtype.kind == "c":
        line = "inputs = np.concatenate([inputs.real, inputs.imag], axis=-1)"
        return line, np.concatenate([inputs.real, inputs.imag], axis=-1)
    kind = "float64" if inputs.dtype.kind == "f" else "float32"
    return f'inputs = inputs.astype("{kind}")', inputs.astype(kind)


def _finite(inputs: np.ndarray) -> Step | None:
    if np.isfinite(inputs).all():
        return None
    keep = np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1)
    return f"keep = np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1); {DROP}", inputs[keep]
