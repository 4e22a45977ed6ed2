"""The rows of a data set on the device: as those of TensorFlow (training/device_data.py), with the same bits."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from batchwise.data.dataset import SPLITS
from batchwise.runtime.jax import jax
from batchwise.training.device_rows import are_whole, statistics, type_of_labels
from batchwise.training.host_rows import HostRows

Array = Any  # of JAX


class Examples(NamedTuple):
    """Inputs and labels of all splits, one after the other, the training rows first: an argument of programs."""

    inputs: Array  # [N, …], of the type in which they are handed out; images stay bytes until they are taken
    labels: Array
    weights: Array | None  # of the training rows
    mean: Array | None  # [width · channels], of images
    factor: Array | None  # the inverse of their standard deviation

    @property
    def dtype_of_inputs(self) -> str:
        """The type in which inputs that are no images are handed out."""
        return str(self.inputs.dtype)

    def parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits."""
        return (np.asarray(self.inputs),)

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return the standardised inputs and the labels of some rows, [B, …] and [B, …]."""
        return self._standardised(_taken(self.inputs, rows)), _taken(self.labels, rows)

    def weighted(self, losses: Array, rows: Array) -> Array:
        """Return the losses of training rows, each times the weight of its row, [B]."""
        return losses if self.weights is None else losses * _taken(self.weights, rows)

    def _standardised(self, inputs: Array) -> Array:
        if self.mean is None or self.factor is None:
            return inputs
        lines = inputs.astype(self.mean.dtype).reshape(-1, *self.mean.shape)
        return ((lines - self.mean) * self.factor).reshape(inputs.shape)


def of_rows(rows: HostRows, dtype: str, *, whole: bool) -> Examples:
    """Return rows on the device; `dtype` and `whole` as those of TensorFlow's."""
    data, inputs = rows.data, np.concatenate([getattr(rows.data, name).inputs for name in SPLITS])
    of_inputs = "int32" if whole and are_whole(data) else dtype
    on_device = jax.numpy.asarray
    others = [None if values is None else on_device(values, dtype) for values in (rows.weights, *statistics(data))]
    return Examples(
        on_device(inputs, "uint8" if data.mean is not None and inputs.dtype == np.uint8 else of_inputs),
        on_device(rows.labels, type_of_labels(data, dtype)),
        *others,
    )


def _taken(values: Array, rows: Array) -> Array:
    return values.at[rows].get(mode="promise_in_bounds")
