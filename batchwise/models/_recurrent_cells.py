"""What a step of a recurrent layer computes, and its gradient, on any engine."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

Tensors = list[Any]


class Cell(NamedTuple):
    """What a step computes, of B rows and U units; the first state is the output."""

    # (inputs [B, G], product [B, G], states) → states, and what the gradient needs of them
    step: Callable[[Any, Any, Tensors], tuple[Tensors, Tensors]]
    # (gradients of the states, what was kept) → those of the states before, without what comes through the product,
    # and those of the inputs and of the product: one, if they are the same
    gradient: Callable[[Tensors, Tensors], tuple[Tensors, Tensors]]
    kept: tuple[int, ...]  # widths of what is kept, in units
    gates: int  # G / U
    gradients: int  # 1 where the gradients of inputs and product are the same, else 2


def _lstm_step(inputs: Any, product: Any, states: Tensors) -> tuple[Tensors, Tensors]:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; gates in Keras's order."""
    _, before = states
    enter, keep, new, leave = ops.split(inputs + product, 4, 1)
    enter, keep, new, leave = ops.sigmoid(enter), ops.sigmoid(keep), ops.tanh(new), ops.sigmoid(leave)
    cell = keep * before + enter * new
    squashed = ops.tanh(cell)
    return [leave * squashed, cell], [ops.concatenate([enter, keep, new, leave], 1), before, squashed]


def _lstm_gradient(of_states: Tensors, kept: Tensors) -> tuple[Tensors, Tensors]:
    of_output, of_cell = of_states
    gates, before, squashed = kept
    enter, keep, new, leave = ops.split(gates, 4, 1)
    of_cell = of_cell + of_output * leave * (1 - squashed * squashed)
    changes = [
        of_cell * new * enter * (1 - enter),
        of_cell * before * keep * (1 - keep),
        of_cell * enter * (1 - new * new),
        of_output * squashed * leave * (1 - leave),
    ]
    return [ops.zeros_like(of_output), of_cell * keep], [ops.concatenate(changes, 1)]


def _gru_step(inputs: Any, product: Any, states: Tensors) -> tuple[Tensors, Tensors]:
    """Cho et al. 2014 (arXiv 1406.1078), with the reset gate after the product as in cuDNN; gates in Keras's order."""
    [before] = states
    update, reset, new = ops.split(inputs, 3, 1)
    of_update, of_reset, of_new = ops.split(product, 3, 1)
    update, reset = ops.sigmoid(update + of_update), ops.sigmoid(reset + of_reset)
    new = ops.tanh(new + reset * of_new)
    return [update * before + (1 - update) * new], [ops.concatenate([update, reset, new, of_new], 1), before]


def _gru_gradient(of_states: Tensors, kept: Tensors) -> tuple[Tensors, Tensors]:
    [of_output] = of_states
    gates, before = kept
    update, reset, new, of_new = ops.split(gates, 4, 1)
    change = of_output * (1 - update) * (1 - new * new)
    of_gates = [of_output * (before - new) * update * (1 - update), change * of_new * reset * (1 - reset)]
    return [of_output * update], [
        ops.concatenate([*of_gates, change], 1),
        ops.concatenate([*of_gates, change * reset], 1),
    ]


LSTM_CELL = Cell(_lstm_step, _lstm_gradient, kept=(4, 1, 1), gates=4, gradients=1)
GRU_CELL = Cell(_gru_step, _gru_gradient, kept=(4, 1), gates=3, gradients=2)
