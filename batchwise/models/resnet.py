"""The residual networks for CIFAR of He et al. 2015 (arXiv 1512.03385), section 4.2, for images of any size.

6n + 2 layers: a 3×3 convolution, three stages of n blocks of two 3×3 convolutions with 16, 32 and 64 channels, the mean
over the image, and a dense layer. The first block of the second and of the third stage halves the image. Shortcuts are
option A: identity, and where the image is halved, every second row and column, with zeros for the new channels; they
have no weights.

Masters & Luschi 2018 (arXiv 1804.07612, section 3.1) train depths 8, 20 and 32. All weights start as in `_layers.py`,
those of the dense layer too.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import keras
from keras import ops
from pydantic import NonNegativeInt

from batchwise.models import _layers

Convolution = Callable[..., keras.KerasTensor]  # that of _layers, with a normalisation


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    depth: Literal[8, 14, 20, 26, 32, 44, 56, 110],
    normalization: Literal["none", "batch"],
    normalization_batch: NonNegativeInt = 0,
) -> keras.Model:
    """Return the uncompiled network, [B, H, W, C] → [B, outputs], with logits for outputs.

    Batch normalisation follows each convolution; it takes the statistics of `normalization_batch` rows, 0 for those of
    the whole batch. The depth is 6n + 2. Raises ValueError for inputs that are no images, or a
    `normalization_batch` without normalisation.
    """
    _layers.check(normalization, normalization_batch)
    convolution = partial(
        _layers.convolution, normalised=normalization == "batch", normalization_batch=normalization_batch
    )
    inputs = _layers.images(input_shape)
    hidden = ops.relu(convolution(inputs, 16, 3))
    for channels in (16, 32, 64):
        for block in range(depth // 6):
            hidden = _block(hidden, channels, strides=2 if channels > 16 and block == 0 else 1, convolution=convolution)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="he_normal")(hidden))


def _block(inputs: keras.KerasTensor, channels: int, *, strides: int, convolution: Convolution) -> keras.KerasTensor:
    hidden = ops.relu(convolution(inputs, channels, 3, strides=strides))
    hidden = convolution(hidden, channels, 3)
    return ops.relu(hidden + (_halved(inputs, channels) if strides > 1 else inputs))


def _halved(inputs: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    # Pooling over one pixel takes every second one, as a slice does, and its gradient is faster.
    kept = keras.layers.AveragePooling2D(1, strides=2)(inputs)
    return ops.pad(kept, [[0, 0], [0, 0], [0, 0], [0, channels - inputs.shape[-1]]])
