"""What the networks for texts share: tokens, which of them are padding, means over tokens, and dropout by rows.

A text is a row of T whole numbers: 0 is padding, on the right, and each other one a token.
"""

import keras
from keras import ops

from batchwise.models._dropout import RowDropout


def tokens(input_shape: tuple[int, ...]) -> keras.KerasTensor:
    """Return the input of a network for texts, [B, T] int32. Raises ValueError if the inputs are no texts."""
    if len(input_shape) != 1:
        raise ValueError(f"the inputs have shape {input_shape}; it must be (tokens,): texts as whole numbers")
    return keras.Input(input_shape, dtype="int32")


def mask(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return which positions of texts are tokens, and no padding, [B, T] bool."""
    return ops.not_equal(inputs, 0)


def masked(hidden: keras.KerasTensor, of_tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Return the vectors of tokens, and zeros for padding, [B, T, units]."""
    return hidden * ops.expand_dims(ops.cast(of_tokens, hidden.dtype), -1)


def mean(hidden: keras.KerasTensor, of_tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean over the tokens of each text, [B, T, units] → [B, units]; of a text without tokens zeros."""
    count = ops.maximum(ops.sum(ops.cast(of_tokens, "int32"), 1, keepdims=True), 1)
    return ops.sum(masked(hidden, of_tokens), 1) / ops.cast(count, hidden.dtype)


def dropped(hidden: keras.KerasTensor, rate: float) -> keras.KerasTensor:
    """Return what dropout by rows leaves in training; raises ValueError as RowDropout does."""
    return RowDropout(rate)(hidden) if rate else hidden
