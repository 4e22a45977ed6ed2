"""The engine against an independent implementation and Keras's fit; its runs are a function of their inputs."""

import re
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import grid
from batchwise.config.recipe import Recipe
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.device import gpu
from batchwise.runtime.tensorflow import keras, tf
from batchwise.training import evaluation, random_streams, run_result
from batchwise.training import trainer as trainer_module
from batchwise.training.augmentation import draws
from batchwise.training.schedule import multiples
from batchwise.training.trainer import Trainer
from tests.reference import STEPS, augment, evaluate, losses, train

ROWS = 40
# Relative to the largest entry of a tensor. Measured after 15 updates: 5e-16 and 3e-7.
TOLERANCE = {"float64": 1e-13, "float32": 1e-5}
# Keras rounds an optimiser's constants to float32, also in float64, so these tests use constants that are exact in it.
EPSILON = 2.0**-10
ADAM = {"beta_1": 0.75, "beta_2": 0.875, "epsilon": EPSILON}


def data_set(rows=ROWS, *, classes=3, validation=11, test=9, shape=(6,)) -> DataSet:
    """Return random inputs, and labels that depend on them."""
    random = np.random.default_rng(classes)

    def part(size):
        inputs = random.normal(size=(size, *shape)).astype("float32")
        signal = inputs.reshape(size, np.prod(shape))[:, 0] + 0.3 * random.normal(size=size)
        return Split(inputs, np.searchsorted(np.linspace(-0.7, 0.7, classes - 1), signal).astype("int32"))

    task = "binary_classification" if classes == 2 else "multiclass_classification"
    description = Description("random", task, "none", "none")
    return DataSet(description, tuple(map(str, range(classes))), *map(part, (rows, validation, test)))


def image_data_set() -> DataSet:
    """Return random images, as bytes."""
    data = data_set(shape=(4, 3, 2))
    parts = [
        Split(np.uint8(128 + 40 * part.inputs.clip(-3, 3)), part.labels)
        for part in vars(data).values()
        if isinstance(part, Split)
    ]
    return DataSet(data.description, data.class_names, *parts, np.float32([120, 130]), np.float32([50, 30]))


def recipe(optimizer="sgd", dtype="float32", budget=None, **options) -> Recipe:
    named = ("schedule", "weight_decay", "augmentation", "accumulation")
    how = {name: options.pop(name) for name in named if name in options}
    return Recipe.model_validate(
        {
            "model": {"name": "mlp", "hidden_units": [5, 4]},
            "optimizer": {"name": optimizer, **options},
            "budget": budget or {"epochs": 3},
            "dtype": dtype,
            **how,
        }
    )


def content(result) -> bytes:
    return run_result.dump(result, {})


def assert_close(actual, expected, dtype) -> None:
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype] * np.abs(other).max())


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer(data_set(), recipe("rmsprop"))


@pytest.fixture
def use_model(monkeypatch) -> Callable:
    """Let the engine build the model that a function of (input shape, outputs) returns."""

    def use(build):
        module = SimpleNamespace(build=lambda shape, outputs, hidden_units: build(shape, outputs))
        load = plugins.load
        monkeypatch.setattr(plugins, "load", lambda kind, name: module if kind == "models" else load(kind, name))

    return use


# Numerics


def flat(inputs) -> np.ndarray:
    return inputs.reshape(len(inputs), np.prod(inputs.shape[1:]))


def standardised(data, inputs) -> np.ndarray:
    inputs = inputs.astype("float64")
    return inputs if data.mean is None else (inputs - data.mean) / data.std


def augmented(how, inputs, epoch) -> np.ndarray:
    if not how.augmentation:
        return inputs
    return augment(inputs, draws(how.augmentation, 7, epoch, len(inputs)), how.augmentation.pad)


