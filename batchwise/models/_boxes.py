"""What detectors share: the outputs of grids of places, each with its reference box, and normalisation of layers.

The outputs are those of batchwise/tasks/detection.py: C logits, four numbers of a box, and a reference box, which is
the cell of the place, at each place.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from batchwise.models import _layers
from batchwise.models._group_normalization import GroupNormalization

BOX = 8  # numbers of a place beside the logits
# The sigmoid of a logit is 0.1 at the start, for most places have no object (Lin et al. 2017, arXiv 1708.02002, section
# 4.1; Zhou et al. 2019, arXiv 1904.07850, section 5), and sides are those of e cells.
LOGIT, LOG_SIDE = -2.19, 1.0
GROUPS = 8
# Rows over which moving averages of batch normalisation forget a tenth. An image gives a channel thousands of values,
# and networks change fast where there are few images: with 128, as of CIFAR's, they lag.
DECAY_ROWS = 16


def images(input_shape: tuple[int, ...], multiple: int) -> keras.KerasTensor:
    """Return the input of a detector. Raises ValueError for no images, or sides that grids would not divide."""
    inputs = _layers.images(input_shape, multiple)
    height, width = input_shape[:2]
    if height % multiple or width % multiple:
        raise ValueError(f"the images are {height} × {width}; the sides must be multiples of {multiple}, as grids are")
    return inputs


Normalization = Literal["none", "batch", "group"]
Layer = Callable[..., keras.KerasTensor]


def layer(normalization: Normalization, normalization_batch: int) -> Layer:
    """Return what makes a convolution with its normalisation and a ReLU: of inputs, channels, size and strides.

    Raises ValueError for a normalisation batch where nothing is normalised over the batch.
    """
    if normalization != "batch" and normalization_batch:
        raise ValueError(
            f"normalization_batch is {normalization_batch}; it must be 0 where normalization is {normalization}"
        )

    def made(inputs: keras.KerasTensor, channels: int, size: int = 3, strides: int = 1) -> keras.KerasTensor:
        # With strides of 2 "same" takes pixels 2i … 2i + 2 of an even side, half a pixel beyond the middle of a pair.
        # With as many zeros on each side it would be half a pixel before it, and take longer.
        convolution = keras.layers.Conv2D(
            channels, size, strides, "same", use_bias=normalization == "none", kernel_initializer="he_normal"
        )
        hidden = convolution(inputs)
        if normalization == "batch":
            hidden = _layers.GhostBatchNormalization(normalization_batch, DECAY_ROWS)(hidden)
        if normalization == "group":
            hidden = GroupNormalization(GROUPS)(hidden)
        return ops.relu(hidden)

    return made


@keras.saving.register_keras_serializable("batchwise")
class Places(keras.layers.Layer):
    """Adds to what is put out at each place of a grid its reference box, its cell: [B, h, w, n] → [B, h·w, n + 4].

    It is the centre and the sides as fractions of an image of so many pixels; a cell has `stride` pixels to each side.
    """

    def __init__(self, stride: int, size: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.stride, self.size = stride, tuple(size)  # [height, width] of the image

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, from a file of the model."""
        return {**super().get_config(), "stride": self.stride, "size": self.size}

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[int | None, ...]:
        """Return the shape of the outputs, [B, h·w, n + 4]."""
        rows, height, width, numbers = input_shape
        return rows, height * width, numbers + 4

    def call(self, inputs: Any) -> Any:
        """Return what is put out at each place, and its reference box."""
        _, height, width, numbers = inputs.shape
        flat = ops.reshape(ops.cast(inputs, self.variable_dtype), (-1, height * width, numbers))
        cells = ops.convert_to_tensor(self._cells(height, width), flat.dtype)
        return ops.concatenate([flat, ops.broadcast_to(cells, (ops.shape(flat)[0], *cells.shape))], -1)

    def _cells(self, height: int, width: int) -> np.ndarray:
        """Return the cells, [h·w, 4]."""
        y, x = (
            (np.arange(places) + 0.5) * self.stride / size
            for places, size in zip((height, width), self.size, strict=True)
        )
        of_row = [self.stride / size for size in reversed(self.size)]
        cells = [(column, row, *of_row) for row in y for column in x]
        return np.array(cells)


def outputs(grids: Sequence[tuple[keras.KerasTensor, int]], numbers: int, size: Sequence[int]) -> keras.KerasTensor:
    """Return the outputs [B, P, numbers] of grids, each of features [B, h, w, C] with its stride in pixels."""
    # In float32, of which TensorFlow makes a list of numbers.
    start = np.array([LOGIT] * (numbers - BOX) + [0.0, 0.0, LOG_SIDE, LOG_SIDE], "float32")
    bias = keras.initializers.Constant(start.tolist())
    found = []
    for features, stride in grids:
        layer = keras.layers.Conv2D(numbers - BOX + 4, 1, kernel_initializer="he_normal", bias_initializer=bias)
        found.append(Places(stride, size)(layer(features)))
    return ops.concatenate(found, axis=1) if len(found) > 1 else found[0]
