"""Tokens are whole numbers on the device, if the model takes them as such; no input of any other model is."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from batchwise.data.dataset import DataSet
from batchwise.runtime.keras import keras
from batchwise.training import model_trial, network, trained_model, trainers
from tests.training.model_checks.builds import refused, starting, tokens, with_inputs
from tests.training.runs import assert_close, content, image_data_set, parts_of, recipe

pytestmark = pytest.mark.tensorflow

ENTRIES = 10


def embedding(**options) -> Callable:
    return starting(lambda: keras.layers.Embedding(ENTRIES, 3), **options)


def whole(dtype: str) -> DataSet:
    return with_inputs(lambda inputs: tokens(inputs).astype(dtype))


@pytest.mark.parametrize(
    ("of_data", "of_input", "held", "taken"),
    [
        ("int32", "int32", "int32", "int32"),
        ("int64", "int32", "int32", "int32"),
        ("uint16", "int32", "int32", "int32"),
        ("uint8", "int32", "uint8", "int32"),
        ("int32", "int64", "int32", "int32"),
        ("int32", None, "float32", "float32"),
        ("uint8", None, "uint8", "float32"),
        ("float32", "int32", "float32", "float32"),
    ],
)
def test_types_on_the_device(use_model, of_data, of_input, held, taken) -> None:
    use_model(embedding(dtype=of_input))
    data = whole(of_data)
    trainer = trainers.load(data, recipe())
    inputs, _ = trainer.examples.take(np.arange(5))
    first, _ = trainer.examples.first(5)
    assert trainer.examples.inputs.dtype == held and inputs.dtype == first.dtype == taken
    np.testing.assert_array_equal(inputs, data.train.inputs[:5])
    np.testing.assert_array_equal(first, data.train.inputs[:5])


def test_images_are_standardised_whatever_the_model_takes(use_model) -> None:
    use_model(starting(dtype="int32"))
    examples = trainers.load(image_data_set(), recipe()).examples
    assert examples.inputs.dtype == "uint8" and examples.take([0])[0].dtype == "float32"


def test_a_number_beyond_the_type_is_no_other_number(use_model) -> None:
    """2³² is no 0, which an int32 would make of it."""
    words = f"has {ENTRIES} entries, for 0 to 9, and the data have 4294967296"
    assert words in refused(use_model, embedding(), with_inputs(lambda x: tokens(x).astype("int64") // 9 * 2**32))


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_whole_numbers_give_what_the_same_numbers_as_floats_do(without_xla, use_model, dtype) -> None:
    found = []
    for options, kind in (({"dtype": "int32"}, "int32"), ({}, "float32")):
        use_model(embedding(**options))
        trainer = trainers.load(whole(kind), recipe("adam", dtype))
        model_trial.check(trainer)
        result = trainer.run(12, 0.01, seed=1)
        assert result.metrics["loss"].dtype == trainer.recipe.variable_dtype
        found.append(content(result))
    assert found[0] == found[1]


def test_numbers_are_told_apart_where_float32_cannot(use_model) -> None:
    use_model(starting(lambda: keras.layers.Lambda(lambda x: keras.ops.cast(x % 2, "float32")), dtype="int32"))
    data = with_inputs(lambda inputs: (tokens(inputs) % 2).astype("int32") + 2**24)
    trainer = trainers.load(data, recipe())
    inputs, _ = trainer.examples.take(np.arange(40))
    np.testing.assert_array_equal(trainer.model.layers[0](inputs), data.train.inputs % 2)


def test_tokens_out_of_range_are_refused_as_they_are(use_model) -> None:
    data = with_inputs(lambda inputs: tokens(inputs).astype("int32") - 1)
    assert "the data have -1: number the tokens from 0 up" in refused(use_model, embedding(dtype="int32"), data)


def test_a_model_that_does_not_look_at_its_tokens_is_refused(use_model) -> None:
    use_nothing = starting(lambda: keras.layers.Rescaling(0.0), dtype="int32")
    assert "does not depend on its input" in refused(use_model, use_nothing, whole("int32"))


@pytest.mark.parametrize("options", [{"accumulation": 4}, {"accumulation": 3, "optimizer": "adam"}])
def test_accumulated_gradients_of_tokens_are_those_of_the_whole_batch(without_xla, use_model, options) -> None:
    use_model(embedding(dtype="int32"))
    found = []
    for how in (options, options | {"accumulation": 1}):
        trainer = trainers.load(whole("int32"), recipe(dtype="float64", budget={"epochs": 2}, **how))
        found.append(trainer.run(12, 0.05, seed=1).weights.values())
    assert_close(*found, "float64")


def test_a_trained_model_of_numbers_takes_whole_numbers(use_model) -> None:
    use_model(embedding(dtype="int32"))
    data = whole("int32")
    numbers = {name: replace(part, labels=part.inputs[:, 0] * 100.0) for name, part in parts_of(data)}
    data = replace(data, description=replace(data.description, task="regression"), class_names=(), **numbers)
    how = recipe()
    weights = [variable.numpy() for variable in network.build(how, (6,), (1,), seed=0).variables]
    model = trained_model.build(how, data, weights)
    assert "int" in model.inputs[0].dtype and model(data.test.inputs).shape == (9, 1)
