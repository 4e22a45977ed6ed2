"""Why what holds examples elsewhere is no array of rows here, and the nearest thing that is."""

from collections.abc import Iterable, Mapping, Sequence, Set
from inspect import isclass, isroutine
from typing import Any

import numpy as np

STREAM = (
    "what yields batches has an order of its own, and each run draws another from all rows: collect them first, "
    "`inputs, labels = map(np.concatenate, zip(*batches))`"
)
RAGGED = (
    "rows differ in shape, and all must have one: fill each up with 0 to the longest, `np.pad(row, (0, longest - "
    "len(row)))`, which the model masks (Embedding(…, mask_zero=True), Masking()), or resize images"
)
INPUTS = (
    "a model takes one array: put them side by side, `inputs = np.concatenate([part.reshape(len(part), -1) for part in "
    "{parts}], axis=1)`, and slice them apart in the model"
)
LABELS = (
    "a study has one loss: give one of them and make a data set of each, or several of 0 and 1 as [rows, labels] to "
    "the task multilabel_classification"
)
TEXTS = (
    'make numbers of them: `inputs = pd.get_dummies(pd.DataFrame(inputs).infer_objects(), dtype="float32").to_numpy()` '
    "has a column for each of a few values; of sentences make [rows, words] whole numbers, for an Embedding"
)
SPLIT = "write `Split(inputs, labels)`"
DATA_SET = "write `return DataSet(description, class_names, *split(inputs, labels, …))`, of all rows"


def of_inputs(inputs: Any, rows: int | None) -> str:
    """Return "; …" of inputs that are no array of `rows` rows, if that is known; "" where there is nothing to say."""
    several = INPUTS.format(parts="inputs.values()" if isinstance(inputs, Mapping) else "inputs")
    return _said(_of_arrays(inputs, rows, several))


def of_texts(inputs: Any) -> str:
    """Return the same of inputs with texts in them, which are no numbers."""
    try:
        values = np.asarray(inputs, "O").flat
    except Exception:  # the values of other libraries may raise anything
        return ""
    return _said(TEXTS if any(isinstance(value, str) for value in values) else "")


def of_labels(labels: Any, rows: int) -> str:
    """Return the same of labels."""
    return _said(_of_arrays(labels, rows, LABELS))


def of_split(part: Any) -> str:
    """Return the same of what should be a Split."""
    return _said(STREAM if is_stream(part) else SPLIT if isinstance(part, tuple | list | Mapping) else "")


def of_data_set(returned: Any) -> str:
    """Return the same of what should be a DataSet."""
    return _said(STREAM if is_stream(returned) else DATA_SET if returned is not None else "")


def length(values: Any) -> int | None:
    """Return how many there are, None if that is not known."""
    try:
        return len(values)
    except Exception:  # the values of other libraries may raise anything
        return None


def is_stream(value: Any) -> bool:
    """Return whether something yields values one after the other, and does not hold them."""
    if hasattr(value, "__next__") or isroutine(value):
        return True
    held = isclass(value) or isinstance(value, Sequence | Set | Mapping)
    is_array = any(hasattr(value, name) for name in ("__array__", "dtype", "shape"))
    return not held and not is_array and (isinstance(value, Iterable) or hasattr(value, "__getitem__"))


def _said(sentence: str) -> str:
    return f"; {sentence}" if sentence else ""


def _of_arrays(value: Any, rows: int | None, several: str) -> str:
    if is_stream(value):
        return STREAM
    if isinstance(value, Mapping) or _are_parts(value, rows):
        return several
    return RAGGED if _is_ragged(value) else ""


def _are_parts(value: Any, rows: int | None) -> bool:
    """Return whether each of some arrays has so many rows, and they are not as many rows themselves."""
    if not isinstance(value, list | tuple) or rows is None or len(value) in (0, rows):
        return False
    return all(hasattr(part, "shape") and length(part) == rows for part in value)


def _is_ragged(value: Any) -> bool:
    if type(value).__name__ == "RaggedTensor":
        return True
    values = value.to_numpy() if hasattr(value, "to_numpy") else value
    of_objects = isinstance(values, np.ndarray) and values.dtype == "O" and values.ndim == 1
    if not (of_objects or isinstance(values, list | tuple)):
        return False
    shapes = {_shape(row) for row in values}
    return len(shapes) > 1 and () not in shapes


def _shape(row: Any) -> tuple[int, ...] | None:
    """Return the shape of a row, () of what is none, and None of one whose own rows differ in shape."""
    try:
        return np.shape(row) if isinstance(row, list | tuple | np.ndarray) else tuple(getattr(row, "shape", ()))
    except ValueError:
        return None
