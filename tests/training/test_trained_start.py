"""Weights of a file at the start of every seed, and layers that train while others stay as they start."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.keras import keras
from batchwise.training import initial_weights, model_trial, network, trainers
from batchwise.training.curves import Curves
from tests.training.runs import content, data_set, recipe

layers = keras.layers
EPOCH = {"budget": {"epochs": 1}}


def build(shape, outputs) -> keras.Model:
    """A network with a model in it, normalisation, dropout, and a head."""
    inner = keras.Sequential([keras.Input(shape), layers.Dense(5, "relu"), layers.Dense(4)], name="inner")
    hidden = GhostBatchNormalization(0)(inner(inputs := keras.Input(shape)))
    return keras.Model(inputs, layers.Dense(outputs, name="head")(layers.Dropout(0.3)(hidden)))


@pytest.fixture(scope="module")
def trainer() -> Any:
    """Without XLA, as the fixture of that name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "has_convolutions", lambda model: True)
        return trainers.load(data_set(), recipe("rmsprop"))


@pytest.fixture(scope="module")
def weights(trainer) -> dict[str, np.ndarray]:
    """Return those of a run of the module's trainer, an mlp."""
    return trainer.run(12, 0.01, seed=1).weights


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "start.npz", **arrays)
    return folder / "start.npz"


# Weights at the start


def test_every_seed_starts_from_the_file_and_what_it_lacks_from_the_seed(without_xla, tmp_path, weights) -> None:
    left_out = [*weights][-1]
    given = {name: values for name, values in weights.items() if name != left_out}
    started = trainers.load(data_set(), recipe("rmsprop"), weights=saved(tmp_path, **given))
    model_trial.check(started)
    plain = trainers.load(data_set(), recipe("rmsprop"))
    for seed in (0, 3):
        start = dict(zip(weights, started.start(seed), strict=True))
        for name, values in given.items():
            np.testing.assert_array_equal(start[name], values)
        np.testing.assert_array_equal(start[left_out], plain.start(seed)[-1])
    runs = [started.run(12, 0.01, seed) for seed in (3, 4)]
    assert (runs[0].metrics["loss"][0] == runs[1].metrics["loss"][0]).all()  # biases start at 0 in each seed
    assert (runs[0].metrics["loss"][1] != runs[1].metrics["loss"][1]).all(), "the order is one for all seeds"
    assert content(started.run(12, 0.01, seed=3)) == content(runs[0])


def test_the_file_of_a_run_is_a_start_as_it_is_and_so_is_float64(tmp_path, trainer, weights) -> None:
    (tmp_path / "run.npz").write_bytes(content(trainer.run(12, 0.01, seed=1)))
    wide = saved(tmp_path, **{name: values.astype("float64") for name, values in weights.items()})
    for path in (tmp_path / "run.npz", wide):
        found = initial_weights.read(path, trainer.model, "mlp")
        assert {name: values.tobytes() for name, values in found.items()} == {
            name: values.tobytes() for name, values in weights.items()
        }


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("000_kernels", np.zeros((6, 5)), "'000_kernels' is not a known variable of model mlp; allowed: 000_kernel"),
        ("kernel", np.zeros((6, 5)), "'kernel' is not a known variable of model mlp"),
        ("000_kernel", np.zeros((5, 6)), "000_kernel has the shape (5, 6), and the variable of the model (6, 5)"),
        ("000_kernel", np.zeros((6, 5), int), "000_kernel is of the type int64; it must be of floating-point numbers"),
        ("001_bias", np.array([0, 0, np.nan, 0, 0]), "001_bias has nan in it; all must be finite numbers of float32"),
        ("001_bias", np.array([0, 0, 1e300, 0, 0]), "001_bias has 1e+300 in it"),
        ("001_bias", np.array([0, 0, -np.inf, 0, 0]), "001_bias has -inf in it"),
    ],
)
def test_an_array_that_does_not_fit_is_named(tmp_path, trainer, name, values, words) -> None:
    with pytest.raises(UserError, match=re.escape(words)) as error:
        initial_weights.read(saved(tmp_path, **{name: values}), trainer.model, "mlp")
    assert "start.npz" in str(error.value) and len(str(error.value).splitlines()) == 1


