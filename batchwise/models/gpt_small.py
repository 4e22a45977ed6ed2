"""A small GPT-2 (Radford et al. 2019): each token looks at itself and those before it, and tells the next one.

The blocks of `_transformer.py`; the table of tokens makes the outputs too (Press & Wolf 2016, arXiv 1608.05859),
without biases. With 12 layers of 768 units in 12 heads, 1,024 positions and 50,257 tokens it has the 124,439,808
weights of the smallest that was released.
"""

import keras
from pydantic import NonNegativeFloat, PositiveInt

from batchwise.models import _text, _transformer


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    units: PositiveInt,
    layers: PositiveInt,
    heads: PositiveInt,
    dropout: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Return the uncompiled network, [B, T] tokens → [B, T, outputs]: logits of the next token at each position.

    Tokens are below `outputs`. Padding on the right is seen by no token before it. `dropout` is the share of units that
    are dropped of what each block adds, and of what goes into the first. Raises ValueError for inputs that are no
    texts, `units` that are no multiple of `heads`, or a `dropout` of 1 or more.
    """
    inputs = _text.tokens(input_shape)
    computed = keras.config.dtype_policy().compute_dtype  # else the outputs are computed in that of the variables
    table = keras.layers.ReversibleEmbedding(
        outputs, units, embeddings_initializer=_transformer.started(), reverse_dtype=computed
    )
    hidden = _transformer.blocks(table(inputs), layers=layers, heads=heads, dropout=dropout)
    return keras.Model(inputs, table(hidden, reverse=True))
