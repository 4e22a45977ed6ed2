"""Does a model of language know the next token? Outputs at a place may depend on tokens up to it alone."""

import numpy as np

from batchwise.common.errors import UserError
from batchwise.runtime.tensorflow import keras, tf


def check(name: str, model: keras.Model, inputs: tf.Tensor) -> None:
    """Raise UserError if outputs [B, T, V] of inputs [B, T] depend on later tokens of their row, with training=False.

    At some places of a row all tokens from there on are taken from another row.
    """
    outputs = model(inputs, training=False).numpy()
    others = np.roll(inputs.numpy(), 1, axis=0)
    places = inputs.shape[1]
    for place in sorted({1, places // 2, places - 1} - {0}):
        changed = np.concatenate([inputs.numpy()[:, :place], others[:, place:]], axis=1)
        found = model(tf.constant(changed, inputs.dtype), training=False).numpy()
        if not np.allclose(found[:, :place], outputs[:, :place], rtol=1e-3, atol=1e-3 * np.abs(outputs).max()):
            raise UserError(
                f"the outputs of model {name} at a place of a row depend on tokens after it, which they are to "
                "predict; let each place see those before it alone: no bidirectional layer, attention with "
                'use_causal_mask=True, convolutions with padding="causal"'
            )
