"""Each option of a recipe repeats itself to the bit, whatever was trained before: another m, rate, seed or trainer."""

from dataclasses import replace

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.data.dataset import Split
from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.keras import keras
from batchwise.training import model_trial, network, trained_model, trainers
from tests.training.model_checks.builds import Calling, starting, tokens, with_inputs
from tests.training.runs import assert_close, content, data_set, parts_of, recipe

BOTH = {"momentum_half_life": 50, "second_moment_half_life": 90}
OPTIONS = {
    "sgd": {"momentum_half_life": 50, "nesterov": True, "clipnorm": 0.5},
    "rmsprop": {**BOTH, "centered": True, "ema_half_life": 30},
    "adam": {**BOTH, "amsgrad": True, "clipvalue": 0.1},
    "adamw": {**BOTH, "ema": 0.7},
    "nadam": {**BOTH, "global_clipnorm": 0.5, "ema_half_life": 30},
    "lamb": {**BOTH, "decoupled": 0.1},
    "lion": {"momentum_half_life": 50, "decoupled": 0.1, "ema": 0.7},
    "adadelta": {"second_moment_half_life": 90},
    "adagrad": {"clipnorm": 0.5, "ema_half_life": 30},
    "ftrl": {"ema": 0.7},
}


@pytest.mark.parametrize("name", network.OPTIMIZERS)
def test_every_optimiser_repeats_itself_after_others(without_xla, name) -> None:
    how = recipe(name, budget={"epochs": 2}, **OPTIONS[name])
    trainer, other = trainers.load(data_set(), how), trainers.load(data_set(), how)
    m, other_m = 10, 8
    if name == "nadam":  # of all, for the time that it takes: it has the most states
        m, other_m = 12, 9  # and a last batch of less rows
        model_trial.check(other)
        other.rehearsal(20, 1, 3, room=2)(2)
    expected = content(trainer.run(m, 0.01, seed=1))
    other.run(other_m, 0.02, seed=2)
    assert content(other.run(m, 0.01, seed=1)) == expected
    assert content(trainer.run(m, 0.01, seed=1)) == expected


# bfloat16


def test_mixed_bfloat16_keeps_weights_and_results_in_float32_and_learns_as_float32_does() -> None:
    """A layer rounds each number to 8 bits, 0.4 %: losses are near those of float32, and are not those."""
    found = {}
    for dtype in ("mixed_bfloat16", "float32"):
        trainer = trainers.load(data_set(), recipe("adam", dtype, budget={"epochs": 1}))
        found[dtype] = trainer.run(12, 0.01, seed=1)
    mixed, exact = found.values()
    assert {values.dtype.name for values in mixed.weights.values()} == {"float32"}
    assert {layer.compute_dtype for layer in trainer.model.layers} == {"float32"}
    np.testing.assert_allclose(mixed.metrics["loss"], exact.metrics["loss"], rtol=0.02)
    assert (mixed.metrics["loss"] != exact.metrics["loss"]).any()
    pairs = zip(mixed.weights.values(), exact.weights.values(), strict=True)
    assert all(np.abs(one - other).max() < 0.02 for one, other in pairs)


def test_the_unit_of_a_model_in_mixed_bfloat16_is_not_rounded() -> None:
    data = data_set()
    of_prices = {name: Split(part.inputs, 200_123 + 80_000.0 * part.inputs[:, 0]) for name, part in parts_of(data)}
    prices = replace(data, description=replace(data.description, task="regression"), class_names=(), **of_prices)
    how = recipe(dtype="mixed_bfloat16")
    nothing = [np.zeros(variable.shape) for variable in trainers.load(prices, how).model.variables]
    predicted = trained_model.build(how, prices, nothing).predict(prices.test.inputs, verbose=0)
    np.testing.assert_allclose(predicted, prices.train.labels.mean(), rtol=1e-6)