def test_a_file_without_weights_and_no_file_are_told(tmp_path, trainer) -> None:
    with pytest.raises(UserError, match="has no weights; those of model mlp begin with 000_kernel"):
        initial_weights.read(saved(tmp_path), trainer.model, "mlp")
    with pytest.raises(UserError, match=r"none.npz is missing"):
        initial_weights.read(tmp_path / "none.npz", trainer.model, "mlp")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@settings(max_examples=60)
@given(st.data())
def test_any_damage_is_a_sentence_or_harmless(place, trainer, weights, data) -> None:
    """Also pickles, which are never loaded."""
    path = saved(place, **weights)
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    middle = data.draw(st.binary(max_size=4) | st.just(np.array([{}], object).dumps()))
    path.write_bytes(whole[:start] + middle + whole[start + data.draw(st.integers(0, 8)) :])
    try:
        found = initial_weights.read(path, trainer.model, "mlp")
    except UserError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 500
    else:
        assert all(found[name].shape == weights[name].shape for name in found)


# Layers that train


def changed(trainer: Any) -> set[str]:
    """Return which variables a run changes."""
    after = trainer.run(12, 0.05, seed=2).weights
    return {
        name
        for (name, values), before in zip(after.items(), trainer.start(2), strict=True)
        if values.tobytes() != before.tobytes()
    }


INNER = {"000_kernel", "001_bias", "002_kernel", "003_bias"}
SCALES, STATISTICS = {"004_gamma", "005_beta"}, {"006_moving_mean", "007_moving_variance", "008_moving_weight"}
HEAD, STATE = {"010_kernel", "011_bias"}, {"009_seed_generator_state"}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, INNER | SCALES | STATISTICS | HEAD | STATE),
        (["head"], HEAD | STATE),
        (["inner"], INNER | STATE),
        (["dense_1", "head"], {"002_kernel", "003_bias"} | HEAD | STATE),
        (["ghost_batch_normalization"], SCALES | STATISTICS | STATE),
    ],
)
def test_the_layers_that_are_named_train_and_no_others(without_xla, use_model, chosen, expected) -> None:
    """Whatever was built before in the process: Keras would number these layers on."""
    use_model(build)
    how = recipe("adamw", **EPOCH, decoupled=0.1).model_copy(update={"trainable": chosen})
    trainer = trainers.load(data_set(), how)
    assert {name for name, variable in network.variables(trainer.model).items() if variable.trainable} == (
        expected - STATISTICS - STATE
    )
    assert changed(trainer) == expected
    trained = sum(variable.numpy().size for variable in trainer.model.trainable_variables)
    assert trainer._result("ok", Curves(False, [{"loss": np.zeros((1, 3))}])).parameters == trained
    assert len(trainer.optimizer.variables) == 2 + 2 * len(trainer.model.trainable_variables)
    if chosen == ["head"]:
        model_trial.check(trainers.load(data_set(), how))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (["dense_7"], "trainable: 'dense_7' is not a known layer of model mlp; allowed: inner, dense, dense_1, ghost_"),
        (["head", "haed"], "'haed' is not a known layer of model mlp"),
        (["dropout"], "trainable: the layer dropout of model mlp has no weights that train; layers that have some:"),
    ],
)
def test_layers_that_are_not_there_are_told_with_those_that_are(use_model, chosen, words) -> None:
    use_model(build)
    with pytest.raises(UserError, match=re.escape(words)) as error:
        trainers.load(data_set(), recipe().model_copy(update={"trainable": chosen}))
    assert len(str(error.value).splitlines()) == 1


def test_weights_of_a_layer_that_has_another_in_it_train_only_with_it(use_model) -> None:
    class Scaled(layers.Layer):
        def __init__(self, units) -> None:
            super().__init__()
            self.dense = layers.Dense(units)

        def build(self, shape) -> None:
            self.factor = self.add_weight((), "ones", name="factor")
            self.dense.build(shape)

        def call(self, inputs):
            return self.factor * self.dense(inputs)

    use_model(lambda shape, n: keras.Model(inputs := keras.Input(shape), Scaled(n)(inputs)))
    for chosen, expected in (("dense", ["kernel", "bias"]), ("scaled", ["factor", "kernel", "bias"])):
        how = recipe().model_copy(update={"trainable": [chosen]})
        model = network.build(how, (6,), (3,), seed=0)
        assert [variable.name for variable in model.trainable_variables] == expected
