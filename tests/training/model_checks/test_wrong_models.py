"""Models that cannot be trained, or not exactly, are refused in one sentence before anything trains."""

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from batchwise.runtime import engine
from batchwise.runtime.keras import keras
from tests.training.model_checks.builds import Calling, ending, refused, starting, tokens, with_inputs
from tests.training.runs import data_set

layers, ops = keras.layers, keras.ops

# Activations


def nested(hidden, outputs) -> keras.KerasTensor:
    return layers.Dropout(0.1)(keras.Sequential([keras.Input((5,)), layers.Dense(outputs), layers.Softmax()])(hidden))


def before_a_model_that_changes_nothing(hidden, outputs) -> keras.KerasTensor:
    nothing = keras.Sequential([keras.Input((outputs,)), layers.Dropout(0.1), layers.Reshape((outputs,))])
    return nothing(layers.Dense(outputs, "sigmoid")(hidden))


def over_time(hidden, outputs) -> keras.KerasTensor:
    steps = layers.Reshape((outputs, 1))(layers.Dense(outputs)(hidden))
    return layers.Flatten()(layers.TimeDistributed(layers.Dense(1, "sigmoid"))(steps))


def average(hidden, outputs) -> keras.KerasTensor:
    return (ops.softmax(layers.Dense(outputs)(hidden)) + ops.softmax(layers.Dense(outputs)(hidden))) / 2


# {where: (function of a hidden layer and the number of outputs, words of the sentence)}
ACTIVATIONS = {
    "in the dense layer": (lambda x, n: layers.Dense(n, "softmax")(x), "softmax in the layer dense"),
    "of a recurrent layer": (lambda x, n: layers.LSTM(n)(layers.Reshape((5, 1))(x)), "tanh in the layer lstm"),
    "a layer of the dense layer": (
        lambda x, n: layers.Dense(n, activation=layers.LeakyReLU())(x),
        "leakyrelu in the layer",
    ),
    "nested": (nested, "softmax in the layer softmax"),
    "before a model that changes nothing": (before_a_model_that_changes_nothing, "sigmoid in the layer dense"),
    "over time": (over_time, "sigmoid in the layer"),
    "average": (average, "between 0 and 1"),
    "a function of one's own": (
        lambda x, n: layers.Dense(n, activation=lambda values: ops.softmax(values))(x),
        "between 0 and 1",
    ),
    **{
        name: (lambda x, n, function=function: function(layers.Dense(n)(x)), words)
        for name, function, words in [
            ("layer Activation", lambda x: layers.Activation("sigmoid")(x), "sigmoid in the layer activation"),
            ("layer Softmax", lambda x: layers.Softmax()(x), "softmax in the layer softmax"),
            ("layer ReLU", lambda x: layers.ReLU()(x), "relu in the layer re_lu"),
            ("layer PReLU", lambda x: layers.PReLU()(x), "prelu in the layer p_re_lu"),
            ("operation", ops.sigmoid, "sigmoid in the layer sigmoid"),
            ("log_softmax", ops.log_softmax, "logsoftmax in the layer log_softmax"),
            ("tanh", ops.tanh, "tanh in the layer tanh"),
            ("before Dropout", lambda x: layers.Dropout(0.5)(ops.softmax(x)), "softmax in the layer softmax"),
            ("before reshapes", lambda x: layers.Flatten()(ops.expand_dims(ops.softmax(x), 1)), "softmax in the"),
            ("before Rescaling", lambda x: layers.Rescaling(2.0)(ops.softmax(x)), "softmax in the layer softmax"),
            ("Lambda", lambda x: layers.Lambda(keras.activations.softmax)(x), "between 0 and 1"),
            ("own layer", lambda x: Calling(lambda _, values, __: ops.sigmoid(values))(x), "between 0 and 1"),
            ("by hand", lambda x: 1 / (1 + ops.exp(-x)), "between 0 and 1"),
            ("ReLU by hand", lambda x: ops.maximum(x, 0), "never below 0"),
        ]
    },
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_on_the_output(use_model, name) -> None:
    function, words = ACTIVATIONS[name]
    sentence = refused(use_model, ending(function))
    assert words in sentence
    assert "must be linear" in sentence and "leave the activation out" in sentence


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: ops.sigmoid(x), "sigmoid in the layer"),
        (lambda x: Calling(lambda _, values, __: ops.sigmoid(values))(x), "between 0 and 1 and never below 0"),
        (lambda x: ops.log(1 + ops.exp(x)), "never below 0"),
        (lambda x: -ops.square(x), "never above 0"),
    ],
)
def test_an_activation_on_the_one_output_of_two_classes(use_model, function, words) -> None:
    build = ending(lambda x, n: function(layers.Dense(n)(x)))
    assert words in refused(use_model, build, data_set(classes=2))


