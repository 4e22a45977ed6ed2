"""What the benchmarks of a convolutional network train: ResNet-8 on random images, which take as long as others."""

from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet, Description, Split

DEPTH = 8


def images(rows: int) -> Split:
    """Return images of CIFAR's shape and type, uint8 [N, 32, 32, 3], and labels [N]."""
    random = np.random.default_rng(0)
    return Split(
        random.integers(256, size=(rows, 32, 32, 3), dtype="uint8"), random.integers(10, size=rows).astype("int32")
    )


def data_set(train: int, validation: int, test: int) -> DataSet:
    """Return a data set with so many rows in each part."""
    description = Description("random images", "multiclass_classification", "none", "none")
    statistics = np.full(3, 128, "float32")
    return DataSet(description, tuple("0123456789"), *map(images, (train, validation, test)), statistics, statistics)


def recipe(normalization: str, budget: dict[str, int], augmentation: dict[str, Any] | None) -> Recipe:
    """Return how ResNet-8 is trained."""
    return Recipe.model_validate(
        {
            "model": {"name": "resnet", "depth": DEPTH, "normalization": normalization},
            "optimizer": {"name": "sgd"},
            "budget": budget,
            "augmentation": augmentation,
        }
    )
