"""Runs that do not end well: divergence and want of memory are results, which leave no trace."""

from collections.abc import Callable

import numpy as np
import pytest

from batchwise.runtime import engine
from batchwise.runtime.keras import MAY_BE_OUT_OF_MEMORY
from batchwise.training import curves
from tests.training.runs import content


def test_a_diverged_run_is_a_result_and_leaves_no_trace(trainer) -> None:
    fine = content(trainer.run(12, 0.01, seed=1))
    result = trainer.run(12, 1e19, seed=1)
    assert (result.status, result.diverged_epoch, result.weights) == ("diverged", 1, {})
    assert result.metrics["loss"].shape == result.metrics["accuracy"].shape == (2, 3)
    before, after = result.metrics["loss"]
    assert np.isfinite(before).all()
    assert not after[0] <= curves.DIVERGENCE_FACTOR * before[0]
    assert content(trainer.run(12, 1e19, seed=1)) == content(result)
    assert content(trainer.run(12, 0.01, seed=1)) == fine


def test_a_run_diverges_in_the_epoch_in_which_its_loss_is_first_too_large(monkeypatch, trainer) -> None:
    """With a bound that the loss of a fine run crosses: rows up to that epoch are kept, in one call or in several."""
    loss = trainer.run(12, 0.01, seed=1).metrics["loss"][:, 0]
    assert loss[1] > loss[2] > loss[3]
    trainer.run(12, 0.01, seed=1)
    monkeypatch.setattr(
        curves, "first_diverged_epoch", lambda losses, start, before: before + 2 if before < 2 else None
    )
    result = trainer.run(12, 0.01, seed=1)
    assert (result.status, result.diverged_epoch) == ("diverged", 2)
    np.testing.assert_array_equal(result.metrics["loss"][:, 0], loss[:3])


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
    assert curves.first_diverged_epoch(np.array(losses, "float32"), np.float32(20), 4) == expected


def failing(error: Exception) -> Callable:
    """Return a program that raises an error."""

    def program(*arguments):
        raise error

    return program


def errors() -> list[Exception]:
    """Return how an engine says that there is no memory, and an error of its own of something else as the last."""
    if engine.used() == "jax":
        of_jax = MAY_BE_OUT_OF_MEMORY[0]
        return [of_jax("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."), MemoryError(), of_jax("INTERNAL: no")]
    from batchwise.runtime.tensorflow import tf

    return [
        tf.errors.ResourceExhaustedError(None, None, "no memory"),
        tf.errors.AbortedError(None, None, "received an exception:Status: 1, message: could not create a primitive"),
        MemoryError(),
        tf.errors.AbortedError(None, None, "Status: 3"),
    ]


@pytest.mark.parametrize("error", errors()[:-1])
def test_a_run_without_memory_is_a_result_and_leaves_no_trace(monkeypatch, trainer, error) -> None:
    fine = content(trainer.run(12, 0.01, seed=1))
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "program", lambda *key: failing(error))
        result = trainer.run(12, 0.01, seed=1)
    assert (result.status, result.diverged_epoch, result.weights) == ("out_of_memory", None, {})
    assert (result.metrics, result.evaluations) == ({}, 0)
    assert content(trainer.run(12, 0.01, seed=1)) == fine


def test_another_error_than_of_memory_is_raised(monkeypatch, trainer) -> None:
    monkeypatch.setattr(trainer, "program", lambda *key: failing(errors()[-1]))
    with pytest.raises(type(errors()[-1])):
        trainer.run(12, 0.01, seed=1)