def assert_follows_reference(data, how, batch_size, rate=0.05) -> None:
    trainer, budget = Trainer(data, how), how.budget
    epochs, updates = grid.epochs(budget, ROWS, batch_size), grid.updates(budget, ROWS, batch_size)
    parts = {name: (standardised(data, getattr(data, name).inputs), getattr(data, name).labels) for name in SPLITS}
    result = trainer.run(batch_size, rate, seed=7)
    step = STEPS[how.optimizer.name](**how.optimizer.model_dump(exclude={"name"}))
    expected = list(
        train(
            [weight.numpy() for weight in trainer.build(7).weights],
            step,
            [flat(augmented(how, parts["train"][0], epoch)) for epoch in range(epochs)],
            data.train.labels,
            random_streams.orders(7, 0, epochs, ROWS),
            batch_size,
            rate * multiples(how.schedule, updates),
            how.weight_decay,
        )
    )
    assert len(expected) == epochs + 1
    assert np.abs(expected[-1][0] - expected[0][0]).max() > 1e-4  # it moved
    assert_close(result.weights.values(), expected[-1], how.dtype)
    curves = [[evaluate(weights, flat(inputs), labels) for inputs, labels in parts.values()] for weights in expected]
    loss, correct = np.moveaxis(np.array(curves), 2, 0)
    assert_close([result.loss], [loss], how.dtype)
    np.testing.assert_array_equal(result.correct, correct)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.75},
        {"optimizer": "sgd", "momentum": 0.75, "nesterov": True},
        {"optimizer": "rmsprop", "rho": 0.75, "epsilon": EPSILON},
        {"optimizer": "rmsprop", "rho": 0.875, "momentum": 0.5, "epsilon": EPSILON},
        {"optimizer": "adam", **ADAM},
        {"optimizer": "adadelta", "rho": 0.75, "epsilon": EPSILON},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_update_rules_follow_the_papers_with_a_partial_batch(options) -> None:
    assert_follows_reference(data_set(classes=2), recipe(dtype="float64", **options), batch_size=12)


@pytest.mark.parametrize("budget", [{"epochs": 5}, {"updates": 18}])
@pytest.mark.parametrize("schedule", [{"drops": [0.5, 0.75]}, {"warm_up": 0.25}, {"warm_up": 0.3, "drops": [0.4]}])
def test_schedules_follow_the_reference(schedule, budget) -> None:
    """Four updates are an epoch, so drops are within epochs, and the warm-up goes on over several."""
    assert_follows_reference(data_set(), recipe(dtype="float64", budget=budget, schedule=schedule), batch_size=12)


@pytest.mark.parametrize("optimizer", [{"optimizer": "sgd"}, {"optimizer": "adam", **ADAM}])
def test_weight_decay_is_coupled_and_of_kernels_alone(optimizer) -> None:
    """The penalty's gradient goes through the optimiser, as that of the loss does."""
    assert_follows_reference(data_set(), recipe(dtype="float64", weight_decay=0.25, **optimizer), batch_size=12)


@pytest.mark.parametrize("accumulation", [1, 2, 3, 5, 100])
def test_accumulated_gradients_are_those_of_the_whole_batch(accumulation) -> None:
    """Also where m is no multiple of the parts, where there are more parts than rows, and in a partial batch."""
    how = recipe("adam", "float64", accumulation=accumulation, **ADAM)
    assert_follows_reference(data_set(), how, batch_size=12)


def test_accumulated_gradients_are_normalised_as_parts_of_the_batch(use_model) -> None:
    """Hoffer et al. 2017: accumulation over batches with normalisation is ghost batch normalisation, and no other."""

    def trained(normalization_batch, accumulation):
        def build(shape, outputs):
            inputs = keras.Input(shape)
            hidden = keras.layers.Dense(5, use_bias=False)(inputs)  # a bias would be taken away again
            hidden = GhostBatchNormalization(normalization_batch)(hidden)
            return keras.Model(inputs, keras.layers.Dense(outputs)(keras.ops.relu(hidden)))

        use_model(build)
        result = Trainer(data_set(), recipe(dtype="float64", accumulation=accumulation)).run(12, 0.5, seed=7)
        return [value for name, value in result.weights.items() if "moving" not in name]

    parts = trained(0, 3)
    assert_close(parts, trained(4, 1), "float64")
    assert max(np.abs(one - other).max() for one, other in zip(parts, trained(0, 1), strict=True)) > 1e-3


@pytest.mark.parametrize("augmentation", [None, {"pad": 2, "flip": True}, {"pad": 0, "flip": True}])
def test_images_are_standardised_and_augmented_as_in_the_reference(augmentation) -> None:
    data = image_data_set()
    assert_follows_reference(data, recipe(dtype="float64", augmentation=augmentation), batch_size=12)


