"""A multilayer perceptron: dense layers with ReLU, and a linear output (logits)."""

import keras
from pydantic import PositiveInt


def build(input_shape: tuple[int, ...], outputs: int, *, hidden_units: list[PositiveInt]) -> keras.Model:
    """Return the uncompiled network, [B, *input_shape] → [B, outputs], with hidden layers of `hidden_units`."""
    inputs = keras.Input(input_shape)
    hidden = keras.layers.Flatten()(inputs)
    for units in hidden_units:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    return keras.Model(inputs, keras.layers.Dense(outputs)(hidden))
