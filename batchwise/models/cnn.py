"""A small convolutional network: two convolutions of 3×3, each followed by ReLU, then the mean over all pixels.

For small images, of 8×8 pixels say. Its weights start as in `_layers.py`.
"""

import math
from functools import partial
from typing import Literal

import keras
from keras import ops
from pydantic import NonNegativeInt, PositiveInt

from batchwise.models import _layers


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    channels: PositiveInt,
    normalization: Literal["none", "batch"],
    normalization_batch: NonNegativeInt = 0,
) -> keras.Model:
    """Return the uncompiled network, [B, H, W, C] or [B, H·H] → [B, outputs], with logits for outputs.

    The second convolution has twice the `channels` of the first, and halves the image. Batch normalisation follows each
    of them; it takes the statistics of `normalization_batch` rows, 0 for those of the whole batch. Raises ValueError
    for inputs that are no images, or a `normalization_batch` without normalisation.
    """
    _layers.check(normalization, normalization_batch)
    convolution = partial(
        _layers.convolution, normalised=normalization == "batch", normalization_batch=normalization_batch
    )
    inputs, images = _images(input_shape)
    hidden = ops.relu(convolution(images, channels, 3))
    hidden = ops.relu(convolution(hidden, 2 * channels, 3, strides=2))
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="he_normal")(hidden))


def _images(input_shape: tuple[int, ...]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input, and the same as images: a row of H·H numbers is an image of one channel, line by line."""
    if len(input_shape) != 1:
        inputs = _layers.images(input_shape)
        return inputs, inputs
    side = math.isqrt(input_shape[0])
    if side**2 != input_shape[0]:
        raise ValueError(f"the inputs have {input_shape[0]} numbers, which are no square image")
    inputs = keras.Input(input_shape)
    return inputs, keras.layers.Reshape((side, side, 1))(inputs)
