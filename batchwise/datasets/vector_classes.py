"""Synthetic: vectors around the number of their class, normally distributed. In the spirit of a small test of Keras.

Keras's test of vector classification (get_test_data: 500 rows, 20 features, std 0.7) with 4 classes: with its 2
the losses that people compare at m = 16 and 160 cannot come about.
"""

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet, Description, Split

DESCRIPTION = Description(
    title="Vectors around the number of their class (synthetic)",
    task="multiclass_classification",
    source="drawn by batchwise/datasets/vector_classes.py, after get_test_data of Keras's tests",
    licence="none needed: made of random numbers",
)


def prepare(
    *,
    classes: PositiveInt,
    features: PositiveInt,
    std: PositiveFloat,
    train_rows: PositiveInt,
    validation_rows: NonNegativeInt,
    test_rows: PositiveInt,
    seed: NonNegativeInt,
) -> DataSet:
    """Return parts in which each label c is drawn by chance, and its inputs [features] from Normal(c, std).

    Raises UserError for fewer than three classes (two would be a binary task).
    """
    if classes < 3:
        raise UserError(f"classes is {classes}; at least 3 are needed for vectors of several classes")
    random = np.random.default_rng(seed)

    def part(rows: int) -> Split:
        labels = random.integers(classes, size=rows)
        inputs = random.normal(labels[:, None], std, (rows, features))
        return Split(inputs.astype("float32"), labels.astype("int32"))

    train, validation, test = map(part, (train_rows, validation_rows, test_rows))
    return DataSet(DESCRIPTION, tuple(map(str, range(classes))), train, validation, test)
