"""Does a model of language know the next token? Outputs at a place may depend on tokens up to it alone."""

from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.runtime.keras import keras


def check(name: str, model: keras.Model, inputs: Any) -> None:
    """Raise UserError if outputs [B, T, V] of inputs [B, T] depend on later tokens of their row, with training=False.

    At some places of a row all tokens from there on are taken from another row.
    """
    rows, outputs = np.asarray(inputs), np.asarray(model(inputs, training=False))
    others, places = np.roll(rows, 1, axis=0), rows.shape[1]
    for place in sorted({1, places // 2, places - 1} - {0}):
        changed = np.concatenate([rows[:, :place], others[:, place:]], axis=1)
        found = np.asarray(model(keras.ops.convert_to_tensor(changed), training=False))
        if not np.allclose(found[:, :place], outputs[:, :place], rtol=1e-3, atol=1e-3 * np.abs(outputs).max()):
            raise UserError(
                f"the outputs of model {name} at a place of a row depend on tokens after it, which they are to "
                "predict; let each place see those before it alone: no bidirectional layer, attention with "
                'use_causal_mask=True, convolutions with padding="causal"'
            )
