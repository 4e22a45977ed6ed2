"""Recurrent layers over texts, one above the other, with dropout between them and none from step to step.

Zaremba et al. 2014 (arXiv 1409.2329), section 3.1: dropout of what goes from layer to layer, and to the output, keeps
what a layer remembers. Weights start as Keras has them: kernels as Glorot & Bengio 2010 propose, recurrent ones
orthogonal, biases at 0, those of an LSTM's forget gate at 1 (Jozefowicz et al. 2015). Padding changes no state.
"""

from collections.abc import Callable
from typing import Any

import keras

from batchwise.models import _text

Recurrent = Callable[..., keras.Layer]  # LSTM or GRU of _recurrent.py


def states(
    layer: Recurrent,
    hidden: keras.KerasTensor,
    *,
    units: int,
    layers: int,
    dropout: float,
    of_tokens: keras.KerasTensor | None = None,
    bidirectional: bool = False,
    at_each: bool = False,
) -> keras.KerasTensor:
    """Return what layers make of vectors of tokens: the last state, [B, units], or that `at_each` token, [B, T, units].

    `of_tokens` [B, T] says which positions are tokens; None: padding counts as tokens do. With `bidirectional` each
    layer reads both ways, and the states of both are side by side. Dropout comes before each layer and after the last.
    """
    for number in range(layers):
        # Keras's fused kernel of a GPU cannot be compiled into a program with the updates.
        made = layer(units, return_sequences=at_each or number < layers - 1, use_cudnn=False)
        made = keras.layers.Bidirectional(made) if bidirectional else made
        hidden = made(_text.dropped(hidden, dropout), mask=of_tokens)
    return _text.dropped(hidden, dropout)


def classifier(
    layer: Recurrent,
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    vocabulary: int,
    embedding_units: int,
    **options: Any,
) -> keras.Model:
    """Return the network from texts, [B, T], to outputs of the last state; `options` are those of `states`."""
    inputs = _text.tokens(input_shape)
    hidden = keras.layers.Embedding(vocabulary, embedding_units)(inputs)
    hidden = states(layer, hidden, of_tokens=_text.mask(inputs), **options)
    return keras.Model(inputs, keras.layers.Dense(outputs)(hidden))
