"""What a task computes of a few rows: values of these rows, in shapes that have a mean over rows.

A loss of outputs [B, 1] and labels [B] that forgets the last axis is [B, B]: it trains, and is wrong.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.plugin_errors import place, told
from batchwise.data.task import Scale, Task, TaskMetric
from batchwise.runtime.engine import used
from batchwise.runtime.keras import keras

ROWS = 3
PLACES = 5  # of a text, or of a detector
OBJECTS = 2  # of an image


def check(name: str, task: Task, classes: int, dtype: str) -> None:
    """Raise UserError for a loss or a metric that raises an error, or gives other shapes than the task says."""
    with told(f"task {name}"), _of_types(f"task {name}", task):
        outputs = task.outputs(classes)
        if not isinstance(outputs, int) or outputs < 1:
            raise UserError(f"task {name}: outputs of {classes} classes is {outputs!r}; a number from 1 up is expected")
        shapes = {"flags": [ROWS, classes], "tokens": [ROWS, PLACES + 1], "boxes": [ROWS, OBJECTS, 5]}
        shape = shapes.get(task.labels.kind, [ROWS])
        labels = keras.ops.zeros(shape, "int32" if task.labels.are_integers else dtype)
        of_model = keras.ops.zeros([ROWS, *(size or PLACES for size in task.output_shape(classes, (PLACES,)))], dtype)
        _shape(f"task {name}: the values of its loss", _tensor(task.loss, labels, of_model), most=0)
        for metric in task.metrics:
            _check_metric(f"task {name}: the metric {metric.name}", metric, labels, of_model)


@contextmanager
def _of_types(what: str, task: Task) -> Iterator[None]:
    """Say how labels that are whole numbers become numbers like outputs, if they were computed together."""
    try:
        yield
    except Exception as error:
        if not task.labels.are_integers or not re.search("int32 tensor|dtype int32", str(error)):
            raise
        todo = (
            "labels that are classes, flags or tokens are int32; make them numbers by `ops.cast(labels, outputs.dtype)`"
        )
        raise UserError(f"{what}: {todo} (at {place(error)})") from None


def _check_metric(what: str, metric: TaskMetric, labels: Any, outputs: Any) -> None:
    if metric.predictions:
        _shape(f"{what}: its predictions", _tensor(metric.predictions, outputs), most=2)
    if metric.values:
        shape = _shape(f"{what}: its values", _tensor(metric.values, labels, outputs), most=1)
        means = (metric.levels(outputs.shape[-1]),) if metric.levels else shape
        found = np.shape(metric.of_means(np.zeros((2, 3, *means)), Scale()))  # of evaluations, of the splits
        if found[:2] != (2, 3) or len(found) != (3 if metric.by_class else 2):
            raise UserError(f"{what}: {_no_number(means, found) if metric.reduce else _several(means)}")


def _tensor(function: Callable[..., Any], *given: Any) -> Any:
    """Return what a function of tensors returns, as a tensor; None stays None.

    On JAX it is one without values: it would compile each operation of the function by itself, for seconds.
    """

    def tensor(*given: Any) -> Any:
        found = function(*given)
        return None if found is None else keras.ops.convert_to_tensor(found)

    if used() == "jax":
        from batchwise.runtime.jax import jax

        return jax.eval_shape(tensor, *given)
    return tensor(*given)


def _no_number(means: tuple[int, ...], found: tuple[int, ...]) -> str:
    of_means = f"of means of the shape {[2, 3, *means]} it is {[*found]}"
    return f"{of_means}; reduce must make one number of the last axis"


def _several(means: tuple[int, ...]) -> str:
    return (
        f"its values are {[ROWS, *means]} for B = {ROWS} rows; take one of a row, `[:, 0]` say, or give them a `reduce`"
    )


def _shape(what: str, values: Any, *, most: int) -> tuple[int, ...]:
    """Return the shape of the values of one row. Raises UserError for no values of ROWS, or more axes than `most`."""
    if values is None:
        raise UserError(f"{what} are None; a tensor is expected: does the function end with `return`?")
    shape = tuple(values.shape)
    if shape[:1] != (ROWS,) or len(shape) > 1 + most:
        allowed = ("[B]", "[B] or [B, k]", "[B], [B, k] or [B, K, k]")[most]
        raise UserError(f"{what} of B = {ROWS} rows, with outputs [B, outputs], are {[*shape]}, not {allowed}")
    return shape[1:]
