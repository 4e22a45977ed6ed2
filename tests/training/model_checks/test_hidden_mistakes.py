"""Mistakes that layers of Keras do not show: in functions and layers of one's own, in what they compute and keep."""

from collections.abc import Callable
from typing import Any

import pytest

from batchwise.runtime.keras import keras
from batchwise.training import model_trial, trainers
from tests.training.model_checks.builds import Calling, ending, refused, starting
from tests.training.runs import data_set, recipe

layers, ops = keras.layers, keras.ops
softmax = keras.src.backend.nn.softmax  # without a warning that it makes nothing of one output


def own(function: Callable) -> Callable:
    """Return a plug-in whose outputs are what a function of the last dense layer's returns, in a layer of one's own."""
    return ending(lambda x, n: Calling(lambda _, values, __: function(values))(layers.Dense(n)(x)))


ACTIVATIONS = {
    "tanh": ops.tanh,
    "elu": ops.elu,
    "selu": ops.selu,
    "leakyrelu": ops.leaky_relu,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "exp": ops.exp,
    "softmax": lambda x: 10 * softmax(x) - 3,
    "logsoftmax": ops.log_softmax,
    "softmax in a logarithm": lambda x: ops.log(softmax(x) + 1e-7),
    "sigmoid": lambda x: 2 * ops.sigmoid(x) - 1,
    "a product with its own sigmoid": ops.silu,
    "a product with its own erfc": lambda x: ops.gelu(x, approximate=False),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("classes", [2, 3])
def test_an_activation_in_a_layer_of_ones_own(use_model, name, classes) -> None:
    sentence = refused(use_model, own(ACTIVATIONS[name]), data_set(classes=classes))
    through = f"pass through {name.partition(' in ')[0]};" in sentence and "leave the activation out" in sentence
    of_one = classes == 2 and ("as after an activation" in sentence or "does not depend on its input" in sentence)
    assert through or of_one, sentence


@pytest.mark.parametrize("function", [ops.elu, lambda x: ops.concatenate([ops.sigmoid(x[:, :1]), x[:, 1:]], -1)])
def test_an_activation_in_a_lambda(use_model, function) -> None:
    assert "pass through" in refused(use_model, ending(lambda x, n: layers.Lambda(function)(layers.Dense(n)(x))))


def subclassed(activation: str | None) -> Callable:
    class Network(keras.Model):
        def __init__(self, outputs) -> None:
            super().__init__()
            self.last = layers.Dense(outputs, activation)

        def call(self, inputs, training=False):
            return self.last(inputs)

    def build(shape, outputs):
        model = Network(outputs)
        model(keras.Input(shape))
        return model

    return build


def test_an_activation_in_a_subclass_of_model(use_model) -> None:
    assert "pass through elu" in refused(use_model, subclassed("elu"))


def test_softmax_by_hand_at_another_temperature(use_model) -> None:
    by_hand = own(lambda x: 5 * ops.exp(x) / ops.sum(ops.exp(x), -1, keepdims=True))
    assert "of the same sum in each row" in refused(use_model, by_hand)


@pytest.mark.parametrize(
    "build",
    [
        own(lambda x: 30 * ops.tanh(x / 30)),
        own(lambda x: x - ops.mean(x, -1, keepdims=True)),
        ending(lambda x, n: layers.Dense(n)(x) * layers.Dense(n, "sigmoid")(x)),
        ending(lambda x, n: layers.Dense(n)(x) + layers.Dense(n, "relu")(x)),
        ending(lambda x, n: layers.LayerNormalization()(layers.Dense(n)(x))),
        subclassed(None),
    ],
)
def test_what_is_no_activation_on_the_outputs_passes(use_model, build) -> None:
    use_model(build)
    model_trial.check(trainers.load(data_set(), recipe()))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_a_hidden_layer_of_less_precision(use_model, kind) -> None:
    half = starting(lambda: Calling(lambda _, x, __: ops.cast(ops.cast(x, kind), x.dtype)), lambda: layers.Dense(4))
    assert f"computes in {kind}" in refused(use_model, half)


def constant(value: float) -> keras.initializers.Initializer:
    return keras.initializers.Constant(value)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (ending(lambda x, n: layers.Dense(n, bias_initializer=constant(float("nan")))(x)), "is NaN after one update"),
        (own(lambda x: ops.log(-abs(x))), "is NaN after one update"),
        (own(lambda x: x / (x - x)), "is NaN after one update"),
        (ending(lambda x, n: layers.Dense(n)(Calling(lambda _, v, __: v + ops.sqrt(0 * v))(x))), "is NaN after"),
    ],
)
def test_numbers_that_are_not_finite_from_the_start_on(use_model, build, words) -> None:
    assert words in refused(use_model, build)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - ops.mean(x, 0, keepdims=True),
        lambda x: ops.cumsum(x, 0),
        lambda x: x[::-1],
        lambda x: x * ops.cast(ops.shape(x)[0], x.dtype),
        lambda x: softmax(x @ ops.transpose(x)) @ x,
    ],
)
def test_outputs_of_a_row_that_depend_on_its_batch(use_model, function) -> None:
    sentence = refused(use_model, ending(lambda x, n: layers.Dense(n)(Calling(lambda _, v, __: function(v))(x))))
    assert "depend on the other rows of its batch" in sentence


