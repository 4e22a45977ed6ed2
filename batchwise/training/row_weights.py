"""How much each training row counts in the loss that is trained on; all count alike in metrics."""

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet


def of_training(data: DataSet, class_weights: str | None) -> np.ndarray | None:
    """Return the weights of the training rows, [N] float64 with mean 1; None if all are the same.

    They are those of the data set, times N / (C · rows of the class) for `balanced`, of the C classes that have rows.
    So the mean over a batch, whatever its size, is that over all rows on average. Raises UserError for labels that are
    no classes.
    """
    weights = data.train.weights
    if class_weights:
        if data.task.labels.kind != "classes":
            raise UserError(
                f"class_weights: {class_weights} is for labels that are classes; those of the task "
                f"{data.description.task} are {data.task.labels.kind}: leave it out"
            )
        _, classes, counts = np.unique(data.train.labels, return_inverse=True, return_counts=True)
        balanced = len(classes) / (len(counts) * counts[classes])
        weights = balanced if weights is None else weights * balanced
    return None if weights is None else weights / weights.mean(dtype="float64")