def test_a_partial_batch_is_normalised_by_itself_unless_statistics_are_over_more_rows_than_a_batch(use_model) -> None:
    """Or runs whose parts are smaller than the batch would see other partial batches than those without parts."""

    def build(shape, outputs, normalization_batch):
        inputs = keras.Input(shape)
        return keras.Model(inputs, keras.layers.Dense(outputs)(GhostBatchNormalization(normalization_batch)(inputs)))

    found = []
    for normalization_batch in (0, 8, 16):
        use_model(lambda shape, outputs, k=normalization_batch: build(shape, outputs, k))
        result = Trainer(data_set(rows=36), recipe(dtype="float64", budget={"epochs": 1})).run(32, 0.0, seed=7)
        found.append(result.weights["004_moving_weight"].item())
    assert found == [pytest.approx(1 - 0.9 ** (36 / 128))] * 3


def test_a_loss_that_leaps_is_no_divergence_where_averages_lag(use_model) -> None:
    class Leap(keras.layers.Layer):
        """In inference mode, multiplies by 1 until it has been called in training, and by 1000 from then on."""

        def __init__(self, variable):
            super().__init__()
            self.variable = variable

        def build(self, shape):
            self.factor = self.add_weight((), "ones", trainable=False, name=self.variable)

        def call(self, inputs, training=False):
            if training:
                self.factor.assign(1000.0)
            return inputs if training else inputs * self.factor

    def build(shape, outputs, variable):
        inputs = keras.Input(shape)
        return keras.Model(inputs, Leap(variable)(keras.layers.Dense(outputs)(inputs)))

    for name, status in (("moving_factor", "ok"), ("factor", "diverged")):
        use_model(lambda shape, outputs, variable=name: build(shape, outputs, variable))
        assert Trainer(data_set(), recipe(budget={"epochs": 2})).run(8, 0.0001, seed=7).status == status


def normalised_linear(data, weights, order, batch_size, together, rate) -> list[np.ndarray]:
    """Train a normalisation and a linear layer for an epoch; return γ, β, the moving averages, kernel, bias.

    The statistics of an update are those of `together` rows of the epoch's order, of which the last are its own; before
    the first row of an order comes its last.
    """
    gamma, beta, moving_mean, moving_variance, moving_weight, kernel, bias = weights
    for start in range(0, len(order), batch_size):
        end = min(start + batch_size, len(order))
        window = np.take(order, range(end - together, end), mode="wrap")
        inputs = data.train.inputs[window].astype("float64")
        mean, variance = inputs.mean(0), inputs.var(0)
        kept = 0.9 ** (len(window) / 128)
        moving_mean = (kept * moving_weight * moving_mean + (1 - kept) * mean) / (kept * moving_weight + 1 - kept)
        unbiased = inputs.var(0, ddof=1)
        moving_variance = (kept * moving_weight * moving_variance + (1 - kept) * unbiased) / (
            kept * moving_weight + 1 - kept
        )
        moving_weight = kept * moving_weight + 1 - kept
        scaled = ((inputs - mean) / np.sqrt(variance + 1e-5))[start - end :]
        hidden = gamma * scaled + beta
        gradient = losses(hidden @ kernel + bias, data.train.labels[order[start:end]])[1] / (end - start)
        below = gradient @ kernel.T
        kernel, bias = kernel - rate * hidden.T @ gradient, bias - rate * gradient.sum(0)
        gamma, beta = gamma - rate * (below * scaled).sum(0), beta - rate * below.sum(0)
    return [gamma, beta, moving_mean, moving_variance, moving_weight, kernel, bias]


@pytest.mark.parametrize("batch_size", [3, 12])
def test_statistics_over_more_rows_than_an_update_has_are_of_those_before_it_too(use_model, batch_size) -> None:
    def build(shape, outputs):
        inputs = keras.Input(shape)
        return keras.Model(inputs, keras.layers.Dense(outputs)(GhostBatchNormalization(16)(inputs)))

    use_model(build)
    data = data_set()
    trainer = Trainer(data, recipe(dtype="float64", budget={"epochs": 1}))
    start = [variable.numpy() for variable in trainer.build(7).variables]
    result = trainer.run(batch_size, 0.25, seed=7)
    expected = normalised_linear(data, start, random_streams.orders(7, 0, 1, ROWS)[0], batch_size, 16, 0.25)
    assert_close(result.weights.values(), expected, "float64")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("batch_size", [8, 15])
def test_float32_and_whole_batches_follow_the_reference(dtype, batch_size) -> None:
    assert_follows_reference(data_set(), recipe("sgd", dtype, momentum=0.5), batch_size)


