"""The blocks of a transformer (Vaswani et al. 2017, arXiv 1706.03762), as GPT-2 has them (Radford et al. 2019).

Normalisation before attention and before the dense layers (section 2.3; Xiong et al. 2020, arXiv 2002.04745), learned
positions, 4 times the units inside, GELU by tanh, ε = 1e-5 as in the released code. Weights start normal with standard
deviation 0.02, those that add to the residual stream by 1 / √(their number) smaller, biases at 0. Dropout is by rows,
of what is added to the stream; that of attention's weights is left out.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from batchwise.models import _text

EPSILON = 1e-5
UNSEEN = -1e9  # a score whose share is 0; that of a text without tokens is the same for all, and not NaN
DEVIATION = 0.02


@keras.saving.register_keras_serializable("batchwise")
class Positions(keras.layers.Layer):
    """Adds a vector that is learned for each position, [B, T, units] → [B, T, units]."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the vectors, [T, units]."""
        self.positions = self.add_weight(input_shape[1:], started(), name="positions")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the inputs: the outputs have the same."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Return the inputs with the vectors of their positions added."""
        return inputs + self.positions


def started(scale: float = 1.0) -> keras.initializers.Initializer:
    """Return the start of weights, and of a table of tokens: `scale` is 1 but of those that add to the stream."""
    return keras.initializers.RandomNormal(stddev=scale * DEVIATION)


def blocks(
    hidden: keras.KerasTensor,
    *,
    layers: int,
    heads: int,
    dropout: float,
    of_tokens: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return what blocks make of vectors of tokens, normalised at last, [B, T, units] → [B, T, units].

    Each token looks at all positions that `of_tokens` [B, T] says are tokens; if that is None, at itself and those
    before it. Raises ValueError if `units` are no multiple of `heads`.
    """
    if hidden.shape[-1] % heads:
        raise ValueError(f"units are {hidden.shape[-1]}, which is no multiple of heads, {heads}")
    scale = 1 / math.sqrt(2 * layers)
    hidden = _text.dropped(Positions()(hidden), dropout)
    for _ in range(layers):
        hidden = hidden + _text.dropped(_attended(normalised(hidden), heads, scale, of_tokens), dropout)
        hidden = hidden + _text.dropped(_inside(normalised(hidden), scale), dropout)
    return normalised(hidden)


def normalised(hidden: keras.KerasTensor) -> keras.KerasTensor:
    """Return vectors of mean 0 and variance 1, scaled and shifted as is learned."""
    return keras.layers.LayerNormalization(epsilon=EPSILON)(hidden)


def _attended(
    hidden: keras.KerasTensor, heads: int, scale: float, of_tokens: keras.KerasTensor | None
) -> keras.KerasTensor:
    """Return attention's part: Vaswani et al. 2017, equation 1, for each head.

    Keras's own makes numbers of float32 of the scale, also in float64.
    """
    positions, units = hidden.shape[1:]
    parts = ops.split(_dense(hidden, 3 * units), 3, axis=-1)
    query, key, value = (ops.reshape(part, (-1, positions, heads, units // heads)) for part in parts)
    scores = ops.einsum("bqhd,bkhd->bhqk", query * (1 / math.sqrt(units // heads)), key)
    seen = np.tri(positions, dtype=bool) if of_tokens is None else of_tokens[:, None, None, :]
    scores = ops.where(seen, ops.cast(scores, keras.config.dtype_policy().variable_dtype), UNSEEN)
    shares = ops.cast(ops.softmax(scores), hidden.dtype)
    found = ops.einsum("bhqk,bkhd->bqhd", shares, value)
    return _dense(ops.reshape(found, (-1, positions, units)), units, scale)


def _inside(hidden: keras.KerasTensor, scale: float) -> keras.KerasTensor:
    units = hidden.shape[-1]
    return _dense(_gelu(_dense(hidden, 4 * units)), units, scale)


def _gelu(values: keras.KerasTensor) -> keras.KerasTensor:
    """Return Hendrycks & Gimpel 2016 (arXiv 1606.08415), section 2, by tanh; TensorFlow's has a factor in float32."""
    return 0.5 * values * (1 + ops.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3)))


def _dense(hidden: keras.KerasTensor, units: int, scale: float = 1.0) -> keras.KerasTensor:
    return keras.layers.Dense(units, kernel_initializer=started(scale))(hidden)
