"""A count for each row, 0, 1, 2, …: one output, the logarithm of its expected value, and the Poisson deviance."""

import numpy as np

from batchwise.data.task import LOSS, POINTS, Labels, Task, TaskMetric, Tensor
from batchwise.tasks._errors import mae, rmse


def task() -> Task:
    """Return the task."""
    return Task(
        labels=Labels("counts"),
        outputs=lambda classes: 1,
        loss=deviance,
        metrics=(
            TaskMetric(
                name=LOSS,
                title="Poisson deviance",
                description="mean Poisson deviance, as sklearn.metrics.mean_poisson_deviance",
                higher_is_better=False,
                baseline=lambda labels: float(constant_deviance(labels.mean(), logarithms(labels).mean())),
                values=deviance,
                lowest=0,
            ),
            TaskMetric(
                name="d2",
                title="D²",
                description="share of the deviance that is explained, as sklearn.metrics.d2_tweedie_score(power=1)",
                higher_is_better=True,
                baseline=lambda labels: 0.0,
                values=moments,
                reduce=explained,
                **POINTS,
            ),
            rmse(squared, "error of the expected value"),
            mae(absolute, "error of the expected value"),
        ),
    )


def deviance(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the Poisson deviance of each row, 2·(y·log(y/μ) − y + μ), [B] (McCullagh & Nelder 1989, section 2.3)."""
    from keras import ops

    logarithm = ops.squeeze(outputs, -1)
    expected = ops.exp(logarithm)
    return 2 * (labels * (ops.log(ops.maximum(labels, 1)) - logarithm) - labels + expected)


def errors(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the error of the expected value of each row, [B]."""
    from keras import ops

    return ops.exp(ops.squeeze(outputs, -1)) - labels


def squared(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the squared error of each row, [B]."""
    from keras import ops

    return ops.square(errors(labels, outputs))


def absolute(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the absolute error of each row, [B]."""
    from keras import ops

    return ops.abs(errors(labels, outputs))


def moments(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return of each row what D² is made of: its deviance, its label y, and y·log y, [B, 3]."""
    from keras import ops

    return ops.stack([deviance(labels, outputs), labels, labels * ops.log(ops.maximum(labels, 1))], axis=-1)


def explained(means: np.ndarray) -> np.ndarray:
    """Return D² [...] of the means of `moments` [..., 3]; NaN for rows that do not vary."""
    found, label, logarithm = np.moveaxis(means, -1, 0)
    constant = constant_deviance(label, logarithm)
    return np.where(constant > 0, 1 - found / constant, np.nan)


def constant_deviance(label: np.ndarray, logarithm: np.ndarray) -> np.ndarray:
    """Return the mean deviance of the mean label, of the means of y and of y·log y."""
    return 2 * (logarithm - label * np.log(np.where(label > 0, label, 1)))


def logarithms(labels: np.ndarray) -> np.ndarray:
    """Return y·log y, 0 for y = 0."""
    return labels * np.log(np.maximum(labels, 1))