# Weights


def frozen(shape, outputs) -> keras.Model:
    model = starting()(shape, outputs)
    model.trainable = False
    return model


def frozen_layers(shape, outputs) -> keras.Model:
    model = starting()(shape, outputs)
    for layer in model.layers:
        layer.trainable = False
    return model


def blocked(hidden, outputs) -> keras.KerasTensor:
    return layers.Dense(outputs)(ops.stop_gradient(layers.Dense(5, name="lost")(hidden)))


class Deaf(layers.Layer):
    """Returns its weights, whatever it is given."""

    def build(self, shape) -> None:
        self.weight = self.add_weight((1, shape[-1]))

    def call(self, inputs) -> Any:
        return ops.tile(self.weight, (ops.shape(inputs)[0], 1))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (frozen, "none of the 2 weights of model mlp is trainable"),
        (frozen_layers, "none of the 2 weights of model mlp is trainable"),
        (lambda shape, n: keras.Model(inputs := keras.Input(shape), inputs[:, :n]), "model mlp has no weights"),
        (ending(blocked), "the loss does not depend on 4 of the 6 trainable weights of model mlp, dense"),
        (ending(lambda x, n: ops.round(layers.Dense(n)(x))), "the loss does not depend on 4 of the 4"),
        (ending(lambda x, n: 0 * layers.Dense(n)(x)), "does not depend on its input"),
        (ending(lambda x, n: Deaf()(layers.Dense(n)(x))), "does not depend on its input"),
        (starting(lambda: layers.Dense(10**12)), "would have 10,000,000,000,003 weights (40,000.0 GB)"),
        (starting(lambda: layers.Dense(10**30)), "memory: choose smaller layers"),
        (starting(*[lambda: layers.Dense(30_000)] * 9), "would have 7,200,5"),
        (lambda shape, n: starting(lambda: layers.Embedding(10**10, 64))(shape, n), "choose smaller layers"),
    ],
)
def test_weights_that_cannot_be_trained(use_model, build, words) -> None:
    start = time.perf_counter()
    assert words in refused(use_model, build)
    assert time.perf_counter() - start < 60


# Inputs and outputs


def two_inputs(shape, outputs) -> keras.Model:
    inputs = [keras.Input(shape), keras.Input(shape)]
    return keras.Model(inputs, layers.Dense(outputs)(inputs[0] + inputs[1]))


def dict_of_inputs(shape, outputs) -> keras.Model:
    inputs = {"x": keras.Input(shape, name="x")}
    return keras.Model(inputs, layers.Dense(outputs)(inputs["x"]))


def with_outputs(function) -> Callable:
    """Return a plug-in whose outputs are what a function of two dense layers' outputs returns."""

    def build(shape, outputs):
        inputs = keras.Input(shape)
        return keras.Model(inputs, function(*(layers.Dense(outputs)(inputs) for _ in range(2))))

    return build


def compiled(shape, outputs) -> keras.Model:
    model = starting()(shape, outputs)
    model.compile("sgd", "mse")
    return model


def compiled_without_input(shape, outputs) -> keras.Model:
    model = keras.Sequential([layers.Dense(outputs)])
    model.compile("sgd", "mse")
    return model