@pytest.mark.parametrize("updates", [3, 9])
def test_a_budget_of_updates_is_kept_exactly(updates) -> None:
    """Four updates are an epoch: less than one, and two with a cut third."""
    assert_follows_reference(data_set(), recipe(dtype="float64", budget={"updates": updates}), batch_size=12)


def fit(trainer, result, batch_size, rate, optimizer, seed=3) -> list[np.ndarray]:
    """Train with Keras's own loop, one epoch at a time on rows that lie in the order of the stream."""
    model, part = trainer.build(seed), trainer.data.train
    multiclass = trainer.data.description.task == "multiclass_classification"
    losses = keras.losses
    loss = (losses.SparseCategoricalCrossentropy if multiclass else losses.BinaryCrossentropy)(from_logits=True)
    model.compile(optimizer(rate), loss)
    for order in random_streams.orders(seed, 0, len(result.loss) - 1, trainer.rows):
        inputs = part.inputs[order].astype(trainer.recipe.dtype)
        model.fit(inputs, part.labels[order], batch_size=batch_size, shuffle=False, verbose=0)
    return [variable.numpy() for variable in model.variables]


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("rmsprop", lambda rate: keras.optimizers.RMSprop(rate)), ("adam", lambda rate: keras.optimizers.Adam(rate))],
)
def test_keras_fit_gives_the_same_weights(name, optimizer) -> None:
    trainer = Trainer(data_set(classes=2), recipe(name, "float64"))
    result = trainer.run(12, 0.02, seed=3)
    assert_close(result.weights.values(), fit(trainer, result, 12, 0.02, optimizer), "float64")


def test_regularisers_and_moving_statistics_are_those_of_fit(use_model) -> None:
    def build(shape, outputs):
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input(shape),
                layers.Dense(5, kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer="l1"),
                layers.BatchNormalization(momentum=0.7),
                layers.Dense(outputs),
            ]
        )

    use_model(build)
    trainer = Trainer(data_set(), recipe(dtype="float64"))
    first = trainer.run(12, 0.1, seed=3)
    assert_close(first.weights.values(), fit(trainer, first, 12, 0.1, keras.optimizers.SGD), "float64")
    trainer.run(12, 0.2, seed=4)
    assert content(trainer.run(12, 0.1, seed=3)) == content(first), "moving statistics are left from another run"


def test_convolutions_do_without_xla_on_a_cpu_and_match_fit(use_model) -> None:
    def build(shape, outputs):
        inner = keras.Sequential([keras.Input(shape), keras.layers.Conv2D(2, 3, activation="relu")])
        return keras.Sequential([inner, keras.layers.Flatten(), keras.layers.Dense(outputs)])

    use_model(build)
    trainer = Trainer(data_set(shape=(5, 5, 1)), recipe(dtype="float64"))
    result = trainer.run(12, 0.1, seed=3)
    assert result.xla == bool(gpu())
    assert_close(result.weights.values(), fit(trainer, result, 12, 0.1, keras.optimizers.SGD), "float64")


def test_more_rows_than_are_evaluated_together(monkeypatch) -> None:
    """Parts of several evaluation batches with a rest, of whole ones, and of less than one."""
    data = data_set(rows=30, validation=21, test=6)
    whole = Trainer(data, recipe(dtype="float64", budget={"epochs": 1})).run(30, 0.1, 0)
    monkeypatch.setattr(evaluation, "EVALUATION_ROWS", 7)
    pieces = Trainer(data, recipe(dtype="float64", budget={"epochs": 1})).run(30, 0.1, 0)
    assert_close([pieces.loss], [whole.loss], "float64")
    np.testing.assert_array_equal(pieces.correct, whole.correct)


# A run is a function of its inputs


def test_a_run_does_not_depend_on_the_runs_before_it(trainer) -> None:
    first = content(trainer.run(12, 0.01, seed=1))
    assert content(trainer.run(12, 0.01, seed=2)) != first
    assert content(trainer.run(12, 0.02, seed=1)) != first
    assert content(trainer.run(9, 0.01, seed=1)) != first
    assert content(trainer.run(12, 0.01, seed=1)) == first


def test_a_run_has_the_same_bytes_in_a_fresh_process(trainer) -> None:
    script = (
        "import sys; sys.path[:0] = ['.']; from tests.training import test_trainer as t;"
        "sys.stdout.buffer.write(t.content(t.Trainer(t.data_set(), t.recipe('rmsprop')).run(12, 0.01, 1)))"
    )
    fresh = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert fresh.stdout == content(trainer.run(12, 0.01, seed=1))


