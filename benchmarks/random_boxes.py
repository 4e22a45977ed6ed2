"""What the benchmark of a detector trains: CenterNet on noise with random boxes, the brighter the higher their class.

Images have as many objects as those of BCCD, whose labels have room for 30, and take as long.
"""

from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.box_checks import NONE
from batchwise.data.dataset import DataSet, Description, Split

SIZE = HEIGHT, WIDTH = 120, 160
CLASSES = 3
ROOM = 30  # for objects of an image
CLASS_BALANCE = 0.5
AUGMENTATION = {"pad": 0, "flip": True, "flip_vertically": True, "zoom": 1.15}


def images(rows: int) -> Split:
    """Return images, uint8 [N, 120, 160, 3], and the boxes of 1 to 27 objects of each, float32 [N, 30, 5]."""
    random = np.random.default_rng(0)
    centres = random.uniform(0.2, 0.8, size=(rows, ROOM, 2))
    halves = random.uniform(0.03, 0.15, size=(rows, ROOM, 2))
    classes = random.integers(CLASSES, size=(rows, ROOM, 1))
    boxes = np.concatenate([centres - halves, centres + halves, classes], axis=-1).astype("float32")
    boxes[np.arange(ROOM) >= random.integers(1, 28, size=(rows, 1))] = NONE
    pixels = random.integers(100, size=(rows, HEIGHT, WIDTH, 3), dtype="uint8")
    for row, place in np.argwhere(boxes[..., 4] >= 0):
        left, top, right, bottom = (boxes[row, place, :4] * [WIDTH, HEIGHT, WIDTH, HEIGHT]).astype(int)
        pixels[row, top:bottom, left:right] += np.uint8(20 + 10 * boxes[row, place, 4])
    return Split(pixels, boxes)


def data_set(train: int, validation: int, test: int) -> DataSet:
    """Return a data set with so many rows in each part."""
    description = Description("random boxes", "detection", "none", "none")
    statistics = np.full(3, 128, "float32")
    return DataSet(description, tuple("012"), *map(images, (train, validation, test)), statistics, statistics)


def recipe(budget: dict[str, int], augmentation: dict[str, Any] | None = None) -> Recipe:
    """Return how CenterNet is trained, with batch normalisation and Adam."""
    return Recipe.model_validate(
        {
            "model": {"name": "centernet_small", "normalization": "batch"},
            "task": {"name": "detection", "class_balance": CLASS_BALANCE},
            "optimizer": {"name": "adam"},
            "budget": budget,
            "augmentation": augmentation,
        }
    )
