"""ResNet-50 of He et al. 2015 (arXiv 1512.03385), table 1, for images of about 224 × 224.

A 7×7 convolution and a 3×3 max pool, which halve the image each, then four stages of 3, 4, 6 and 3 blocks of a 1×1, a
3×3 and a 1×1 convolution, the mean over the image, and a dense layer. Stages but the first halve the image. The
shortcut of the first block of each stage is a 1×1 convolution (option B).

In a block that halves, He's released network does so in the first 1×1 convolution. Here, as in Goyal et al. 2017 (arXiv
1706.02677, section 5.1) and torchvision, the 3×3 one does. All weights start as in `_layers.py`, those of the dense
layer too, and γ at 1.
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
    normalization: Literal["none", "batch"],
    normalization_batch: NonNegativeInt = 0,
) -> keras.Model:
    """Return the uncompiled network, [B, H, W, C] → [B, outputs], with logits for outputs.

    Batch normalisation follows each convolution; it takes the statistics of `normalization_batch` rows, 0 for those of
    the whole batch. Raises ValueError for inputs that are no images, or a `normalization_batch` without normalisation.
    """
    _layers.check(normalization, normalization_batch)
    convolution = partial(
        _layers.convolution, normalised=normalization == "batch", normalization_batch=normalization_batch
    )
    inputs = _layers.images(input_shape)
    hidden = ops.relu(convolution(inputs, 64, 7, strides=2))
    # Zeros never are the largest alone: no value is below 0 after ReLU.
    hidden = keras.layers.MaxPooling2D(3, strides=2)(keras.layers.ZeroPadding2D(1)(hidden))
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            strides = 2 if stage and not block else 1
            hidden = _block(hidden, 64 * 2**stage, strides=strides, projected=not block, convolution=convolution)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="he_normal")(hidden))


def _block(
    inputs: keras.KerasTensor, channels: int, *, strides: int, projected: bool, convolution: Convolution
) -> keras.KerasTensor:
    hidden = ops.relu(convolution(inputs, channels, 1))
    hidden = ops.relu(convolution(hidden, channels, 3, strides=strides))
    hidden = convolution(hidden, 4 * channels, 1)
    shortcut = convolution(inputs, 4 * channels, 1, strides=strides) if projected else inputs
    return ops.relu(hidden + shortcut)
