"""Synthetic: vectors around the number of their class, normally distributed. In the spirit of a small test of Keras.

Keras's test of vector classification (get_test_data: 500 rows, 20 features, std 0.7) with 4 classes: with its 2
the losses that people compare at m = 16 and 160 cannot come about.
"""

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.option_types import Seed
from batchwise.data.dataset import DataSet, Description, Split

DESCRIPTION = Description(
    title="Vectors around the number of their class (synthetic)",
    task="multiclass_classification",
    source="drawn by batchwise/datasets/vector_classes.py, after get_test_data of Keras's tests",
    licence="none needed: made of random numbers",
)
MAX_NUMBERS = 100_000_000  # about a gigabyte while they are drawn


def prepare(
    *,
    classes: PositiveInt,
    features: PositiveInt,
    std: PositiveFloat,
    train_rows: PositiveInt,
    validation_rows: NonNegativeInt,
    test_rows: PositiveInt,
    seed: Seed,
) -> DataSet:
    """Return parts in which each label c is drawn by chance, and its inputs [features] from Normal(c, std).

    Raises UserError for fewer than three classes (two would be a binary task), more than there are training rows, or
    more numbers than MAX_NUMBERS.
    """
    if classes < 3:
        raise UserError(f"classes is {classes}; at least 3 are needed for vectors of several classes")
    if classes > train_rows:
        raise UserError(f"classes is {classes}; at most {train_rows} are allowed, one for each of train_rows")
    numbers = (train_rows + validation_rows + test_rows) * (features + 1)
    if numbers > MAX_NUMBERS:
        raise UserError(f"all rows × (features + 1) are {numbers:,} numbers; at most {MAX_NUMBERS:,} are allowed")
    random = np.random.default_rng(seed)

    def part(rows: int) -> Split:
        labels = random.integers(classes, size=rows)
        inputs = random.normal(labels[:, None], std, (rows, features))
        return Split(inputs.astype("float32"), labels.astype("int32"))

    train, validation, test = map(part, (train_rows, validation_rows, test_rows))
    return DataSet(DESCRIPTION, tuple(map(str, range(classes))), train, validation, test)
