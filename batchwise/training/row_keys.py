"""Random numbers by row: a key of each training row and epoch, for the layers of a model that ask for one.

A layer asks by an attribute `row_keys`, as `batchwise/models/_dropout.py` does. What it makes of its keys is then the
same for a row at every m and η, and in each part of a batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from batchwise.runtime.keras import keras
from batchwise.training import random_streams
from batchwise.training.model_checks import structure

# The keys of a row for two layers differ by this, a layer after the other: 2³² over the golden ratio, whose multiples
# are as far apart as can be (Knuth, The Art of Computer Programming 3, section 6.4).
STEP = 0x9E3779B9


def of_epoch(seed: int, epoch: int, rows: int) -> np.ndarray:
    """Return the key of each training row in an epoch, [rows] uint32."""
    return random_streams.generator(seed, "row_keys", epoch).integers(2**32, size=rows, dtype="uint32")


def layers(model: keras.Model) -> list[keras.Layer]:
    """Return the layers of a model, within its layers too, that ask for keys of rows, in the order of the model."""
    return [layer for layer in structure.layers(model) if hasattr(layer, "row_keys")]


@contextmanager
def given(asking: list[keras.Layer], keys: Any) -> Iterator[None]:
    """Give layers the keys of the rows [B] of a batch, to each others, for the passes that are traced meanwhile."""
    try:
        for number, layer in enumerate(asking):
            layer.row_keys = keys + np.uint32(number * STEP % 2**32)
        yield
    finally:
        for layer in asking:
            layer.row_keys = None
