"""Recurrent layers: Keras's own, with the same mathematics in fewer and larger products.

Keras's loop over time multiplies the inputs of each step by their kernel, and its gradient adds up those of all kernels
step by step. Here the loop has only what waits for the step before: the product with the recurrent kernel, and the
gates. The product of the inputs comes before the loop for all steps at once, and so do the gradients of kernels and
biases after it.

An update of an LSTM with 64 units and 50 steps takes 0.4 of the time of Keras's at a batch size of 2, 0.7 at 32, and as
long at 256, where half of it are products at nine tenths of the processor's peak. At 400 steps a process takes up to a
sixth more memory.
"""

from typing import Any

import keras
from keras import ops

from batchwise.models._recurrent_cells import GRU_CELL, LSTM_CELL, Cell, Tensors

if keras.backend.backend() == "tensorflow":
    from batchwise.models._recurrent_tensorflow import over_time
else:
    from batchwise.models._recurrent_jax import over_time


@keras.saving.register_keras_serializable("batchwise")
class LSTM(keras.layers.LSTM):
    """Keras's LSTM, with its weights, states and masks, and with its activations and biases as they are by default."""

    def build(self, sequences_shape: tuple[int | None, ...]) -> None:
        """Create the weights. Raises ValueError for options that this layer does not have."""
        _check(self)
        super().build(sequences_shape)

    def inner_loop(
        self, sequences: Any, initial_state: Tensors, mask: Any | None, training: bool = False
    ) -> tuple[Any, Any, Tensors]:
        """Return the last outputs [B, U], the outputs [B, T, U] and the last states of sequences [B, T, …]."""
        return _inner_loop(self, LSTM_CELL, sequences, None, self.cell.bias, initial_state, mask)


@keras.saving.register_keras_serializable("batchwise")
class GRU(keras.layers.GRU):
    """Keras's GRU, with its weights, states and masks, and with its activations and biases as they are by default."""

    def build(self, sequences_shape: tuple[int | None, ...]) -> None:
        """Create the weights. Raises ValueError for options that this layer does not have."""
        _check(self)
        super().build(sequences_shape)

    def inner_loop(
        self, sequences: Any, initial_state: Tensors, mask: Any | None, training: bool = False
    ) -> tuple[Any, Any, Tensors]:
        """Return the last outputs [B, U], the outputs [B, T, U] and the last states of sequences [B, T, …]."""
        of_inputs, of_product = ops.unstack(ops.convert_to_tensor(self.cell.bias))
        return _inner_loop(self, GRU_CELL, sequences, of_inputs, of_product, initial_state, mask)


def _check(layer: keras.layers.RNN) -> None:
    """Raise ValueError for options of Keras that would be ignored."""
    cell = layer.cell
    given = {"dropout": cell.dropout, "recurrent_dropout": cell.recurrent_dropout, "unroll": layer.unroll}
    for option, value in given.items():
        if value:
            raise ValueError(f"{option} is {value}; the recurrent layers of batchwise have none: use those of Keras")
    as_default = (cell.activation, cell.recurrent_activation) == (keras.activations.tanh, keras.activations.sigmoid)
    if not (as_default and cell.use_bias and getattr(cell, "reset_after", True)):
        raise ValueError(
            "activation must be tanh, recurrent_activation sigmoid, use_bias and reset_after true; for others use "
            "the recurrent layers of Keras"
        )


def _inner_loop(
    layer: keras.layers.RNN,
    cell: Cell,
    sequences: Any,
    input_bias: Any | None,
    bias: Any,
    states: Tensors,
    mask: Any | None,
) -> tuple[Any, Any, Tensors]:
    inputs = ops.transpose(sequences, (1, 0, 2))
    mask = None if mask is None else ops.transpose(ops.cast(mask, "bool"))[:, :, None]
    if layer.go_backwards:
        inputs, mask = ops.flip(inputs, 0), None if mask is None else ops.flip(mask, 0)
    inputs = ops.tensordot(inputs, ops.convert_to_tensor(layer.cell.kernel), 1)
    if input_bias is not None:
        inputs += input_bias
    kernel = ops.convert_to_tensor(layer.cell.recurrent_kernel)
    outputs, last = over_time(cell, inputs, kernel, ops.convert_to_tensor(bias), states, mask)
    if layer.zero_output_for_mask and mask is not None:
        outputs = ops.where(mask, outputs, ops.zeros_like(outputs))
        return outputs[-1], ops.transpose(outputs, (1, 0, 2)), last
    # Not outputs[-1], whose gradient would be an array of zeros for all steps but one.
    return last[0], ops.transpose(outputs, (1, 0, 2)), last
