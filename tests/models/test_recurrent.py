"""The recurrent layers are Keras's, which computes them step by step; test_text_models.py has them in NumPy."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from batchwise.models._recurrent import GRU, LSTM
from batchwise.runtime.tensorflow import keras, tf
from tests.models.test_normalization import policy

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


def derivatives(model: keras.Model, inputs: np.ndarray, mask: np.ndarray, compiled: bool = True) -> list[np.ndarray]:
    """Return the outputs, and the gradients of their weighted sum, of inputs and weights: by XLA, or in Python."""
    values = tf.constant(inputs)

    def program() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = model([values, tf.constant(mask)], training=True)
            total = tf.reduce_sum(tf.sin(tf.range(tf.size(outputs), dtype="float64")) * tf.reshape(outputs, [-1]))
        return [outputs, *tape.gradient(total, [values, *model.trainable_variables])]

    run = tf.function(program, jit_compile=True, autograph=False) if compiled else program
    return [values.numpy() for values in run()]


@pytest.mark.parametrize("layer", LAYERS)
def test_outputs_and_gradients_are_those_of_keras(layer) -> None:
    with policy("float64"):
        own, expected = both(network, layer)
        inputs = np.random.default_rng(0).normal(size=(ROWS, STEPS, WIDTH))
        for found, value in zip(derivatives(own, inputs, MASK), derivatives(expected, inputs, MASK), strict=True):
            np.testing.assert_allclose(found, value, rtol=0, atol=TOLERANCE * np.abs(value).max())


@pytest.mark.parametrize("layer", LAYERS)
def test_outside_of_a_program_it_computes_the_same(layer) -> None:
    keras.utils.set_random_seed(0)
    with policy("float64"):
        model = network(layer)
    inputs = np.random.default_rng(7).normal(size=(ROWS, STEPS, WIDTH))
    pairs = zip(derivatives(model, inputs, MASK, compiled=False), derivatives(model, inputs, MASK), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("layer", LAYERS)
def test_states_are_those_of_keras_and_their_gradients(layer) -> None:
    random = np.random.default_rng(1)
    inputs = tf.constant(random.normal(size=(ROWS, STEPS, WIDTH)))
    found = []
    with policy("float64"):
        layers = [kind(UNITS, return_state=True) for kind in (layer, LAYERS[layer])]
        for made in layers:
            made.build(inputs.shape)
        layers[1].set_weights(layers[0].get_weights())
        start = [tf.constant(random.normal(size=(ROWS, UNITS))) for _ in layers[0].get_initial_state(ROWS)]
        for made in layers:
            with tf.GradientTape() as tape:
                tape.watch(start)
                last, *states = made(inputs, initial_state=start)
                total = tf.add_n([tf.reduce_sum(values**2) for values in (last, *states)])
            found.append([last, *states, *tape.gradient(total, start)])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_allclose(own, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
def test_products_with_the_hessian_are_those_of_keras(layer) -> None:
    inputs = tf.constant(np.random.default_rng(4).normal(size=(ROWS, STEPS, WIDTH)))
    with policy("float64"):
        models = both(lambda kind: keras.Sequential([keras.Input((STEPS, WIDTH)), kind(UNITS)]), layer)

    def second(model: keras.Model) -> list[tf.Tensor]:
        weights = model.trainable_variables
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                total = tf.reduce_sum(model(inputs, training=True) ** 2)
            along = tf.add_n([tf.reduce_sum(values) for values in inner.gradient(total, weights)])
        return outer.gradient(along, weights)

    own, expected = (tf.function(second, autograph=False)(model) for model in models)
    for found, value in zip(own, expected, strict=True):
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
    np.testing.assert_allclose(tf.cast(found, "float32"), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("layer", LAYERS)
def test_in_mixed_bfloat16_no_step_converts_all_steps(layer) -> None:
    """XLA on a CPU reads and writes what is in bfloat16 in float32, and converts the whole array for a part of it."""
    keras.utils.set_random_seed(0)
    with policy("mixed_bfloat16"):
        model = network(layer)
    inputs, mask = tf.zeros((ROWS, STEPS, WIDTH)), tf.constant(MASK)

    @tf.function(jit_compile=True, autograph=False)
    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.cast(model([inputs, mask], training=True), "float32"))
        return tape.gradient(total, model.trainable_variables)

    program = gradients.experimental_get_compiler_ir()(stage="optimized_hlo")
    read_or_written = re.findall(r"= (\w+)\[[\d,]+\]\S* dynamic-(?:update-)?slice\(", program)
    assert {"u16", "pred"} <= {*read_or_written} <= {"u16", "pred", "s32"}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    ("option", "value"),
    [("dropout", 0.5), ("recurrent_dropout", 0.5), ("unroll", True), ("activation", "relu"), ("use_bias", False)],
)
def test_options_that_it_has_not_are_refused(layer, option, value) -> None:
    with pytest.raises(ValueError, match=option):
        layer(UNITS, **{option: value}).build((None, STEPS, WIDTH))
