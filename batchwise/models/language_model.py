"""Long short-term memory that tells the next token of a text at each of its positions, as Zaremba et al. 2014 have it.

arXiv 1409.2329; see `_recurrent_stack.py`. The weights of the output are its own, and not those of the table of
tokens. It starts with an empty state at each row.
"""

import keras
from pydantic import NonNegativeFloat, PositiveInt

from batchwise.models import _recurrent, _recurrent_stack, _text


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    embedding_units: PositiveInt,
    units: PositiveInt,
    layers: PositiveInt = 1,
    dropout: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Return the uncompiled network, [B, T] tokens → [B, T, outputs]: logits of the next token at each position.

    Tokens are below `outputs`. Padding on the right comes after all that counts. `dropout` is the share that is dropped
    of the inputs of each layer and of the last one's states. Raises ValueError for inputs that are no texts, or a
    `dropout` of 1 or more.
    """
    inputs = _text.tokens(input_shape)
    hidden = keras.layers.Embedding(outputs, embedding_units)(inputs)
    hidden = _recurrent_stack.states(_recurrent.LSTM, hidden, units=units, layers=layers, dropout=dropout, at_each=True)
    return keras.Model(inputs, keras.layers.Dense(outputs)(hidden))
