"""A run is a function of its inputs, to the bit."""

import subprocess
import sys

import numpy as np
import pytest

from batchwise.common.repository import ROOT
from batchwise.runtime import engine
from batchwise.runtime.keras import keras
from batchwise.training import calls, trainers
from tests.training.runs import ROWS, content, data_set, recipe


def test_a_run_does_not_depend_on_the_runs_before_it(trainer) -> None:
    first = content(trainer.run(12, 0.01, seed=1))
    assert content(trainer.run(12, 0.01, seed=2)) != first
    assert content(trainer.run(12, 0.02, seed=1)) != first
    assert content(trainer.run(9, 0.01, seed=1)) != first
    assert content(trainer.run(12, 0.01, seed=1)) == first


def test_a_run_has_the_same_bytes_in_a_fresh_process(trainer) -> None:
    script = (
        "import sys; sys.path[:0] = ['.']; from batchwise.runtime import engine;"
        f"engine.use({engine.used()!r}); from tests.training import runs as t; from batchwise.training import trainers;"
        "sys.stdout.buffer.write(t.content(trainers.load(t.data_set(), t.recipe('rmsprop')).run(12, 0.01, 1)))"
    )
    fresh = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert fresh.stdout == content(trainer.run(12, 0.01, seed=1))


def test_another_floating_point_type_in_the_process_changes_nothing(trainer) -> None:
    expected = content(trainer.run(9, 0.01, seed=1))  # keeps the start of the seed
    trainers.load(data_set(), recipe("adam", "float64"))
    trainer.programs.clear()
    assert content(trainer.run(9, 0.01, seed=1)) == expected


@pytest.mark.tensorflow
def test_a_new_seed_lets_compiled_programs_be(monkeypatch, trainer) -> None:
    from batchwise.runtime.tensorflow import context

    cleared = []
    monkeypatch.setattr(context.pywrap_tfe, "TFE_ContextClearCaches", cleared.append)
    assert any((one != other).any() for one, other in zip(trainer.start(70), trainer.start(71), strict=True))
    assert not cleared


@pytest.mark.tensorflow
def test_weights_that_tensorflow_draws_are_those_of_the_seed_each_time(use_model) -> None:
    """Its operations go on where they were, unless its caches are cleared."""
    from batchwise.runtime.tensorflow import tf

    def build(shape, outputs):
        layer = keras.layers.Dense(outputs)
        model = keras.Model(inputs := keras.Input(shape), layer(inputs))
        layer.kernel.assign(tf.random.normal(layer.kernel.shape))
        layer.bias.assign(tf.random.normal(layer.bias.shape))
        return model

    use_model(build)
    made = trainers.load(data_set(), recipe())
    starts = [made.start(seed) for seed in (0, 0, 1, 0)]
    for again in (starts[1], starts[3]):
        for one, other in zip(again, starts[0], strict=True):
            np.testing.assert_array_equal(one, other)
    assert all((one != other).any() for one, other in zip(starts[2], starts[0], strict=True))


def test_all_batch_sizes_start_from_the_same_weights(trainer) -> None:
    starts = [trainer.run(m, rate, seed=5).metrics["loss"][0] for m, rate in ((12, 0.01), (9, 0.02), (ROWS, 0.1))]
    np.testing.assert_array_equal(starts, [starts[0]] * 3)
    assert (trainer.run(12, 0.01, seed=6).metrics["loss"][0] != starts[0]).all()


def test_epochs_in_several_calls_have_the_bytes_of_one_call(monkeypatch, trainer) -> None:
    """Three epochs as 2 + 1, for the number of rows or for the memory that the weights after each epoch take."""
    expected = content(trainer.run(12, 0.01, seed=1))
    size = trainer.recipe.runs_at_once * sum(variable.numpy().nbytes for variable in trainer.model.variables)
    for bound, epoch in (("ROWS_PER_CALL", ROWS), ("BYTES_PER_CALL", size)):
        with monkeypatch.context() as patch:
            patch.setattr(calls, bound, 2 * epoch)
            another = trainers.load(data_set(), recipe("rmsprop"))
            assert another.epochs_per_call == 2
    assert content(another.run(12, 0.01, seed=1)) == expected


def test_dropout_repeats_itself_and_differs_between_updates_and_seeds(without_xla, use_model) -> None:
    """From zero weights and with all rows in one batch, nothing but the masks tells two seeds apart."""

    def build(shape, outputs):
        dropped = keras.layers.Dropout(0.5)(keras.layers.Dropout(0.3)(inputs := keras.Input(shape)))
        return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="zeros")(dropped))

    use_model(build)
    trainer = trainers.load(data_set(), recipe())
    first = trainer.run(ROWS, 0.1, seed=1)
    assert content(trainer.run(ROWS, 0.1, seed=1)) == content(first)
    states = [value for name, value in first.weights.items() if "seed" in name]
    assert len(states) == 2 and first.draws_by_pass
    assert (states[0] != states[1]).any(), "two layers drop the same units"
    assert (trainer.run(ROWS, 0.1, seed=2).metrics["loss"][1] != first.metrics["loss"][1]).all()
    # The same masks at every learning rate: from zero weights, steps are in proportion to η.
    trainer = trainers.load(data_set(), recipe(budget={"updates": 1}))
    steps = [list(trainer.run(ROWS, rate, seed=1).weights.values())[-2] / rate for rate in (0.125, 0.25)]
    np.testing.assert_array_equal(*steps)
