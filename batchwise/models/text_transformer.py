"""A small encoder: the blocks of `_transformer.py`, in which each token looks at all of its text, then their mean."""

import keras
from pydantic import NonNegativeFloat, PositiveInt

from batchwise.models import _text, _transformer


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    vocabulary: PositiveInt,
    units: PositiveInt,
    layers: PositiveInt,
    heads: PositiveInt,
    dropout: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Return the uncompiled network, [B, T] tokens → [B, outputs], with logits for outputs.

    Tokens are below `vocabulary`; no token looks at padding, which the mean leaves out too. `dropout` is the share of
    units that are dropped of what each block adds, and of what goes into the first. Raises ValueError for inputs that
    are no texts, `units` that are no multiple of `heads`, or a `dropout` of 1 or more.
    """
    inputs = _text.tokens(input_shape)
    of_tokens = _text.mask(inputs)
    table = keras.layers.Embedding(vocabulary, units, embeddings_initializer=_transformer.started())
    hidden = _transformer.blocks(table(inputs), layers=layers, heads=heads, dropout=dropout, of_tokens=of_tokens)
    return keras.Model(inputs, keras.layers.Dense(outputs)(_text.mean(hidden, of_tokens)))
