"""Random crops, flips and sizes of training images: drawn here, applied by the engine (augmented.py).

The draws are a function of the seed, the epoch and the row alone, so that a row is changed alike at every m and η.
"""

import numpy as np

from batchwise.config.recipe import Augmentation
from batchwise.training import random_streams

PARTS = 2**16  # from 0 to which a fraction is drawn, both with it
LEAST_SHARE = 0.3  # of an object that must be left in the image; of less of it there is no telling what it is


def draws(augmentation: Augmentation, seed: int, epoch: int, rows: int) -> np.ndarray:
    """Return the first row and column of each crop in the padded image, 0 … 2·pad, and 1 to flip it, [rows, 3] int32.

    He et al. 2015 (arXiv 1512.03385), section 4.2: pad by 4, crop at random, flip every other image on average.
    Where an image is flipped top to bottom or resized there are 7: 1 to flip it so, and from 0 to PARTS how large it
    is, and where its top and its left are.
    """
    generator = random_streams.generator(seed, "augmentation", epoch)
    corners = generator.integers(2 * augmentation.pad + 1, size=(rows, 2))
    flips = generator.integers(2, size=(rows, 1)) * augmentation.flip
    columns = [corners, flips]
    if augmentation.changes_size:
        columns.append(generator.integers(2, size=(rows, 1)) * augmentation.flip_vertically)
        columns.append(generator.integers(PARTS + 1, size=(rows, 3)))
    return np.concatenate(columns, axis=1).astype("int32")


def numbers(augmentation: Augmentation | None) -> int:
    """Return how many numbers are drawn of a row."""
    return 7 if augmentation and augmentation.changes_size else 3
