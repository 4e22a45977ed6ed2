"""The rows of a data set as they go to the device: labels as the loss has them, and how much each row counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from batchwise.data.dataset import SPLITS, DataSet
from batchwise.data.stored_arrays import Joined, StoredArray
from batchwise.data.task import Scale, Task
from batchwise.training import row_weights


@dataclass(frozen=True)
class HostRows:
    """The rows of all parts, one after the other: the training rows come first."""

    data: DataSet
    labels: Any  # of all rows, as `Labels.inside`: an array, or Joined if they are stored
    scale: Scale  # of the labels, by those of the training rows
    weights: np.ndarray | None  # of the training rows, as row_weights.of_training


def of_data(data: DataSet, task: Task, class_weights: str | None) -> HostRows:
    """Return the rows of a data set for a task. Raises UserError as row_weights.of_training does."""
    scale = task.labels.scale(data.train.labels)
    of_splits = [getattr(data, name).labels for name in SPLITS]
    are_stored = any(isinstance(labels, StoredArray) for labels in of_splits)
    together: Any = Joined(of_splits) if are_stored else np.concatenate(of_splits)
    labels = task.labels.inside(together, scale)
    return HostRows(data, labels, scale, row_weights.of_training(data, class_weights))
