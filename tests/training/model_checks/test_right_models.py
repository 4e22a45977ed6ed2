"""Right models, plain and exotic, pass; the checks change no run; layers that are random in the right way repeat."""

import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

import pytest

from batchwise.common import plugins
from batchwise.common.repository import ROOT
from batchwise.config.recipe import Model
from batchwise.runtime import engine
from batchwise.runtime.keras import keras
from batchwise.training import model_trial, network, trainers
from tests.training.model_checks.builds import Calling, ending, starting, tokens, with_inputs
from tests.training.runs import ROWS, content, data_set, image_data_set, recipe

layers, ops = keras.layers, keras.ops


def residual(shape, outputs) -> keras.Model:
    hidden = layers.Dense(6, "relu")(inputs := keras.Input(shape))
    return keras.Model(inputs, layers.Dense(outputs)(layers.Add()([inputs, hidden])))


def nested(shape, outputs) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.Sequential([keras.Sequential([layers.Dense(outputs)])])])


def shared(shape, outputs) -> keras.Model:
    layer = layers.Dense(6, "tanh")
    return keras.Model(inputs := keras.Input(shape), layers.Dense(outputs)(layer(layer(inputs))))


def subclassed(shape, outputs) -> keras.Model:
    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.last = layers.Dense(5, "relu"), layers.Dense(outputs)

        def call(self, inputs, training=False):
            return self.last(self.hidden(inputs))

    model = Network()
    model(keras.Input(shape))
    return model


class Head(layers.Layer):
    """Has an activation, but not at its end, and a generator of its own."""

    def __init__(self, outputs) -> None:
        super().__init__()
        self.activation = keras.activations.softmax
        self.last = layers.Dense(outputs)
        self.seeds = keras.random.SeedGenerator()

    def build(self, shape) -> None:
        self.last.build(shape)
        self.unnamed = keras.Variable(1.0)

    def call(self, inputs, training=False) -> keras.KerasTensor:
        mask = keras.random.dropout(ops.ones_like(inputs), 0.3, seed=self.seeds) if training else 1
        return self.last(self.activation(inputs) * mask) * self.unnamed


def cosine(hidden, outputs) -> keras.KerasTensor:
    return 10 * layers.UnitNormalization()(layers.Dense(outputs)(layers.UnitNormalization()(hidden)))


def by_position(shape, outputs) -> keras.Model:
    """Two Embeddings, each of a part of the columns."""
    inputs = keras.Input(shape)
    parts = [layers.Embedding(10, 2)(inputs[:, :3]), layers.Embedding(10, 2)(inputs[:, 3:])]
    return keras.Model(inputs, layers.Dense(outputs)(layers.Flatten()(layers.Concatenate()(parts))))


EXOTIC = {
    "residual": residual,
    "nested": nested,
    "shared weights": shared,
    "subclassed": subclassed,
    "a list of one output": lambda shape, n: keras.Model(inputs := keras.Input(shape), [layers.Dense(n)(inputs)]),
    "a linear activation": ending(lambda x, n: layers.Activation("linear")(layers.Dense(n, "linear")(x))),
    "normalised": starting(layers.BatchNormalization, layers.LayerNormalization, lambda: layers.Dense(4)),
    "normalised logits": ending(lambda x, n: layers.BatchNormalization()(layers.Dense(n)(x))),
    "a head of zeros": ending(lambda x, n: layers.Dense(n, kernel_initializer="zeros")(x)),
    "all zeros": ending(lambda x, n: layers.Dense(n, kernel_initializer="zeros", use_bias=False)(0 * x + x)),
    "a start between 0 and 1": ending(
        lambda x, n: layers.Dense(n, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.5))(x)
    ),
    "no biases": ending(lambda x, n: layers.Dense(n, use_bias=False)(layers.Dense(1, "relu", use_bias=False)(x))),
    "own layer": ending(lambda x, n: Head(n)(x)),
    "bounded logits": ending(lambda x, n: layers.Rescaling(30)(ops.tanh(layers.Rescaling(1 / 30)(layers.Dense(n)(x))))),
    "a temperature": ending(lambda x, n: 0.01 * layers.Dense(n)(x)),
    "cosine": ending(cosine),
    "frozen in part": ending(lambda x, n: layers.Dense(n)(layers.Dense(4, trainable=False)(x))),
    "recurrent": starting(lambda: layers.Reshape((3, 2)), lambda: layers.GRU(3)),
    "attention": starting(lambda: layers.Reshape((3, 2)), lambda: Attention()),
    "deep": starting(*[lambda: layers.Dense(4, "relu")] * 20),
    "any width": lambda shape, n: keras.Sequential([keras.Input(shape), layers.Dense(n, kernel_regularizer="l2")]),
}


