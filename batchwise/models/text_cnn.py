"""The convolutional network of Kim 2014 (arXiv 1408.5882) for sentences, with vectors that start at random.

Section 3.1: filters for windows of 3, 4 and 5 tokens with 100 maps each, ReLU, the largest value of each map over time,
dropout of half of these, a linear output. Beyond a text there are zeros, of which windows around its first and last
tokens hold some; windows around padding do not count. Left out is the bound of 3 on the norm of the output's weights.
"""

import keras
from keras import ops
from pydantic import NonNegativeFloat, PositiveInt

from batchwise.models import _text

WINDOWS = (3, 4, 5)


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    vocabulary: PositiveInt,
    embedding_units: PositiveInt = 300,
    channels: PositiveInt = 100,
    dropout: NonNegativeFloat = 0.5,
) -> keras.Model:
    """Return the uncompiled network, [B, T] tokens → [B, outputs], with logits for outputs.

    Tokens are below `vocabulary`; there are `channels` maps for each size of window, and `dropout` is the share of
    their largest values that are dropped. Raises ValueError for inputs that are no texts, or a `dropout` of 1 or more.
    """
    inputs = _text.tokens(input_shape)
    of_tokens = _text.mask(inputs)
    hidden = _text.masked(keras.layers.Embedding(vocabulary, embedding_units)(inputs), of_tokens)
    largest = [_largest(hidden, channels, size, of_tokens) for size in WINDOWS]
    found = _text.dropped(ops.concatenate(largest, axis=-1), dropout)
    return keras.Model(inputs, keras.layers.Dense(outputs)(found))


def _largest(hidden: keras.KerasTensor, channels: int, size: int, of_tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Return the largest value of each map over the windows around tokens, [B, channels]; 0 if there are none."""
    maps = keras.layers.Conv1D(channels, size, padding="same", activation="relu", kernel_initializer="he_normal")
    return ops.max(_text.masked(maps(hidden), of_tokens), axis=1)
