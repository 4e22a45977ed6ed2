"""The loop over time of a recurrent layer on TensorFlow, and a loop of its own for its gradient."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from batchwise.models._recurrent_cells import Cell

Tensors = list[tf.Tensor]
# XLA on a CPU reads and writes a step of an array in float32: of one in bfloat16 it would convert all steps at each,
# which at 400 takes 70 times as long.
BITS = {tf.bfloat16: tf.uint16}


def over_time(
    cell: Cell, inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, states: Tensors, mask: tf.Tensor | None
) -> tuple[tf.Tensor, Tensors]:
    """Return the outputs of all steps, [T, B, U], and the last states, [B, U] each.

    `inputs` are [T, B, G], `kernel` is [U, G] and `bias` [G]: a step is given its inputs and output · kernel + bias.
    Where `mask`, [T, B, 1], is False, a row keeps its states.
    """
    # Where a model is called outside of a program, to be looked at, a loop in Python would take 16 times as long.
    run = _in_graph if tf.executing_eagerly() else _over_time
    return run(cell, inputs, tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias), states, mask)


def _over_time(
    cell: Cell, inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, states: Tensors, mask: tf.Tensor | None
) -> tuple[tf.Tensor, Tensors]:
    """Return what `over_time` does, with a gradient that goes back through the steps in a loop of its own."""

    @tf.custom_gradient
    def run(inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, *start: tf.Tensor) -> Any:
        outputs, last, kept = _forward(cell, inputs, kernel, bias, list(start), mask)

        def gradient(of_outputs: tf.Tensor, *of_last: tf.Tensor) -> Tensors:
            of_start, changes = _backward(cell, kernel, kept, of_outputs, list(of_last), mask)
            before = tf.concat([start[0][None], outputs[:-1]], 0)
            of_kernel = tf.matmul(_rows(before), _rows(changes[-1]), transpose_a=True)
            return [changes[0], of_kernel, tf.reduce_sum(changes[-1], [0, 1]), *of_start]

        return [outputs, *last], gradient

    outputs, *last = run(inputs, kernel, bias, *states)
    return outputs, last


_in_graph = tf.function(_over_time, autograph=False)


def _forward(
    cell: Cell, inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, start: Tensors, mask: tf.Tensor | None
) -> tuple[tf.Tensor, Tensors, Tensors]:
    """Return the outputs of all steps, the last states, and what the gradient needs of all steps, as bits."""
    bits = _bits(inputs)

    def step(time: tf.Tensor, states: Tensors, arrays: list[tf.TensorArray]) -> tuple[tf.Tensor, Tensors, list[Any]]:
        now, kept = cell.step(_numbers(bits[time], inputs.dtype), tf.matmul(states[0], kernel) + bias, states)
        if mask is not None:
            now = [tf.where(mask[time], new, old) for new, old in zip(now, states, strict=True)]
        return time + 1, now, _written(arrays, time, [now[0], *kept])

    arrays = [_array(inputs, width * kernel.shape[0]) for width in (1, *cell.kept)]
    _, last, arrays = _loop(inputs.shape[0], step, start, arrays)
    outputs, *kept = [array.stack() for array in arrays]
    return _numbers(outputs, inputs.dtype), last, kept


def _backward(
    cell: Cell, kernel: tf.Tensor, kept: Tensors, of_outputs: tf.Tensor, of_last: Tensors, mask: tf.Tensor | None
) -> tuple[Tensors, Tensors]:
    """Return the gradients of the first states, and those of the inputs and of the products of all steps."""
    steps, transposed, dtype = of_outputs.shape[0], tf.transpose(kernel), of_outputs.dtype
    bits = _bits(of_outputs)

    def step(
        number: tf.Tensor, of_states: Tensors, arrays: list[tf.TensorArray]
    ) -> tuple[tf.Tensor, Tensors, list[Any]]:
        time = steps - 1 - number
        of_states = [of_states[0] + _numbers(bits[time], dtype), *of_states[1:]]
        through = of_states
        if mask is not None:
            through = [tf.where(mask[time], values, tf.zeros_like(values)) for values in of_states]
        before, changes = cell.gradient(through, [_numbers(values[time], dtype) for values in kept])
        before[0] += tf.matmul(changes[-1], transposed)
        if mask is not None:
            before = [tf.where(mask[time], new, old) for new, old in zip(before, of_states, strict=True)]
        return number + 1, before, _written(arrays, time, changes)

    arrays = [_array(of_outputs, kernel.shape[1]) for _ in range(cell.gradients)]
    _, of_start, arrays = _loop(steps, step, of_last, arrays)
    return of_start, [_numbers(array.stack(), dtype) for array in arrays]


def _loop(steps: int, step: Callable[..., Any], states: Tensors, arrays: list[tf.TensorArray]) -> Any:
    return tf.while_loop(
        lambda number, *_: number < steps, step, (tf.constant(0), states, arrays), parallel_iterations=1
    )


def _array(like: tf.Tensor, width: int) -> tf.TensorArray:
    """Return room for the bits of a tensor [B, width] of each step, of the type of another that is [T, B, …]."""
    return tf.TensorArray(BITS.get(like.dtype, like.dtype), like.shape[0], element_shape=[like.shape[1], width])


def _written(arrays: list[tf.TensorArray], time: tf.Tensor, tensors: Tensors) -> list[tf.TensorArray]:
    return [array.write(time, _bits(tensor)) for array, tensor in zip(arrays, tensors, strict=True)]


def _bits(tensor: tf.Tensor) -> tf.Tensor:
    """Return a tensor as its steps are read and written: as numbers, or as the bits of them."""
    return tf.bitcast(tensor, BITS[tensor.dtype]) if tensor.dtype in BITS else tensor


def _numbers(bits: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return tf.bitcast(bits, dtype) if bits.dtype != dtype else bits


def _rows(tensor: tf.Tensor) -> tf.Tensor:  # [T, B, …] → [T · B, …]
    return tf.reshape(tensor, [-1, tensor.shape[-1]])
