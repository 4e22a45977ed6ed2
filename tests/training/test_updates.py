"""Updates against an independent implementation: rules, schedules, decay, accumulation, augmentation, budgets."""

import numpy as np
import pytest

from batchwise.config import grid
from batchwise.data.dataset import SPLITS
from batchwise.training import random_streams, trainers
from batchwise.training.augmentation import draws
from batchwise.training.schedule import multiples
from tests.reference import STEPS, augment, evaluate, train
from tests.training.runs import ADAM, ROWS, TOLERANCE, assert_close, data_set, image_data_set, recipe

# Most of it without XLA, for the time that it takes to compile: with it, the last test has each option once, and
# test_keras_fit.py each optimiser.
WITHOUT_XLA = pytest.mark.usefixtures("without_xla")
EPSILON = ADAM["epsilon"]


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
    trainer, budget = trainers.load(data, how), how.budget
    epochs, updates = grid.epochs(budget, ROWS, batch_size), grid.updates(how, ROWS, batch_size)
    parts = {name: (standardised(data, getattr(data, name).inputs), getattr(data, name).labels) for name in SPLITS}
    result = trainer.run(batch_size, rate, seed=7)
    options = how.optimizer.options(batch_size)
    clip = {name: options.pop(name) for name in [*options] if "clip" in name}
    decoupled, average = options.pop("weight_decay", 0.0), options.pop("ema_momentum", 0.0)
    options.pop("use_ema", None)
    expected = list(
        train(
            [np.asarray(weight.value) for weight in trainer.build(7).weights],
            STEPS[how.optimizer.name](**options),
            [flat(augmented(how, parts["train"][0], epoch)) for epoch in range(epochs)],
            data.train.labels,
            random_streams.orders(7, 0, epochs, ROWS),
            batch_size,
            rate * multiples(how.schedule, updates),
            how.weight_decay,
            decoupled=decoupled,
            average=average,
            clip=clip,
        )
    )
    assert len(expected) == epochs + 1
    assert np.abs(expected[-1][0] - expected[0][0]).max() > 1e-4  # it moved
    assert_close(result.weights.values(), expected[-1], how.dtype)
    curves = [[evaluate(weights, flat(inputs), labels) for inputs, labels in parts.values()] for weights in expected]
    loss, accuracy = np.moveaxis(np.array(curves), 2, 0)
    assert_close([result.metrics["loss"]], [loss], how.dtype)
    np.testing.assert_array_equal(result.metrics["accuracy"], accuracy)


@WITHOUT_XLA
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
        {"optimizer": "adamw", "decoupled": 0.5, "amsgrad": True, **ADAM},
        {"optimizer": "lamb", "decoupled": 0.5, **ADAM},
        {"optimizer": "adagrad", "initial_accumulator_value": 0.25, "epsilon": EPSILON},
        {"optimizer": "ftrl", "initial_accumulator_value": 0.25, "l1_regularization_strength": 2.0**-7, "beta": 0.5},
        {
            "optimizer": "ftrl",
            "learning_rate_power": 0.0,
            "l2_regularization_strength": 0.25,
            "l2_shrinkage_regularization_strength": 0.25,
        },
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_update_rules_follow_the_papers_with_a_partial_batch(options) -> None:
    assert_follows_reference(data_set(classes=2), recipe(dtype="float64", **options), batch_size=12)


# Of 12 rows, which float32 has exactly: β = ½ and ¼.
HALF_LIVES = {"momentum_half_life": 6, "second_moment_half_life": 12}


@WITHOUT_XLA
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd", "momentum_half_life": 12, "nesterov": True},
        {"optimizer": "rmsprop", **HALF_LIVES, "centered": True, "epsilon": EPSILON},
        {"optimizer": "adam", **HALF_LIVES, "amsgrad": True, "epsilon": EPSILON, "ema_half_life": 6},
        {"optimizer": "nadam", **HALF_LIVES, "epsilon": EPSILON, "dtype": "float32"},  # which has a constant, 0.96
        {"optimizer": "lion", "beta_1": 0.75, "momentum_half_life": 12, "decoupled": 0.5},
        {"optimizer": "adadelta", "second_moment_half_life": 12, "epsilon": EPSILON, "ema": 0.75},
    ],
    ids=lambda options: options["optimizer"],
)
def test_half_lives_are_of_rows_also_in_the_update_of_a_partial_batch(options) -> None:
    assert_follows_reference(data_set(), recipe(**{"dtype": "float64", **options}), batch_size=12)


