"""The recurrent layers are Keras's, which computes them step by step; test_text_models.py has them in NumPy."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from batchwise.models._recurrent import GRU, LSTM
from batchwise.runtime.keras import keras
from tests.differentiation import differentiated, gradients, optimized, program
from tests.models.test_normalization import policy

ops = keras.ops
LAYERS = {LSTM: keras.layers.LSTM, GRU: keras.layers.GRU}
ROWS, STEPS, WIDTH, UNITS = 5, 7, 3, 4
TOLERANCE = 1e-13  # of float64, relative to the largest entry; measured: 2e-15
# A text, one that is padded, one of padding alone, one that starts late, one with gaps.
MASK = np.array([[1] * 7, [1] * 3 + [0] * 4, [0] * 7, [0] * 2 + [1] * 5, [1, 0, 1, 1, 0, 0, 1]], bool)


def network(layer: type[keras.layers.RNN]) -> keras.Model:
    """Two layers on inputs and a mask of their steps: outputs of all steps in both directions, and the last one."""
    inputs, mask = keras.Input((STEPS, WIDTH)), keras.Input((STEPS,), dtype="bool")
    first = layer(UNITS, return_sequences=True, bias_initializer="random_normal")
    hidden = keras.layers.Bidirectional(first)(inputs, mask=mask)
    return keras.Model([inputs, mask], layer(UNITS)(hidden, mask=mask))


def both(make: Callable[[type[keras.layers.RNN]], keras.Model], layer: type[keras.layers.RNN]) -> list[keras.Model]:
    """Return what is made of a layer of the project and of Keras's, with the same weights."""
    models = [make(kind) for kind in (layer, LAYERS[layer])]
    models[1].set_weights(models[0].get_weights())
    return models


def derivatives(model: keras.Model, inputs: np.ndarray, mask: np.ndarray, **of_program: bool) -> list[np.ndarray]:
    """Return the outputs, and the gradients of their weighted sum, of inputs and weights."""

    def weighted(values: Any) -> tuple[Any, Any]:
        outputs = model([values, ops.convert_to_tensor(mask)], training=True)
        return ops.sum(np.sin(np.arange(ROWS * UNITS)).reshape(ROWS, UNITS) * outputs), outputs

    (_, outputs), found = differentiated(weighted, [inputs], model.trainable_variables, **of_program)
    return [np.asarray(values) for values in (outputs, *found)]


@pytest.mark.parametrize("layer", LAYERS)
def test_outputs_and_gradients_are_those_of_keras(layer) -> None:
    with policy("float64"):
        own, expected = both(network, layer)
        inputs = np.random.default_rng(0).normal(size=(ROWS, STEPS, WIDTH))
        pairs = zip(*(derivatives(model, inputs, MASK, xla=True) for model in (own, expected)), strict=True)
        for found, value in pairs:
            np.testing.assert_allclose(found, value, rtol=0, atol=TOLERANCE * np.abs(value).max())


@pytest.mark.parametrize("layer", LAYERS)
def test_outside_of_a_program_it_computes_the_same(layer) -> None:
    keras.utils.set_random_seed(0)
    with policy("float64"):
        model = network(layer)
    inputs = np.random.default_rng(7).normal(size=(ROWS, STEPS, WIDTH))
    pairs = zip(derivatives(model, inputs, MASK), derivatives(model, inputs, MASK, xla=True), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("layer", LAYERS)
def test_states_are_those_of_keras_and_their_gradients(layer) -> None:
    random = np.random.default_rng(1)
    inputs = ops.convert_to_tensor(random.normal(size=(ROWS, STEPS, WIDTH)))
    found = []
    with policy("float64"):
        layers = [kind(UNITS, return_state=True) for kind in (layer, LAYERS[layer])]
        for made in layers:
            made.build(inputs.shape)
        layers[1].set_weights(layers[0].get_weights())
        start = [random.normal(size=(ROWS, UNITS)) for _ in layers[0].get_initial_state(ROWS)]
        for made in layers:

            def squares(*start: Any, made: keras.layers.RNN = made) -> list[Any]:
                outputs = made(inputs, initial_state=[*start])
                return [sum(ops.sum(values**2) for values in outputs), *outputs]

            (_, *outputs), of_start = differentiated(squares, start)
            found.append([*outputs, *of_start])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_allclose(own, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
def test_products_with_the_hessian_are_those_of_keras(layer) -> None:
    inputs = ops.convert_to_tensor(np.random.default_rng(4).normal(size=(ROWS, STEPS, WIDTH)))
    with policy("float64"):
        models = both(lambda kind: keras.Sequential([keras.Input((STEPS, WIDTH)), kind(UNITS)]), layer)

    def second(model: keras.Model) -> list[Any]:
        def along() -> list[Any]:
            first = gradients(lambda: ops.sum(model(inputs, training=True) ** 2), (), model.trainable_variables)
            return [sum(ops.sum(values) for values in first)]

        return differentiated(along, (), model.trainable_variables, xla=False)[1]

    for found, value in zip(*map(second, models), strict=True):
        np.testing.assert_allclose(found, value, rtol=0, atol=1e-11)


@pytest.mark.parametrize("layer", LAYERS)
def test_in_mixed_bfloat16_it_computes_in_bfloat16(layer) -> None:
    inputs = np.random.default_rng(5).normal(size=(ROWS, STEPS, WIDTH)).astype("float32")
    exact, mixed = (layer(UNITS, dtype=dtype) for dtype in ("float32", "mixed_bfloat16"))
    expected = exact(inputs)
    mixed.build(inputs.shape)
    mixed.set_weights(exact.get_weights())
    found = mixed(inputs)
    assert found.dtype == "bfloat16"
    np.testing.assert_allclose(ops.cast(found, "float32"), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("layer", LAYERS)
def test_in_mixed_bfloat16_no_step_converts_all_steps(layer) -> None:
    """XLA on a CPU reads and writes what is in bfloat16 in float32, and converts the whole array for a part of it."""
    keras.utils.set_random_seed(0)
    with policy("mixed_bfloat16"):
        model = network(layer)
    inputs, mask, weights = (
        np.zeros((ROWS, STEPS, WIDTH), "float32"),
        ops.convert_to_tensor(MASK),
        model.trainable_variables,
    )

    def of_weights(inputs: Any) -> list[Any]:
        return gradients(lambda: ops.sum(ops.cast(model([inputs, mask], training=True), "float32")), (), weights)

    text = optimized(program(of_weights), inputs)
    read_or_written = re.findall(r"= (\w+)\[[\d,]+\]\S* dynamic-(?:update-)?slice\(", text)
    assert {"u16", "pred"} <= {*read_or_written} <= {"u16", "pred", "s32"}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    ("option", "value"),
    [("dropout", 0.5), ("recurrent_dropout", 0.5), ("unroll", True), ("activation", "relu"), ("use_bias", False)],
)
def test_options_that_it_has_not_are_refused(layer, option, value) -> None:
    with pytest.raises(ValueError, match=option):
        layer(UNITS, **{option: value}).build((None, STEPS, WIDTH))
