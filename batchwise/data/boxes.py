"""How many objects of each class labels have that are boxes."""

import numpy as np


def of_classes(labels: np.ndarray, classes: int) -> list[int]:
    """Return how many objects of labels [rows, K, 5] are of each class."""
    numbers = labels[:, :, 4]
    return np.bincount(numbers[numbers >= 0].astype("int64"), minlength=classes).tolist()