def test_another_floating_point_type_in_the_process_changes_nothing(trainer) -> None:
    expected = content(Trainer(data_set(), recipe("rmsprop")).run(7, 0.01, seed=1))
    trainer.run(12, 0.01, seed=1)  # keeps the start of the seed
    Trainer(data_set(), recipe("adam", "float64"))
    assert content(trainer.run(7, 0.01, seed=1)) == expected


def test_a_batch_size_above_the_number_of_rows_is_all_rows(trainer) -> None:
    expected = content(trainer.run(ROWS, 0.01, seed=0))
    programs = len(trainer.programs)
    assert content(trainer.run(10**9, 0.01, seed=0)) == expected
    assert len(trainer.programs) == programs


def test_keras_fit_treats_a_batch_size_above_the_number_of_rows_alike() -> None:
    trainer = Trainer(data_set(), recipe(dtype="float64"))
    result = trainer.run(10**9, 0.1, seed=3)
    assert_close(result.weights.values(), fit(trainer, result, 10**9, 0.1, keras.optimizers.SGD), "float64")


def test_all_batch_sizes_start_from_the_same_weights(trainer) -> None:
    starts = [trainer.run(m, rate, seed=5).loss[0] for m, rate in ((12, 0.01), (9, 0.02), (ROWS, 0.1))]
    np.testing.assert_array_equal(starts, [starts[0]] * 3)
    assert (trainer.run(12, 0.01, seed=6).loss[0] != starts[0]).all()


@pytest.mark.parametrize("bound", ["rows", "bytes"])
def test_epochs_in_several_calls_have_the_bytes_of_one_call(monkeypatch, trainer, bound) -> None:
    """Three epochs as 2 + 1, for the number of rows or for the memory that the weights after each epoch take."""
    expected = content(trainer.run(12, 0.01, seed=1))
    epoch = {"rows": ROWS, "bytes": sum(variable.numpy().nbytes for variable in trainer.model.variables)}[bound]
    monkeypatch.setattr(trainer_module, f"{bound.upper()}_PER_CALL", 2 * epoch)
    another = Trainer(data_set(), recipe("rmsprop"))
    assert another.epochs_per_call == 2
    assert content(another.run(12, 0.01, seed=1)) == expected


def test_dropout_repeats_itself_and_differs_between_updates_and_seeds(use_model) -> None:
    """From zero weights and with all rows in one batch, nothing but the masks tells two seeds apart."""

    def build(shape, outputs):
        dropped = keras.layers.Dropout(0.5)(keras.layers.Dropout(0.3)(inputs := keras.Input(shape)))
        return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="zeros")(dropped))

    use_model(build)
    trainer = Trainer(data_set(), recipe())
    first = trainer.run(ROWS, 0.1, seed=1)
    assert content(trainer.run(ROWS, 0.1, seed=1)) == content(first)
    states = [value for name, value in first.weights.items() if "seed" in name]
    assert len(states) == 2
    assert (states[0] != states[1]).any(), "two layers drop the same units"
    assert (trainer.run(ROWS, 0.1, seed=2).loss[1] != first.loss[1]).all()
    # The same masks at every learning rate: from zero weights, steps are in proportion to η.
    trainer = Trainer(data_set(), recipe(budget={"updates": 1}))
    steps = [list(trainer.run(ROWS, rate, seed=1).weights.values())[-2] / rate for rate in (0.125, 0.25)]
    np.testing.assert_array_equal(*steps)


# Runs that do not end well


def test_a_diverged_run_is_a_result_and_leaves_no_trace(trainer) -> None:
    fine = content(trainer.run(12, 0.01, seed=1))
    result = trainer.run(12, 1e19, seed=1)
    assert (result.status, result.diverged_epoch, result.weights) == ("diverged", 1, {})
    assert result.loss.shape == result.correct.shape == (2, 3)
    assert np.isfinite(result.loss[0]).all()
    assert not result.loss[1, 0] <= trainer_module.DIVERGENCE_FACTOR * result.loss[0, 0]
    assert content(trainer.run(12, 1e19, seed=1)) == content(result)
    assert content(trainer.run(12, 0.01, seed=1)) == fine


