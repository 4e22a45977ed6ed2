"""The reduced AlexNet of Masters & Luschi 2018 (arXiv 1804.07612), section 3.1, for images of any size from 15 × 15.

The paper states: five convolutions with stride 1, sizes 5, 3, 3, 3, 3 and 16, 48, 96, 64, 64 channels; max pools 3×3
with stride 2; 256 units in each fully-connected layer; weights that start as in He et al. 2015 (arXiv 1502.01852);
batch normalisation in all of these layers, or (section 3.3) after the convolutions only.

It leaves open, and here it is as in AlexNet (Krizhevsky et al. 2012, section 3.5) where that says anything:

* the pools follow convolutions 1, 2 and 5, and are not padded (32 × 32 becomes 15, 7 and 3);
* two fully-connected hidden layers;
* convolutions are padded by zeros and keep the size of the image;
* in a layer: weights, normalisation, ReLU, then the pool; no local response normalisation;
* dropout, which AlexNet has after both hidden layers and the paper does not mention: 0 unless it is asked for;
* biases only where no normalisation follows; the last layer, with biases, starts like the others.
"""

from functools import partial
from typing import Literal

import keras
from keras import ops
from pydantic import NonNegativeFloat, NonNegativeInt

from batchwise.models import _layers

# Channels, size, and whether a pool follows.
CONVOLUTIONS = ((16, 5, True), (48, 3, True), (96, 3, False), (64, 3, False), (64, 3, True))
HIDDEN_UNITS = (256, 256)


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    normalization: Literal["none", "batch", "batch_conv_only"],
    normalization_batch: NonNegativeInt = 0,
    dropout: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Return the uncompiled network, [B, H, W, C] → [B, outputs], with logits for outputs.

    Batch normalisation takes the statistics of `normalization_batch` rows, 0 for those of the whole batch. `dropout`
    is the share of hidden units that are dropped. Raises ValueError for inputs that are no images or too small for
    three pools, a `normalization_batch` without normalisation, or a `dropout` of 1 or more.
    """
    _layers.check(normalization, normalization_batch)
    if dropout >= 1:
        raise ValueError(f"dropout is {dropout}; it must be 0 or more, and less than 1")
    inputs = hidden = _layers.images(input_shape, smallest=15)
    convolution = partial(
        _layers.convolution, normalised=normalization != "none", normalization_batch=normalization_batch
    )
    for channels, size, pooled in CONVOLUTIONS:
        hidden = ops.relu(convolution(hidden, channels, size))
        if pooled:
            hidden = keras.layers.MaxPooling2D(3, strides=2)(hidden)
    hidden = keras.layers.Flatten()(hidden)
    for units in HIDDEN_UNITS:
        hidden = _dense(hidden, units, normalised=normalization == "batch", normalization_batch=normalization_batch)
        hidden = keras.layers.Dropout(dropout)(ops.relu(hidden)) if dropout else ops.relu(hidden)
    return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="he_normal")(hidden))


def _dense(inputs: keras.KerasTensor, units: int, *, normalised: bool, normalization_batch: int) -> keras.KerasTensor:
    outputs = keras.layers.Dense(units, use_bias=not normalised, kernel_initializer="he_normal")(inputs)
    return _layers.GhostBatchNormalization(normalization_batch)(outputs) if normalised else outputs
