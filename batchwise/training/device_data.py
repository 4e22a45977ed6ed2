"""The rows of a data set on the device: images stay bytes until they are taken, standardised and augmented."""

import numpy as np

from batchwise.data.dataset import SPLITS, DataSet
from batchwise.runtime.tensorflow import tf


class Examples:
    """Inputs and labels of all splits, one after the other: the training rows come first."""

    def __init__(self, data: DataSet, dtype: str) -> None:
        """`dtype` is that in which inputs are handed out."""
        inputs, labels = ([getattr(getattr(data, name), key) for name in SPLITS] for key in ("inputs", "labels"))
        bytes_ = data.train.inputs.dtype == np.uint8
        self.dtype = dtype
        # Eagerly, a constant keeps a copy on the host beside it; what is made of it does not.
        self.inputs = tf.identity(tf.constant(np.concatenate(inputs), "uint8" if bytes_ else dtype))
        self.labels = tf.constant(np.concatenate(labels), "int32")
        self.scaling = None if data.mean is None or data.std is None else _constants(data.mean, data.std, dtype)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of some rows, [B, …] and [B]."""
        return self._standardised(tf.gather(self.inputs, rows)), tf.gather(self.labels, rows)

    def first(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of the first rows."""
        return self._standardised(self.inputs[:number]), self.labels[:number]

    def _standardised(self, inputs: tf.Tensor) -> tf.Tensor:
        inputs = tf.cast(inputs, self.dtype)
        if self.scaling is None:
            return inputs
        mean, factor = self.scaling
        return (inputs - mean) * factor


def augment(images: tf.Tensor, draws: tf.Tensor, pad: int) -> tf.Tensor:
    """Return standardised images [B, H, W, C], padded by zeros (the mean colour), cropped and flipped, [B, H, W, C].

    `draws` are those of augmentation.py, [B, 3]: first row, first column, and whether the crop is flipped.
    """
    height, width = images.shape[1:3]
    across = tf.range(width)
    columns = draws[:, 1:2] + tf.where(draws[:, 2:3] > 0, width - 1 - across, across)  # [B, W]
    padded = tf.pad(images, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    cropped = tf.gather(padded, draws[:, 0:1] + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(cropped, columns, axis=2, batch_dims=1)


def _constants(mean: np.ndarray, std: np.ndarray, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(mean, dtype), tf.constant(1 / std.astype("float64"), dtype)