def never_called(shape, outputs) -> keras.Model:
    class Subclass(keras.Model):
        def call(self, inputs):
            return inputs

    return Subclass()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda shape, n: None, "build returned None; it must return a keras.Model"),
        (lambda shape, n: layers.Dense(n), "build returned an object of the type Dense"),
        (lambda shape, n: lambda inputs: inputs, "build returned an object of the type function"),
        (lambda shape, n: keras.Model, "build returned an object of the type type"),
        (lambda shape, n: (starting()(shape, n), 1), "build returned an object of the type tuple"),
        (lambda shape, n: keras.Sequential([layers.Dense(n)]), "unknown, for want of a keras.Input"),
        (never_called, "unknown, for want of a keras.Input; it must be (None, 3)"),
        (compiled_without_input, "unknown, for want of a keras.Input"),
        (compiled, "model mlp is compiled"),
        (two_inputs, "model mlp takes 2 inputs; it must take one, keras.Input((6,)), since a data set is one array"),
        (dict_of_inputs, "model mlp takes a dict of inputs (x)"),
        (
            with_outputs(lambda one, two: [one, two]),
            "it must return one tensor of shape (None, 3), since a study has one loss",
        ),
        (with_outputs(lambda one, two: {"a": one, "b": two}), "model mlp returns a dict of outputs (a, b)"),
        (with_outputs(lambda one, two: {"a": one}), "model mlp returns a dict of outputs (a)"),
        (with_outputs(lambda one, two: one[:, None]), "the output shape of model mlp is (None, 1, 3)"),
        (with_outputs(lambda one, two: one[:, 0]), "the output shape of model mlp is (None,)"),
        (with_outputs(lambda one, two: layers.Dense(2)(one)), "is (None, 2); it must be (None, 3)"),
        (lambda shape, n: starting()((7,), n), "the input shape of model mlp is (None, 7); it must be (None, 6)"),
        (lambda shape, n: starting()((6, 1), n), "is (None, 6, 1); it must be (None, 6)"),
        (starting(batch_size=8), "model mlp fixes the batch size at 8"),
    ],
)
def test_inputs_and_outputs(use_model, build, words) -> None:
    assert words in refused(use_model, build)


# States

STEPS = [lambda: layers.Reshape((6, 1))]


class Recurrent(layers.Layer):
    """A layer of one's own with a recurrent one in it."""

    def build(self, shape) -> None:
        self.inner = layers.LSTM(3, stateful=True)
        self.inner.build(shape)

    def call(self, inputs) -> Any:
        return self.inner(inputs)


@pytest.mark.parametrize(
    "build",
    [
        starting(*STEPS, lambda: layers.LSTM(3, stateful=True)),
        starting(*STEPS, lambda: layers.LSTM(3, stateful=True), batch_size=4),
        starting(*STEPS, lambda: layers.GRU(3, stateful=True)),
        starting(*STEPS, lambda: layers.RNN(layers.SimpleRNNCell(3), stateful=True)),
        starting(*STEPS, lambda: layers.Bidirectional(layers.LSTM(3, stateful=True))),
        starting(*STEPS, Recurrent),
        starting(lambda: keras.Sequential([layers.Reshape((6, 1)), layers.LSTM(3, stateful=True)])),
    ],
)
def test_a_recurrent_layer_that_goes_on_from_the_batch_before(use_model, build) -> None:
    sentence = refused(use_model, build)
    assert "has a recurrent layer with stateful=True" in sentence and "leave stateful out" in sentence


# Types


def half(_, inputs, __) -> Any:
    return ops.cast(ops.cast(inputs, "float16"), inputs.dtype)


def mixed(shape, outputs) -> keras.Model:
    keras.config.set_dtype_policy("mixed_float16")
    return starting()(shape, outputs)


class HalfWeight(layers.Layer):
    """Has a variable of another type than itself."""

    def build(self, shape) -> None:
        self.weight = self.add_weight(shape[-1:], "ones", dtype="float16")

    def call(self, inputs) -> Any:
        return inputs * ops.cast(self.weight, inputs.dtype)


@pytest.mark.parametrize(
    ("build", "dtype", "words"),
    [
        (starting(lambda: layers.Dense(5, dtype="float16")), "float32", "float16 in dense"),
        (starting(lambda: layers.Dense(5, dtype="mixed_float16")), "float32", "float16 in dense"),
        (starting(lambda: keras.Sequential([layers.Dense(5, dtype="bfloat16")])), "float32", "bfloat16 in dense"),
        (starting(lambda: layers.Dense(5, dtype="float32")), "float64", "float32 in dense"),
        (starting(dtype="float16"), "float32", "float16 in "),
        (mixed, "float32", "float16 in "),
        (starting(HalfWeight), "float32", "/half_weight/"),
        (ending(lambda x, n: Calling(half)(layers.Dense(n)(x))), "float32", "are computed in float16"),
        (ending(lambda x, n: Calling(half)(layers.Dense(n)(x))), "mixed_bfloat16", "are computed in float16"),
    ],
)
def test_a_type_of_less_precision(use_model, build, dtype, words) -> None:
    sentence = refused(use_model, build, dtype=dtype)
    assert words in sentence and f"the dtype of the study is {dtype}" in sentence


# Tokens


def embedding(entries, **options) -> Callable:
    return starting(lambda: layers.Embedding(entries, 2, name="words"), **options)


