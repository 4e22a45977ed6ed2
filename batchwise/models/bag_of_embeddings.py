"""The mean of the vectors of a text's tokens, and a linear output: fastText without n-grams, in no order of words.

Joulin et al. 2016 (arXiv 1607.01759), section 2. Padding does not count; the mean of a text without tokens is 0.
"""

import keras
from pydantic import NonNegativeFloat, PositiveInt

from batchwise.models import _text


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    vocabulary: PositiveInt,
    embedding_units: PositiveInt,
    dropout: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Return the uncompiled network, [B, T] tokens → [B, outputs], with logits for outputs.

    Tokens are below `vocabulary`; `dropout` is the share of the mean's units that are dropped. Raises ValueError for
    inputs that are no texts, or a `dropout` of 1 or more.
    """
    inputs = _text.tokens(input_shape)
    mean = _text.mean(keras.layers.Embedding(vocabulary, embedding_units)(inputs), _text.mask(inputs))
    return keras.Model(inputs, keras.layers.Dense(outputs)(_text.dropped(mean, dropout)))
