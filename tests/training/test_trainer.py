"""The trainer at its borders: a row of each class, models that cannot be trained, measurements."""

import gc
import re
import weakref
from dataclasses import replace

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.config.recipe import Recipe
from batchwise.data.dataset import Split
from batchwise.runtime import engine
from batchwise.runtime.keras import keras
from batchwise.training import trainers
from batchwise.training.curves import Curves
from tests.training.runs import content, data_set, image_data_set, recipe


@pytest.mark.parametrize("task", ["binary_classification", "multiclass_classification"])
def test_a_row_of_each_class_trains(task) -> None:
    """There are no smaller data sets."""
    data = data_set(classes=2, validation=1, test=1)
    rows = np.unique(data.train.labels, return_index=True)[1]
    train = Split(data.train.inputs[rows], data.train.labels[rows])
    data = replace(data, train=train, description=replace(data.description, task=task))
    trainer = trainers.load(data, recipe(budget={"epochs": 2}))
    assert [trainer.run(batch_size, 0.1, 0).status for batch_size in (1, 2)] == ["ok", "ok"]


def test_inputs_are_not_kept_on_the_host() -> None:
    """They are on the device; beside them, each worker would hold all of a data set twice."""
    data = data_set()
    freed = weakref.ref(data.train)
    trainer = trainers.load(data, recipe(budget={"epochs": 1}))
    del data
    gc.collect()
    assert freed() is None
    assert trainer.run(2, 0.1, 0).status == "ok"


@pytest.mark.parametrize(
    ("inputs", "classes", "hidden_units", "parameters"), [(30, 2, [16, 8, 6], 693), (64, 10, [32], 2410)]
)
def test_parameters_of_the_studies(inputs, classes, hidden_units, parameters) -> None:
    how = recipe(budget={"epochs": 1}).model_copy(
        update={"model": Recipe.model_fields["model"].annotation(name="mlp", hidden_units=hidden_units)}
    )
    trainer = trainers.load(data_set(classes=classes, shape=(inputs,)), how)
    result = trainer._result("ok", Curves(False, [{"loss": np.zeros((1, 3))}]))
    assert result.parameters == sum(value.size for value in trainer.start(0)) == parameters


def test_a_model_that_cannot_be_built_is_a_user_error(use_model) -> None:
    def build(shape, outputs):
        raise ValueError("kernel too large")

    use_model(build)
    with pytest.raises(UserError, match=r"model mlp cannot be built with .*kernel too large"):
        trainers.load(data_set(), recipe())


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
        trainers.load(data_set(classes=3), recipe())


# Measurements


@pytest.mark.parametrize("augmentation", [None, {"pad": 1, "flip": True}])
def test_a_rehearsal_counts_its_updates_and_changes_no_run(request, augmentation) -> None:
    if augmentation:  # one of the two, for the time that XLA takes to compile
        request.getfixturevalue("without_xla")
    trainer = trainers.load(image_data_set(), recipe("adam", augmentation=augmentation))
    trainer.compile_evaluation()
    first, compilations = content(trainer.run(12, 0.01, seed=1)), trainer.compilations
    trainer.reset(seed=1)
    rehearsal = trainer.rehearsal(64, 2, 3, room=2)  # more rows than there are
    assert trainer.iterations == 0
    for epochs, updates in ((0, 0), (1, 3), (2, 9)):
        rehearsal(epochs)
        assert trainer.iterations == updates
    if engine.used() == "tensorflow":  # a rehearsal on JAX has a state of its own
        for variable, value in zip(trainer.model.variables, trainer.start(1), strict=True):
            np.testing.assert_array_equal(variable.value, value)  # the learning rate was 0
    assert trainer.compilations == compilations
    assert content(trainer.run(12, 0.01, seed=1)) == first
