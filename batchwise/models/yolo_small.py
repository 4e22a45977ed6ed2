"""A small detector on grids of cells: YOLO (Redmon et al. 2016, arXiv 1506.02640) without anchors, as YOLOX has it.

A cell says where a box is from its own centre, and how large it is (Ge et al. 2021, arXiv 2107.08430, section 2.1). On
three scales, cells of 8, 16 and 32 pixels, what is seen at the coarse ones is added to the finer ones (feature pyramid;
Lin et al. 2017, arXiv 1612.03144, section 3); on one, of 8 pixels, more convolutions see about as far. Other than in
YOLO the classes of a cell are chances of their own, without one for any object, and there is ReLU, not YOLOX's SiLU,
which takes a CPU three times as long. 148,293 trainable weights for three classes on three scales with batch
normalisation, 111,831 on one.
"""

from typing import Literal

import keras
from pydantic import NonNegativeInt

from batchwise.models import _boxes

PYRAMID = 32  # channels


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    normalization: Literal["none", "batch", "group"],
    scales: Literal[1, 3] = 3,
    normalization_batch: NonNegativeInt = 0,
) -> keras.Model:
    """Return the uncompiled network, [B, H, W, C] → [B, places, outputs]: H·W/64 places, and of 3 scales 21/16 as many.

    Batch normalisation takes the statistics of `normalization_batch` rows, 0 for those of the whole batch. Raises
    ValueError for inputs that are no images, or sides that are no multiples of 32, of 8 on one scale.
    """
    inputs = _boxes.images(input_shape, multiple=8 if scales == 1 else 32)
    layer = _boxes.layer(normalization, normalization_batch)
    fine = layer(layer(layer(layer(inputs, 16, strides=2), 32, strides=2), 32), 48, strides=2)
    if scales == 1:
        grids = [(layer(layer(layer(fine, 64), 64), PYRAMID), 8)]
    else:
        fine = layer(fine, 48)
        middle = layer(fine, 64, strides=2)
        grids = _pyramid([(layer(middle, 64, strides=2), 32), (middle, 16), (fine, 8)], layer)
    return keras.Model(inputs, _boxes.outputs(grids, outputs, input_shape[:2]))


def _pyramid(levels: list[tuple[keras.KerasTensor, int]], layer: _boxes.Layer) -> list[tuple[keras.KerasTensor, int]]:
    """Return features of each level, the coarsest first, with what is seen at the coarser ones."""
    above, grids = None, []
    for features, stride in levels:
        beside = layer(features, PYRAMID, 1)
        above = beside if above is None else beside + keras.layers.UpSampling2D()(above)
        grids.append((layer(above, PYRAMID), stride))
    return grids[::-1]
