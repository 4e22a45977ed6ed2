"""Dropout whose mask belongs to a row: a function of (seed, epoch, row, layer, unit), and of no batch.

Keras's own Dropout draws a mask for each pass from a state that goes on from pass to pass: the mask of a row depends on
the batch size, and a batch that is computed in parts has others than the whole. Here a row has the same mask in each of
them, and each of its numbers is a hash in whole numbers of 32 bits, which are the same with XLA and without.
"""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("batchwise")
class RowDropout(keras.layers.Layer):
    """Sets a share `rate` of the units of each row, [B, …], to 0 in training, and scales the others by 1 / (1 − rate).

    Srivastava et al. 2014 (JMLR 15, section 4), scaled in training, so that inference changes nothing. Each number of a
    row is a unit: of a text each feature of each token. `row_keys` are given by who trains, before each pass in
    training (batchwise/training/row_keys.py); a pass without them raises ValueError. Two calls of one layer in a pass
    have the same mask.
    """

    def __init__(self, rate: float, **options: Any) -> None:
        """Raise ValueError unless `rate` is from 0 to less than 1."""
        super().__init__(**options)
        if not 0 <= rate < 1:
            raise ValueError(f"dropout is {rate}; it must be 0 or more, and less than 1")
        self.rate = rate
        self.row_keys: Any = None  # [B] uint32, those of the rows of a batch, for this layer alone
        self.supports_masking = True

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, from a file of the model."""
        return {**super().get_config(), "rate": self.rate}

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the inputs: the outputs have the same."""
        return input_shape

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs with some units of each row set to 0, in training; else as they are."""
        if not (training and self.rate):
            return inputs
        if self.row_keys is None:
            raise ValueError(f"the layer {self.name} drops units by rows, and has no keys of rows in this pass")
        kept = ops.reshape(kept_units(self.row_keys, int(np.prod(inputs.shape[1:])), self.rate), ops.shape(inputs))
        return ops.where(kept, inputs * ops.cast(np.float32(1 / (1 - self.rate)), inputs.dtype), ops.zeros_like(inputs))


def kept_units(row_keys: Any, units: int, rate: float) -> Any:
    """Return which units of each row are kept, [B, units] bool, of keys of rows [B] uint32."""
    of_rows, of_units = _mixed(row_keys), _mixed(ops.cast(ops.arange(units), "uint32"))
    numbers = _mixed(ops.bitwise_xor(of_rows[:, None], of_units[None]))
    return numbers >= np.uint32(round(rate * 2**32))


def _mixed(numbers: Any) -> Any:
    """Return a hash of each number, uint32: a bijection in which each bit changes half of all bits.

    The constants are those of the best one of two rounds that a search has found (Wellons 2018, "Prospecting for hash
    functions", https://nullprogram.com/blog/2018/07/31/, lowbias32).
    """
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        numbers = _folded(numbers, shift) * np.uint32(factor)
    return _folded(numbers, 16)


def _folded(numbers: Any, shift: int) -> Any:
    return ops.bitwise_xor(numbers, ops.right_shift(numbers, np.uint32(shift)))
