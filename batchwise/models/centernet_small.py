"""A small detector of objects as points (CenterNet; Zhou et al. 2019, arXiv 1904.07850), on one grid of 4-pixel cells.

Three convolutions halve the image three times, with 16, 32 and 48 channels; what is seen at the coarsest is added to
what is seen before, as in a feature pyramid (Lin et al. 2017, arXiv 1612.03144, section 3). 81,111 trainable weights
for three classes, with batch normalisation.
"""

from typing import Literal

import keras
from pydantic import NonNegativeInt

from batchwise.models import _boxes


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    normalization: Literal["none", "batch", "group"],
    normalization_batch: NonNegativeInt = 0,
) -> keras.Model:
    """Return the uncompiled network, [B, H, W, C] → [B, ⌈H/4⌉·⌈W/4⌉, outputs].

    Batch normalisation takes the statistics of `normalization_batch` rows, 0 for those of the whole batch. Raises
    ValueError for inputs that are no images, or sides that are no multiples of 8.
    """
    inputs = _boxes.images(input_shape, multiple=8)
    layer = _boxes.layer(normalization, normalization_batch)
    fine = layer(layer(layer(inputs, 16, strides=2), 32, strides=2), 32)
    coarse = layer(layer(layer(fine, 48, strides=2), 48), 48)
    together = layer(fine + keras.layers.UpSampling2D()(layer(coarse, 32, 1)), 32)
    return keras.Model(inputs, _boxes.outputs([(together, 4)], outputs, input_shape[:2]))
