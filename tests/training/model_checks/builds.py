"""What the tests of models share: plug-ins of a line, layers of a function, data of tokens, and how one is refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet
from batchwise.runtime.keras import keras
from batchwise.training import model_trial, trainers
from tests.training.runs import data_set, recipe

layers = keras.layers


def refused(use_model: Callable, build: Callable, data: DataSet | None = None, **options) -> str:
    """Return the sentence with which a model is refused, before a run."""
    use_model(build)
    with pytest.raises(UserError) as error:
        model_trial.check(trainers.load(data or data_set(), recipe(**options)))
    sentence = str(error.value)
    assert "\n" not in sentence and len(sentence) < 450, sentence
    assert "model mlp" in sentence
    return sentence


def ending(function: Callable) -> Callable:
    """Return a plug-in with a hidden layer, of which `function` of it, [B, 5], and `outputs` makes the output."""

    def build(shape, outputs):
        hidden = layers.Dense(5, "relu")(inputs := keras.Input(shape))
        return keras.Model(inputs, function(hidden, outputs))

    return build


def starting(*made: Callable, **options) -> Callable:
    """Return a plug-in that begins with layers, each made by a function, and ends with a dense one."""

    def build(shape, outputs):
        parts = [layer() for layer in made]
        return keras.Sequential([keras.Input(shape, **options), *parts, layers.Flatten(), layers.Dense(outputs)])

    return build


class Calling(layers.Layer):
    """Applies a function of (layer, inputs, training); its outputs have the shape of its inputs."""

    def __init__(self, function: Callable, **options) -> None:
        super().__init__(**options)
        self.function, self.calls = function, 0

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        return input_shape

    def call(self, inputs, training=False) -> keras.KerasTensor:
        return self.function(self, inputs, training)


def with_inputs(change: Callable, data: DataSet | None = None, splits=("train", "validation", "test")) -> DataSet:
    """Return data whose inputs, of some splits, are changed by a function."""
    data = data or data_set()
    parts = {name: getattr(data, name) for name in splits}
    return replace(data, **{name: replace(part, inputs=change(part.inputs)) for name, part in parts.items()})


def tokens(inputs: np.ndarray) -> np.ndarray:
    """Return whole numbers from 0 to 9, all of which occur."""
    return (np.arange(inputs.size).reshape(inputs.shape) % 10).astype("float32")
