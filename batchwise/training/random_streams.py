"""Random numbers by name: a run's seed gives separate streams, which are the same at every m and η.

Keras's own shuffling is not used: seeded, it repeats one order in every epoch, which biases a study of batch size.
"""

from functools import lru_cache

import numpy as np

# The position of a name is part of its stream: add names at the end.
STREAMS = ("weights", "order", "augmentation", "dropout", "row_keys")


def generator(seed: int, stream: str, *path: int) -> np.random.Generator:
    """Return the generator of a stream, or of a part of it (an epoch, say)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, STREAMS.index(stream), *path])))


@lru_cache(maxsize=8)
def orders(seed: int, first_epoch: int, epochs: int, rows: int) -> np.ndarray:
    """Return the order of examples in some epochs, a permutation of the rows for each, [epochs, rows] int32."""
    epochs_numbers = range(first_epoch, first_epoch + epochs)
    return np.stack([generator(seed, "order", epoch).permutation(rows) for epoch in epochs_numbers]).astype("int32")
