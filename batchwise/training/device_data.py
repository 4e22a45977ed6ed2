"""The rows of a data set on the device: images stay bytes until they are taken, standardised and augmented.

Whole numbers stay such if the model takes them: a float32 is exact below 2²⁴ only.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from batchwise.data.dataset import SPLITS
from batchwise.runtime.tensorflow import tf
from batchwise.training.device_rows import are_whole, statistics, type_of_labels
from batchwise.training.host_rows import HostRows


class Examples:
    """Inputs and labels of all splits, one after the other: the training rows come first."""

    def __init__(self, rows: HostRows, dtype: str, *, whole: bool = False, changing: bool = False) -> None:
        """`dtype` is that in which inputs are handed out, and labels that are no whole numbers.

        `whole`: the model takes whole numbers, tokens say; inputs that are some are handed out as int32, in which all
        are exact. `changing`: other rows may take the place of these, as many and of the same types.
        """
        self.dtype = dtype
        self.dtype_of_inputs = "int32" if whole and are_whole(rows.data) else dtype
        held = _tensors(rows, dtype, self.dtype_of_inputs)
        if changing:
            held = [tensor if tensor is None else tf.Variable(tensor, trainable=False) for tensor in held]
        self.inputs, self.labels, self.weights, self.mean, self.factor = self.held = held

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def replace(self, rows: HostRows) -> None:
        """Hold other rows, for the programs that were compiled with these too."""
        for variable, tensor in zip(self.held, _tensors(rows, self.dtype, self.dtype_of_inputs), strict=True):
            if variable is not None:
                variable.assign(tensor)

    def weighted(self, losses: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return the losses of training rows, each times the weight of its row, [B]."""
        return losses if self.weights is None else losses * tf.gather(self.weights, rows)

    def take(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of some rows, [B, …] and [B]."""
        return self._standardised(tf.gather(self.inputs, rows)), tf.gather(self.labels, rows)

    def first(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of the first rows."""
        return self._standardised(self.inputs[:number]), self.labels[:number]

    def parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        return (self.inputs.numpy(),)

    def _standardised(self, inputs: tf.Tensor) -> tf.Tensor:
        values = tf.cast(inputs, self.dtype_of_inputs)
        if self.mean is None:
            return values
        lines = tf.reshape(values, [-1, *self.mean.shape])
        return tf.reshape((lines - self.mean) * self.factor, [-1, *inputs.shape[1:]])


def _tensors(rows: HostRows, dtype: str, dtype_of_inputs: str) -> list[Any]:
    """Return inputs, labels, weights, and the mean and the inverse of the standard deviation of images."""
    data, inputs = rows.data, np.concatenate([getattr(rows.data, name).inputs for name in SPLITS])
    return [
        # Eagerly, a constant keeps a copy on the host beside it; what is made of it does not.
        tf.identity(tf.constant(inputs, "uint8" if inputs.dtype == np.uint8 else dtype_of_inputs)),
        tf.constant(rows.labels, type_of_labels(data, dtype)),
        *(None if values is None else tf.constant(values, dtype) for values in (rows.weights, *statistics(data))),
    ]