class Attention(layers.Layer):
    """Of its inputs to themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 2, dropout=0.1)

    def build(self, shape) -> None:
        self.attention.build(shape, shape)

    def call(self, inputs, training=False) -> keras.KerasTensor:
        return self.attention(inputs, inputs, training=training)


# Of a row of zeros, which ReLU may make, Keras on JAX has NaN for the gradient of UnitNormalization.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.tensorflow if name == "cosine" else ()) for name in EXOTIC]
)
def test_exotic_models_pass(use_model, name) -> None:
    """With three outputs, and with one, whose sign is the answer."""
    use_model(EXOTIC[name])
    for classes in (3, 2):
        model_trial.check(trainers.load(data_set(classes=classes), recipe()))


@pytest.mark.parametrize("options", [{}, {"accumulation": 3}, {"weight_decay": 0.1}])
@pytest.mark.parametrize(
    "build",
    [
        starting(lambda: layers.Embedding(10, 2)),
        starting(lambda: layers.Embedding(10, 2), dtype="int32"),
        starting(
            lambda: layers.Rescaling(0.5),
            lambda: Calling(lambda _, x, __: ops.floor(x)),
            lambda: layers.Embedding(5, 2),
        ),
        by_position,
    ],
)
def test_an_embedding_with_all_entries_passes(use_model, build, options) -> None:
    use_model(build)
    model_trial.check(trainers.load(with_inputs(tokens), recipe(**options)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {"hidden_units": [4]}),
        ("cnn", {"channels": 4, "normalization": "batch", "normalization_batch": 4}),
        ("resnet", {"depth": 8, "normalization": "batch", "normalization_batch": 0}),
        ("resnet", {"depth": 8, "normalization": "none"}),
        ("alexnet_small", {"normalization": "batch", "normalization_batch": 4, "dropout": 0.25}),
    ],
)
def test_the_models_of_the_project_pass(name, options) -> None:
    data = data_set(shape=(16, 16, 3)) if name != "mlp" else data_set()
    how = recipe().model_copy(update={"model": Model(name=name, **options)})
    model_trial.check(trainers.load(data, how))


@pytest.mark.parametrize("data", [data_set(6, validation=1, test=1), data_set(6, classes=2), image_data_set()])
def test_few_rows_and_images_pass(use_model, data) -> None:
    use_model(starting())
    model_trial.check(trainers.load(data, recipe("adam", "float64", accumulation=2)))


def test_bfloat16_is_a_type_of_recipes_for_measurements() -> None:
    trainers.load(data_set(), recipe().model_copy(update={"dtype": "bfloat16"}))


# Exactness


def test_the_checks_change_no_run(use_model) -> None:
    """Not even the names of variables, which Keras numbers."""
    use_model(ending(lambda x, n: Head(n)(layers.BatchNormalization()(layers.Dropout(0.2)(x)))))

    def results(check):
        keras.utils.clear_session(free_memory=False)  # the numbers, as in a new process
        check(trainer := trainers.load(data_set(), recipe("adam", budget={"epochs": 2})))
        return [content(trainer.run(ROWS, 0.01, seed)) for seed in (0, 1, 0)]

    assert results(model_trial.check) == results(lambda trainer: None)


def test_counting_the_weights_leaves_no_number_behind() -> None:
    before = layers.Dense(1).name
    network.check_size(recipe(), (6,), (3,))
    numbers = [int(name.partition("_")[2] or 0) for name in (before, layers.Dense(1).name)]
    assert numbers[1] == numbers[0] + 1


class Noise(layers.Layer):
    """Draws from a generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, inputs, training=False) -> keras.KerasTensor:
        return inputs + keras.random.normal(ops.shape(inputs), seed=self.seeds) if training else inputs


# Random in the right way, on images; after a convolution, so that XLA, which takes long, does not compile them.
RANDOM = (
    lambda: layers.Conv2D(2, 1),
    lambda: layers.RandomFlip("horizontal"),
    lambda: layers.RandomContrast(0.5),
    lambda: layers.SpatialDropout2D(0.2),
    lambda: layers.GaussianNoise(0.5),
    lambda: layers.GaussianDropout(0.5),
    lambda: layers.AlphaDropout(0.2),
    lambda: layers.Dropout(0.2),
    lambda: layers.Dropout(0.2, seed=3),
    Noise,
)
RUNS = [(ROWS, 0.01, 1), (ROWS, 0.02, 2), (ROWS, 0.01, 0)]


def trained(runs) -> list[bytes]:
    """Return what runs with random layers give in this process, after the checks."""
    build = starting(*RANDOM)
    module = SimpleNamespace(build=lambda shape, outputs, hidden_units: build(shape, outputs))
    load = plugins.load
    with mock.patch.object(plugins, "load", lambda kind, name: module if kind == "models" else load(kind, name)):
        trainer = trainers.load(image_data_set(), recipe(budget={"epochs": 2}))
        model_trial.check(trainer)
        return [content(trainer.run(*run)) for run in runs]


def test_random_layers_repeat_themselves_in_another_order_and_process() -> None:
    script = (
        f"import sys; sys.path[:0] = ['.']; from batchwise.runtime import engine; engine.use('{engine.used()}');"
        "from tests.training.model_checks import test_right_models as t;"
        "sys.stdout.buffer.write(b'|'.join(t.trained(t.RUNS)))"
    )
    fresh = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert fresh.stdout == b"|".join(reversed(trained(RUNS[::-1])))


@pytest.mark.parametrize("layer", RANDOM)
def test_each_random_layer_passes(use_model, layer) -> None:
    use_model(starting(layer))
    model_trial.check(trainers.load(image_data_set(), recipe()))


def test_a_model_that_takes_its_options_apart_is_given_them_whole_each_time(monkeypatch) -> None:
    """It pops them, as a recursive function might."""

    def build(shape, outputs, hidden_units) -> keras.Model:
        parts = [keras.Input(shape)]
        while hidden_units:
            parts.append(layers.Dense(hidden_units.pop()))
        return keras.Sequential([*parts, layers.Dense(outputs)])

    how, load = recipe(hidden_units=[5, 4]), plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: SimpleNamespace(build=build) if kind == "models" else load(kind, name)
    )
    trainer = trainers.load(data_set(), how)
    model_trial.check(trainer)
    assert len(trainer.model.layers) == len(trainer.build(seed=1).layers) == 3
    assert how.model.options == {"hidden_units": [5, 4]}
