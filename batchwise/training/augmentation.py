"""Random crops and flips of training images: drawn here, applied by the engine.

The draws are a function of the seed, the epoch and the row alone, so that a row is changed alike at every m and η.
"""

import numpy as np

from batchwise.config.recipe import Augmentation
from batchwise.training import random_streams


def draws(augmentation: Augmentation, seed: int, epoch: int, rows: int) -> np.ndarray:
    """Return the first row and column of each crop in the padded image, 0 … 2·pad, and 1 to flip it, [rows, 3] int32.

    He et al. 2015 (arXiv 1512.03385), section 4.2: pad by 4, crop at random, flip every other image on average.
    """
    generator = random_streams.generator(seed, "augmentation", epoch)
    corners = generator.integers(2 * augmentation.pad + 1, size=(rows, 2))
    flips = generator.integers(2, size=(rows, 1)) * augmentation.flip
    return np.concatenate([corners, flips], axis=1).astype("int32")
