"""The trainer against Keras's own loop, in the order of the trainer's stream."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from batchwise.config import grid
from batchwise.data.dataset import DataSet
from batchwise.runtime import engine
from batchwise.runtime.device import gpu
from batchwise.runtime.keras import keras
from batchwise.training import network, random_streams, trainers
from batchwise.training.run_result import RunResult
from tests.training.runs import assert_close, content, data_set, recipe

OF_EVERY_OPTIMIZER = {
    *("clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum", "name"),
    *("ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"),  # which recipes do not have
}


def fit(
    trainer: Any,
    data: DataSet,
    result: RunResult,
    batch_size: int,
    rate: float,
    optimizer: Callable,
    seed: int = 3,
    *,
    eagerly: bool = False,
) -> list[np.ndarray]:
    """Train with Keras's own loop, one epoch at a time on rows that lie in the order of the stream.

    `optimizer` makes Keras's of a learning rate. Weights are their averages in the end, if it has them.
    """
    model, part = trainer.build(seed), data.train
    multiclass = data.description.task == "multiclass_classification"
    losses = keras.losses
    loss = (losses.SparseCategoricalCrossentropy if multiclass else losses.BinaryCrossentropy)(from_logits=True)
    model.compile(optimizer(rate), loss, run_eagerly=eagerly)  # no time for tracing
    for order in random_streams.orders(seed, 0, result.evaluations - 1, trainer.rows):
        inputs = part.inputs[order].astype(trainer.recipe.dtype)
        model.fit(inputs, part.labels[order], batch_size=batch_size, shuffle=False, verbose=0)
    return [variable.numpy() for variable in model.variables]


def test_every_optimiser_has_the_options_and_defaults_of_keras() -> None:
    """But for the weight decay of those that have none, or are not known for it."""
    for name, optimizer in network.OPTIMIZERS.items():
        signature = inspect.signature(optimizer).parameters
        given = recipe(name).optimizer.options(batch_size=1)
        assert {option: signature[option].default for option in given} == {
            option: None if (option, value) == ("weight_decay", 0.0) else value for option, value in given.items()
        }
        ours = {*given, *OF_EVERY_OPTIMIZER, "learning_rate", "kwargs", "weight_decay"}
        assert ours >= {*signature}, name


# With options that each optimiser has; no pair of them twice, for the time that it takes.
OPTIONS = {
    "adamw": {"ema": 0.75},
    "nadam": {"clipnorm": 0.05},
    "lamb": {"clipvalue": 0.01},
    "lion": {"global_clipnorm": 0.1, "ema": 0.5},
    "adagrad": {"ema": 0.25},
}


@pytest.mark.parametrize("name", network.OPTIMIZERS)
def test_keras_fit_gives_the_same_weights(name) -> None:
    data, options = data_set(classes=2), OPTIONS.get(name, {})
    epochs = 1 if "ema" in options else 2  # Keras goes on from the averages, where `fit` is called again
    trainer = trainers.load(data, recipe(name, "float64", budget={"epochs": epochs}, **options))
    result = trainer.run(12, 0.02, seed=3)
    optimizer = partial(network.OPTIMIZERS[name], **trainer.recipe.optimizer.options(12))
    assert_close(result.weights.values(), fit(trainer, data, result, 12, 0.02, optimizer, eagerly=True), "float64")


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
    data = data_set()
    trainer = trainers.load(data, recipe(dtype="float64"))
    first = trainer.run(12, 0.1, seed=3)
    assert_close(first.weights.values(), fit(trainer, data, first, 12, 0.1, keras.optimizers.SGD), "float64")
    trainer.run(12, 0.2, seed=4)
    assert content(trainer.run(12, 0.1, seed=3)) == content(first), "moving statistics are left from another run"


def test_convolutions_do_without_xla_on_a_cpu_and_match_fit(use_model) -> None:
    def build(shape, outputs):
        inner = keras.Sequential([keras.Input(shape), keras.layers.Conv2D(2, 3, activation="relu")])
        return keras.Sequential([inner, keras.layers.Flatten(), keras.layers.Dense(outputs)])

    use_model(build)
    data = data_set(shape=(5, 5, 1))
    trainer = trainers.load(data, recipe(dtype="float64"))
    result = trainer.run(12, 0.1, seed=3)
    assert result.xla == (engine.used() == "jax" or bool(gpu()))
    assert_close(result.weights.values(), fit(trainer, data, result, 12, 0.1, keras.optimizers.SGD), "float64")


def test_keras_fit_treats_a_batch_size_above_the_number_of_rows_alike() -> None:
    data = data_set()
    trainer = trainers.load(data, recipe(dtype="float64"))
    result = trainer.run(grid.effective_batch_size(10**9, trainer.rows), 0.1, seed=3)
    assert_close(result.weights.values(), fit(trainer, data, result, 10**9, 0.1, keras.optimizers.SGD), "float64")