def nested_embedding(shape, outputs) -> keras.Model:
    words = keras.Sequential([keras.Input(shape), layers.Embedding(9, 2, name="words")])
    return keras.Model(inputs := keras.Input(shape), layers.Dense(outputs)(layers.Flatten()(words(inputs))))


@pytest.mark.parametrize(
    ("build", "data", "words"),
    [
        (embedding(9), with_inputs(tokens), "has 9 entries, for 0 to 8, and the data have 9: its input_dim must be 10"),
        (embedding(9, dtype="int32"), with_inputs(tokens), "input_dim must be 10 at least"),
        (nested_embedding, with_inputs(tokens), "the Embedding words of model mlp has 9 entries"),
        (embedding(10), with_inputs(lambda x: x + 1, with_inputs(tokens), ["test"]), "input_dim must be 11 at least"),
        (embedding(10), with_inputs(lambda x: tokens(x) - 1), "the data have -1: number the tokens from 0 up"),
        (embedding(10), None, "it takes whole numbers: give it tokens, or use a Dense layer"),
        (starting(lambda: layers.Rescaling(1.0), dtype="int32"), None, "the keras.Input of model mlp is of int32"),
    ],
)
def test_an_embedding_without_an_entry_for_the_data(use_model, build, data, words) -> None:
    assert words in refused(use_model, build, data)


# Repetition

SHARED = layers.Dense(5)
GENERATOR = np.random.default_rng()
HIDDEN = keras.Variable(1.0)


def counted(layer, inputs, _) -> Any:
    layer.calls += 1
    return inputs * layer.calls


def counted_by_a_variable(_, inputs, __) -> Any:
    return inputs * ops.cast(HIDDEN.assign_add(1.0), inputs.dtype)


def drawn_by_tensorflow(_, inputs, __) -> Any:
    from batchwise.runtime.tensorflow import tf

    return inputs + tf.random.normal(tf.shape(inputs))


def own_constant(shape, outputs) -> keras.Model:
    """The matrix is no variable, and another one each time."""
    matrix = GENERATOR.normal(size=(5, outputs)).astype("float32")
    return ending(lambda x, n: layers.Dense(n)(ops.matmul(x, matrix)))(shape, outputs)


def of_any_size(shape, outputs) -> keras.Model:
    return starting(lambda: layers.Dense(int(GENERATOR.integers(2, 2000))))(shape, outputs)


def cached(shape, outputs, made=[]) -> keras.Model:  # noqa: B006
    if not made:
        made.append(starting()(shape, outputs))
    return made[0]


NOISES = {
    "keras.random": lambda _, x, __: x + keras.random.normal(ops.shape(x)),
    "keras.random.dropout": lambda _, x, __: keras.random.dropout(x, 0.1),
    "numpy": lambda _, x, __: x + np.random.normal(),
    "numpy's generator": lambda _, x, __: x + GENERATOR.normal(),
    "random": lambda _, x, __: x + random.random(),
    "time": lambda _, x, __: x + time.time() % 1,
    "tf.random": drawn_by_tensorflow,
    "in training alone": lambda _, x, training: x + keras.random.normal(ops.shape(x)) if training else x,
    "a counter": counted,
    "a variable that is not the layer's": counted_by_a_variable,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.tensorflow if name == "tf.random" else ()) for name in NOISES]
)
def test_updates_that_do_not_repeat_themselves(use_model, name) -> None:
    sentence = refused(use_model, starting(lambda: Calling(NOISES[name])))
    if (
        engine.used() == "jax" and name == "a variable that is not the layer's"
    ):  # which a program of JAX does not change
        assert "gives other outputs for the same rows and variables at the second time" in sentence
    else:
        assert "does not train the same twice" in sentence and "SeedGenerator" in sentence


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda shape, n: starting(lambda: SHARED)(shape, n), "build returns the same layers each time"),
        (cached, "build returns the same layers each time"),
        (of_any_size, "has other variables each time it is built"),
        (
            starting(lambda: layers.Dense(5, bias_initializer=lambda *_, **__: GENERATOR.normal(size=5))),
            "starts from other values each time it is built",
        ),
        (own_constant, "gives other outputs each time it is built"),
        (
            starting(lambda: Calling(lambda _, x, training: x if training else x + GENERATOR.normal())),
            "gives other outputs for the same rows and variables at the second time",
        ),
    ],
)
def test_models_that_are_others_each_time(use_model, build, words) -> None:
    assert words in refused(use_model, build)