@WITHOUT_XLA
@pytest.mark.parametrize("limit", [{"clipnorm": 0.125}, {"clipvalue": 2.0**-5}, {"global_clipnorm": 0.25}])
def test_limited_gradients_are_those_of_the_whole_batch_with_the_penalty(limit) -> None:
    how = recipe(dtype="float64", momentum=0.5, weight_decay=0.25, accumulation=5, **limit)
    assert_follows_reference(data_set(), how, batch_size=12)


@WITHOUT_XLA
@pytest.mark.parametrize("budget", [{"epochs": 5}, {"updates": 18}])
@pytest.mark.parametrize("schedule", [{"drops": [0.5, 0.75]}, {"warm_up": 0.25}, {"warm_up": 0.3, "drops": [0.4]}])
def test_schedules_follow_the_reference(schedule, budget) -> None:
    """Four updates are an epoch, so drops are within epochs, and the warm-up goes on over several."""
    assert_follows_reference(data_set(), recipe(dtype="float64", budget=budget, schedule=schedule), batch_size=12)


@WITHOUT_XLA
@pytest.mark.parametrize("optimizer", [{"optimizer": "sgd"}, {"optimizer": "adam", **ADAM}])
def test_weight_decay_is_coupled_and_of_kernels_alone(optimizer) -> None:
    """The penalty's gradient goes through the optimiser, as that of the loss does."""
    assert_follows_reference(data_set(), recipe(dtype="float64", weight_decay=0.25, **optimizer), batch_size=12)


@WITHOUT_XLA
@pytest.mark.parametrize("accumulation", [1, 2, 3, 5, 100])
def test_accumulated_gradients_are_those_of_the_whole_batch(accumulation) -> None:
    """Also where m is no multiple of the parts, where there are more parts than rows, and in a partial batch."""
    how = recipe("adam", "float64", accumulation=accumulation, **ADAM)
    assert_follows_reference(data_set(), how, batch_size=12)


@WITHOUT_XLA
@pytest.mark.parametrize("augmentation", [None, {"pad": 2, "flip": True}, {"pad": 0, "flip": True}])
def test_images_are_standardised_and_augmented_as_in_the_reference(augmentation) -> None:
    data = image_data_set()
    assert_follows_reference(data, recipe(dtype="float64", augmentation=augmentation), batch_size=12)


@WITHOUT_XLA
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("batch_size", [8, 15])
def test_float32_and_whole_batches_follow_the_reference(dtype, batch_size) -> None:
    assert_follows_reference(data_set(), recipe("sgd", dtype, hidden_units=[5, 4], momentum=0.5), batch_size)


@WITHOUT_XLA
@pytest.mark.parametrize("updates", [3, 9])
def test_a_budget_of_updates_is_kept_exactly(updates) -> None:
    """Four updates are an epoch: less than one, and two with a cut third."""
    assert_follows_reference(data_set(), recipe(dtype="float64", budget={"updates": updates}), batch_size=12)


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.5, "nesterov": True, "clipnorm": 0.125, "dtype": "float32"},
        {"optimizer": "rmsprop", **HALF_LIVES, "centered": True, "epsilon": EPSILON, "clipvalue": 2.0**-5},
        {
            **{"optimizer": "adam", **HALF_LIVES, "amsgrad": True, "epsilon": EPSILON, "ema_half_life": 6},
            **{"global_clipnorm": 0.5, "weight_decay": 0.25, "accumulation": 5},
            **{"budget": {"updates": 18}, "schedule": {"warm_up": 0.3, "drops": [0.4]}},
            "augmentation": {"pad": 2, "flip": True},
        },
        {"optimizer": "lion", "beta_1": 0.75, "momentum_half_life": 12, "decoupled": 0.5, "budget": {"updates": 3}},
        {
            **{"optimizer": "ftrl", "initial_accumulator_value": 0.25, "learning_rate_power": -0.25, "beta": 0.5},
            **{"l1_regularization_strength": 2.0**-7, "l2_regularization_strength": 0.25},
            "l2_shrinkage_regularization_strength": 0.25,
        },
    ],
    ids=lambda options: options.get("optimizer", "sgd"),
)
def test_what_xla_compiles_follows_the_reference(options) -> None:
    """Several epochs in a call; each option of updates is in one of the recipes."""
    data = image_data_set() if "augmentation" in options else data_set()
    assert_follows_reference(data, recipe(**{"dtype": "float64", **options}), batch_size=12)
