"""Random numbers by row: the same for a row at every batch size, and in each part of a batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from batchwise.models._dropout import RowDropout
from batchwise.runtime import engine
from batchwise.runtime.keras import keras
from batchwise.training import model_trial, network, random_streams, row_keys, trainers
from tests.training.model_checks.builds import Calling, starting
from tests.training.runs import assert_close, content, data_set, recipe

SEED, EPOCH = 5, 2
DROPPING = starting(lambda: RowDropout(0.5), lambda: keras.layers.Dense(8, "tanh"), lambda: RowDropout(0.3))


def gradient(trainer: Any, order: np.ndarray, size: int) -> list[np.ndarray]:
    """Return the mean gradient of the first rows of an order."""
    update, keys = trainer.update, row_keys.of_epoch(SEED, EPOCH, trainer.rows)
    of_epoch = map(keras.ops.convert_to_tensor, (order, np.zeros((0, 3), "int32"), keys, np.zeros(1)))
    part = -(-size // update.accumulation)
    if engine.used() == "jax":
        from batchwise.training.on_jax.update import Epoch

        values = trainer.start(SEED), trainer.optimizer_start
        state = update.variables.state(*([keras.ops.convert_to_tensor(one) for one in of] for of in values))
        found, _ = update._accumulated(state, trainer.examples, Epoch(*of_epoch), 0, size, part)
    else:
        from batchwise.training.update import Epoch

        trainer.reset(SEED)
        found = update._accumulated(Epoch(*of_epoch), 0, size, part)
    return [*map(np.asarray, found)]


def test_a_batch_is_the_mean_of_its_rows_and_of_its_parts(use_model) -> None:
    use_model(DROPPING)
    whole, parted = (trainers.load(data_set(), recipe(dtype="float64", accumulation=parts)) for parts in (1, 3))
    order = random_streams.orders(SEED, EPOCH, 1, whole.rows)[0]
    expected = gradient(whole, order, 16)
    assert_close(gradient(parted, order, 16), expected, "float64")  # 6, 6 and 4 rows
    alone = [gradient(whole, order[row:], 1) for row in range(16)]
    assert_close([np.mean(values, axis=0) for values in zip(*alone, strict=True)], expected, "float64")
    assert_close(gradient(whole, order[15::-1], 16), expected, "float64")


def test_keys_belong_to_seed_epoch_and_row() -> None:
    keys = row_keys.of_epoch(SEED, EPOCH, 1000)
    assert keys.dtype == "uint32" and len(np.unique(keys)) == 1000
    np.testing.assert_array_equal(row_keys.of_epoch(SEED, EPOCH, 1000), keys)
    for seed, epoch in ((SEED + 1, EPOCH), (SEED, EPOCH + 1), (EPOCH, SEED)):
        assert (row_keys.of_epoch(seed, epoch, 1000) != keys).all()


def test_each_layer_has_keys_of_its_own_during_a_pass_alone() -> None:
    inner = keras.Sequential([keras.Input((4,)), RowDropout(0.5), keras.layers.Dense(4)])
    model = keras.Sequential([keras.Input((4,)), RowDropout(0.1), inner, RowDropout(0.2)])
    asking = row_keys.layers(model)
    assert [layer.rate for layer in asking] == [0.1, 0.5, 0.2]
    with row_keys.given(asking, keras.ops.convert_to_tensor(np.uint32([7, 9]))):
        keys = np.array([layer.row_keys for layer in asking])
    assert keys[0].tolist() == [7, 9] and len(np.unique(keys)) == 6
    assert [layer.row_keys for layer in asking] == [None] * 3


def test_runs_repeat_themselves_and_differ_between_seeds(without_xla, use_model) -> None:
    use_model(DROPPING)
    trainer, other = (trainers.load(data_set(), recipe()) for _ in range(2))
    model_trial.check(other)
    other.run(9, 0.02, seed=2)
    expected = trainer.run(12, 0.1, seed=1)
    assert content(other.run(12, 0.1, seed=1)) == content(expected)
    assert content(other.run(12, 0.1, seed=2)) != content(expected)


def shown(look: Callable[..., None], *values: Any) -> None:
    """Let a program call a function of values, each time that it computes them."""
    if engine.used() == "jax":
        from batchwise.runtime.jax import jax

        jax.debug.callback(look, *values, ordered=False)
    else:
        from batchwise.runtime.tensorflow import tf

        tf.py_function(look, values, [])


def test_a_layer_that_shows_its_keys_gets_those_of_the_rows_of_each_update(without_xla, use_model) -> None:
    """Also of those rows that come before a batch, where statistics are over more rows than it has."""
    seen = []

    def looking(layer, inputs, training) -> Any:
        if training:
            shown(lambda *values: seen.append([np.asarray(each) for each in values]), inputs, layer.row_keys)
        return inputs

    def layer() -> Calling:
        made = Calling(looking)
        made.row_keys, made.normalization_batch = None, 8
        return made

    use_model(starting(layer))
    data = data_set()
    alone = {"lanes": 1} if engine.used() == "jax" else {}
    trainer = trainers.load(data, recipe(budget={"epochs": 2}, **alone))
    assert network.normalization_batch(trainer.model) == 8
    trainer.run(6, 0.1, SEED)
    updates = 7  # of 40 rows
    rows = {row.tobytes(): number for number, row in enumerate(data.train.inputs)}
    assert len(seen) == 2 * updates
    for number, (inputs, keys) in enumerate(seen):
        expected = row_keys.of_epoch(SEED, number // updates, len(rows))
        assert len(inputs) == 8
        np.testing.assert_array_equal(keys, [expected[rows[row.tobytes()]] for row in inputs])


def test_a_pass_in_training_without_keys_is_refused() -> None:
    layer, inputs = RowDropout(0.5), np.ones((2, 3), "float32")
    np.testing.assert_array_equal(layer(inputs), inputs)
    with pytest.raises(ValueError, match="has no keys of rows in this pass"):
        layer(inputs, training=True)