class Counter(layers.Layer):
    """Counts in inference too, in a variable of its own."""

    def build(self, shape) -> None:
        self.number = self.add_weight((), "zeros", trainable=False)

    def call(self, inputs) -> Any:
        self.number.assign(self.number + 1)
        return inputs + self.number


def test_a_state_that_changes_in_inference(use_model) -> None:
    assert "leave randomness and states out of inference" in refused(use_model, starting(Counter))


class Unknown(layers.Layer):
    """Keeps a dense layer where Keras does not look."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = type("Holder", (), {})()
        self.hidden.layer = layers.Dense(6, kernel_initializer="ones")

    def call(self, inputs) -> Any:
        return self.hidden.layer(inputs)


class Variable(layers.Layer):
    """Has a variable of TensorFlow's, of which Keras does not know."""

    def build(self, shape) -> None:
        from batchwise.runtime.tensorflow import tf

        self.weight = tf.Variable(tf.ones(shape[-1]))

    def call(self, inputs) -> Any:
        return inputs * self.weight


@pytest.mark.parametrize("layer", [Unknown, pytest.param(Variable, marks=pytest.mark.tensorflow)])
def test_variables_that_the_model_does_not_know(use_model, layer) -> None:
    assert "that it does not know, of the shape [6" in refused(use_model, starting(layer))


def quantised(shape, outputs) -> keras.Model:
    model = starting(lambda: layers.Dense(5))(shape, outputs)
    model.layers[0].quantize("int8")
    return model


@pytest.mark.filterwarnings("ignore")  # of Keras, as it quantises
@pytest.mark.parametrize(
    ("build", "words"),
    [
        (quantised, "is quantised (int8) and cannot be trained so"),
        (starting(dtype="string"), "takes strings; data sets hold numbers"),
        (starting(sparse=True), "takes sparse inputs; data sets hold arrays in which all rows have one shape"),
        pytest.param(  # which Keras on JAX does not have
            starting(ragged=True),
            "takes ragged inputs; data sets hold arrays in which all rows have one shape",
            marks=pytest.mark.tensorflow,
        ),
    ],
)
def test_types_that_are_no_numbers_to_train(use_model, build, words) -> None:
    assert words in refused(use_model, build)


@pytest.mark.tensorflow
def test_what_tensorflow_says_of_itself_is_left_out(use_model) -> None:
    sentence = refused(use_model, starting(lambda: Calling(lambda _, x, __: ops.take(x, [99], axis=1))))
    assert "function_node" not in sentence and "[Op:" not in sentence
