"""The detector of batchwise/models/centernet_small.py as a user of Keras writes it: with Keras's own layers alone."""

import keras
import numpy as np
from keras import ops

STRIDE = 4  # pixels of a cell of the grid


def centernet(size: tuple[int, int], classes: int) -> keras.Model:
    """Return the network, with batch normalisation, for images of a size, [B, H, W, 3] → [B, H/4·W/4, classes + 8].

    As the loss asks for, the last four numbers of a cell are its centre and its sides, as fractions of the image.
    """

    def convolution(inputs, channels, kernel=3, strides=1):
        layer = keras.layers.Conv2D(channels, kernel, strides, "same", use_bias=False)
        return ops.relu(keras.layers.BatchNormalization()(layer(inputs)))

    inputs = keras.Input((*size, 3))
    fine = convolution(convolution(convolution(inputs, 16, strides=2), 32, strides=2), 32)
    coarse = convolution(convolution(convolution(fine, 48, strides=2), 48), 48)
    together = convolution(fine + keras.layers.UpSampling2D()(convolution(coarse, 32, kernel=1)), 32)
    found = keras.layers.Reshape((-1, classes + 4))(keras.layers.Conv2D(classes + 4, 1)(together))
    return keras.Model(inputs, ops.concatenate([found, ops.zeros_like(found[..., :4]) + _cells(size)], axis=-1))


def _cells(size: tuple[int, int]) -> np.ndarray:
    """Return the centre and the sides of each cell of the grid, [H/4·W/4, 4]."""
    height, width = (side // STRIDE for side in size)
    y, x = np.indices((height, width)).reshape(2, -1)
    one = np.ones_like(x)
    return np.stack([(x + 0.5) / width, (y + 0.5) / height, one / width, one / height], axis=-1).astype("float32")