def test_a_run_diverges_in_the_epoch_in_which_its_loss_is_first_too_large(monkeypatch, trainer) -> None:
    """With a bound that the loss of a fine run crosses: rows up to that epoch are kept, in one call or in several."""
    loss = trainer.run(12, 0.01, seed=1).loss[:, 0]
    assert loss[1] > loss[2] > loss[3]
    trainer.run(12, 0.01, seed=1)
    monkeypatch.setattr(
        trainer_module, "_first_diverged_epoch", lambda losses, start, before: before + 2 if before < 2 else None
    )
    result = trainer.run(12, 0.01, seed=1)
    assert (result.status, result.diverged_epoch) == ("diverged", 2)
    np.testing.assert_array_equal(result.loss[:, 0], loss[:3])


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, 2.0, 20.0], None),
        ([1.0, 20.1, 1.0], 6),
        ([np.nan, 1.0, 1.0], 5),
        ([1.0, 1.0, np.inf], 7),
    ],
)
def test_first_diverged_epoch(losses, expected) -> None:
    """Of epochs 5, 6 and 7: a loss of more than 20, or that is not a finite number."""
    assert trainer_module._first_diverged_epoch(np.array(losses, "float32"), np.float32(20), 4) == expected


def failing(error: Exception) -> Callable:
    """Return a program that raises an error."""

    def program(*arguments):
        raise error

    return program


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "no memory"),
        tf.errors.AbortedError(None, None, "received an exception:Status: 1, message: could not create a primitive"),
        MemoryError(),
    ],
)
def test_a_run_without_memory_is_a_result_and_leaves_no_trace(monkeypatch, trainer, error) -> None:
    fine = content(trainer.run(12, 0.01, seed=1))
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "program", lambda *key: failing(error))
        result = trainer.run(12, 0.01, seed=1)
    assert (result.status, result.diverged_epoch, result.weights) == ("out_of_memory", None, {})
    assert result.loss.shape == (0, 3)
    assert content(trainer.run(12, 0.01, seed=1)) == fine


def test_another_error_than_of_memory_is_raised(monkeypatch, trainer) -> None:
    monkeypatch.setattr(trainer, "program", lambda *key: failing(tf.errors.AbortedError(None, None, "Status: 3")))
    with pytest.raises(tf.errors.AbortedError):
        trainer.run(12, 0.01, seed=1)


# Borders


def test_without_validation_rows_their_loss_is_not_a_number() -> None:
    result = Trainer(data_set(validation=0), recipe(budget={"epochs": 1})).run(ROWS, 0.1, 0)
    assert np.isnan(result.loss[:, 1]).all()
    assert np.isfinite(result.loss[:, [0, 2]]).all()
    assert (result.correct[:, 1] == 0).all()


@pytest.mark.parametrize("classes", [1, 2])
def test_a_single_row_trains_at_any_batch_size(classes) -> None:
    trainer = Trainer(data_set(rows=1, classes=classes, validation=1, test=1), recipe(budget={"epochs": 2}))
    result = trainer.run(1, 0.1, 0)
    assert result.status == "ok"
    assert content(trainer.run(5, 0.1, 0)) == content(result)


@pytest.mark.parametrize(
    ("inputs", "classes", "hidden_units", "parameters"), [(30, 2, [16, 8, 6], 693), (64, 10, [32], 2410)]
)
def test_parameters_of_the_studies(inputs, classes, hidden_units, parameters) -> None:
    how = recipe(budget={"epochs": 1}).model_copy(
        update={"model": Recipe.model_fields["model"].annotation(name="mlp", hidden_units=hidden_units)}
    )
    result = Trainer(data_set(classes=classes, shape=(inputs,)), how)._result("ok", [(np.zeros((1, 3)),) * 2])
    assert result.parameters == sum(weight.size for weight in result.weights.values()) == parameters


def test_a_model_that_cannot_be_built_is_a_user_error(use_model) -> None:
    def build(shape, outputs):
        raise ValueError("kernel too large")

    use_model(build)
    with pytest.raises(UserError, match=r"model mlp cannot be built with .*kernel too large"):
        Trainer(data_set(), recipe())


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda shape, outputs: keras.Sequential([keras.Input(shape), keras.layers.Dense(outputs + 1)]), "(None, 4)"),
        (lambda shape, outputs: keras.Sequential([keras.layers.Dense(outputs)]), "unknown, for want of a keras.Input"),
    ],
)
def test_a_model_with_other_outputs_is_a_user_error(use_model, build, words) -> None:
    use_model(build)
    with pytest.raises(UserError, match=re.escape(words)):
        Trainer(data_set(classes=3), recipe())
