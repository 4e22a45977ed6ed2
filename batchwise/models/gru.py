"""Gated recurrent units over a text, and a linear output of their last state.

Cho et al. 2014 (arXiv 1406.1078), with the reset gate after the product, as cuDNN and Keras have it; see
`_recurrent_stack.py`.
"""

import keras
from pydantic import NonNegativeFloat, PositiveInt

from batchwise.models import _recurrent, _recurrent_stack


def build(
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    vocabulary: PositiveInt,
    embedding_units: PositiveInt,
    units: PositiveInt,
    layers: PositiveInt = 1,
    bidirectional: bool = False,
    dropout: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Return the uncompiled network, [B, T] tokens → [B, outputs], with logits for outputs.

    Tokens are below `vocabulary`, and padding changes no state. With `bidirectional` each layer reads both ways, with
    `units` for each. `dropout` is the share that is dropped of the inputs of each layer and of the last state. Raises
    ValueError for inputs that are no texts, or a `dropout` of 1 or more.
    """
    return _recurrent_stack.classifier(
        _recurrent.GRU,
        input_shape,
        outputs,
        vocabulary=vocabulary,
        embedding_units=embedding_units,
        units=units,
        layers=layers,
        bidirectional=bidirectional,
        dropout=dropout,
    )
