"""The rows of a data set as they go to the device: labels as the loss has them, and how much each row counts."""

from dataclasses import dataclass

import numpy as np

from batchwise.data.dataset import SPLITS, DataSet
from batchwise.data.task import Scale, Task
from batchwise.training import row_weights


@dataclass(frozen=True)
class HostRows:
    """The rows of all parts, one after the other: the training rows come first."""

    data: DataSet
    labels: np.ndarray  # of all rows, as `Labels.inside`
    scale: Scale  # of the labels, by those of the training rows
    weights: np.ndarray | None  # of the training rows, as row_weights.of_training


def of_data(data: DataSet, task: Task, class_weights: str | None) -> HostRows:
    """Return the rows of a data set for a task. Raises UserError as row_weights.of_training does."""
    scale = task.labels.scale(data.train.labels)
    labels = task.labels.inside(np.concatenate([getattr(data, name).labels for name in SPLITS]), scale)
    return HostRows(data, labels, scale, row_weights.of_training(data, class_weights))