@pytest.mark.parametrize("normalised", [keras.layers.BatchNormalization, lambda: GhostBatchNormalization(4)])
def test_mixed_bfloat16_repeats_itself_with_statistics_in_float32(without_xla, use_model, normalised) -> None:
    regular = {"kernel_regularizer": "l2", "activity_regularizer": "l1"}
    use_model(
        starting(
            lambda: keras.layers.Reshape((3, 2, 1)),
            lambda: keras.layers.Conv2D(2, 2, **regular),
            normalised,
            lambda: keras.layers.Dropout(0.3),
        )
    )
    how = recipe(dtype="mixed_bfloat16", budget={"epochs": 2})
    trainer, other = (trainers.load(data_set(), how) for _ in range(2))
    result = trainer.run(12, 0.05, seed=1)
    model_trial.check(other)
    other.run(9, 0.02, seed=2)
    assert content(other.run(12, 0.05, seed=1)) == content(result)
    moved = [values for name, values in result.weights.items() if "moving" in name]
    assert moved and all(
        values.dtype == "float32"
        and (
            values
            != np.float32(keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.cast(values, "bfloat16"), "float32")))
        ).any()
        for values in moved
    )


@pytest.mark.tensorflow
def test_mixed_bfloat16_takes_layers_in_float32_and_no_other_type(use_model) -> None:
    def build(dtype):
        return lambda shape, outputs: keras.Sequential([keras.Input(shape), keras.layers.Dense(outputs, dtype=dtype)])

    use_model(build("float32"))
    model_trial.check(trainers.load(data_set(), recipe(dtype="mixed_bfloat16")))
    for dtype in ("float16", "mixed_float16", "float64", "bfloat16"):
        use_model(build(dtype))
        with pytest.raises(UserError, match=r"the dtype of the study is mixed_bfloat16: leave dtype out"):
            trainers.load(data_set(), recipe(dtype="mixed_bfloat16"))


def test_a_model_that_looks_at_its_batch_is_refused_in_mixed_bfloat16_too(use_model) -> None:
    use_model(starting(lambda: Calling(lambda _, inputs, __: inputs - keras.ops.mean(inputs, 0, keepdims=True))))
    with pytest.raises(UserError, match="depend on the other rows of its batch"):
        model_trial.check(trainers.load(data_set(), recipe(dtype="mixed_bfloat16")))


# Embeddings


@pytest.mark.tensorflow
def test_gradients_of_tokens_stay_sparse_where_nothing_squares_them() -> None:
    """For each of the other optimisers they are made dense in the same way."""
    sparse = {name for name in network.OPTIMIZERS if trainers.load(data_set(), recipe(name)).update.sparse}
    assert sparse == {"sgd"}


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"optimizer": "lamb"}, {"clipnorm": 0.01}])
def test_the_gradient_of_a_token_that_is_twice_in_a_batch_is_one(without_xla, use_model, options) -> None:
    """As that of a dense layer of one-hot rows is, which Keras would not square token by token."""

    def embedding(shape, outputs):
        return keras.Sequential(
            [
                keras.Input(shape),
                keras.layers.Embedding(10, outputs, embeddings_initializer="ones"),
                keras.layers.GlobalAveragePooling1D(),
            ]
        )

    def dense(shape, outputs):
        one_hot = Calling(lambda _, inputs, training: keras.ops.one_hot(keras.ops.cast(inputs, "int32"), 10))
        one_hot.compute_output_shape = lambda shape: (*shape, 10)
        inputs = keras.Input(shape)
        hidden = keras.layers.Dense(outputs, use_bias=False, kernel_initializer="ones")(one_hot(inputs))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(hidden))

    found = []
    for build in (embedding, dense):
        use_model(build)
        how = recipe(dtype="float64", budget={"epochs": 1}, **options)
        found.append([*trainers.load(with_inputs(tokens), how).run(12, 0.01, seed=1).weights.values()])
    assert_close(*found, "float64")
