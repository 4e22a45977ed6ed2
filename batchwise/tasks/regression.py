"""A number for each row: one output; the target has mean 0 and standard deviation 1 for the model."""

from functools import partial
from typing import Literal

import numpy as np
from pydantic import PositiveFloat

from batchwise.common.errors import UserError
from batchwise.data.task import LOSS, POINTS, Labels, Task, TaskMetric, Tensor, Values
from batchwise.tasks._errors import mae, rmse


def task(*, loss: Literal["squared", "absolute", "huber"] = "squared", delta: PositiveFloat = 1.0) -> Task:
    """Return the task with the error that is trained on; `delta` is Huber's, in standard deviations of the target.

    Raises UserError for a delta of another error.
    """
    if delta != 1 and loss != "huber":
        raise UserError(f"delta is {delta:g}, and {loss} errors have none; write `loss: huber`, or leave delta out")
    values = {"squared": squared, "absolute": absolute, "huber": huber(delta)}[loss]
    return Task(
        labels=Labels("numbers", standardised=True),
        outputs=lambda classes: 1,
        loss=values,
        metrics=(
            rmse(squared),
            TaskMetric(
                name=LOSS,
                description=f"mean {loss} error of the target divided by its standard deviation",
                higher_is_better=False,
                baseline=partial(of_best_constant, loss, delta),
                values=values,
                lowest=0,
            ),
            mae(absolute),
            TaskMetric(
                name="r2",
                title="R²",
                description="1 − squared errors / squares about the mean of the rows, as sklearn.metrics.r2_score",
                higher_is_better=True,
                baseline=lambda labels: 0.0,
                values=moments,
                reduce=r_squared,
                **POINTS,
            ),
        ),
    )


def squared(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the squared error of each row, [B]."""
    from keras import ops

    return ops.square(errors(labels, outputs))


def absolute(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the absolute error of each row, [B]."""
    from keras import ops

    return ops.abs(errors(labels, outputs))


def huber(delta: float) -> Values:
    """Return what gives Huber's loss of each row, [B]: e²/2 up to delta, delta·(|e| − delta/2) beyond (Huber 1964)."""

    def values(labels: Tensor, outputs: Tensor) -> Tensor:
        from keras import ops

        size = ops.abs(errors(labels, outputs))
        within = ops.minimum(size, delta)
        return within * (size - within / 2)

    return values


def errors(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the error of each row, [B]."""
    from keras import ops

    return ops.squeeze(outputs, -1) - labels


def moments(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return of each row what R² is made of: its squared error, its label, and the square of that, [B, 3]."""
    from keras import ops

    return ops.stack([squared(labels, outputs), labels, ops.square(labels)], axis=-1)


def r_squared(means: np.ndarray) -> np.ndarray:
    """Return R² [...] of the means of `moments` [..., 3]; NaN for rows that do not vary."""
    error, label, square = np.moveaxis(means, -1, 0)
    variance = square - label**2
    return np.where(variance > 0, 1 - error / variance, np.nan)


def of_best_constant(loss: str, delta: float, labels: np.ndarray) -> float:
    """Return the mean loss of the best constant answer: of the mean, the median, or what is between."""
    if loss == "squared":
        return float(labels.var())
    if loss == "absolute":
        return float(np.abs(labels - np.median(labels)).mean())

    def of_constant(constant: float) -> float:
        size = np.abs(labels - constant)
        within = np.minimum(size, delta)
        return float((within * (size - within / 2)).mean())

    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(of_constant, bounds=(labels.min(), labels.max()), options={"xatol": 1e-9}).fun)
