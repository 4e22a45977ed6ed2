"""The loops that benchmarks/speed.py compares train the same thing: only then do their times mean anything."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from batchwise.data import Part
from benchmarks import job, keras_fit, loops, this_engine

EPOCHS = 4
# Losses of about 1, in float32, after some hundred updates in which each loop sums in an order of its own
TOLERANCE = 2e-5


@pytest.mark.parametrize("loop", sorted({*loops.NEEDS} - {"this_engine", "keras_fit"}))
@pytest.mark.parametrize("batch_size", [32, 500, 1200])  # 1200 = 37 × 32 + 16 = 2 × 500 + 200
def test_a_loop_gives_the_losses_of_the_engine(loop, batch_size) -> None:
    if loop not in loops.available():
        pytest.skip(f"{loops.NEEDS[loop]} is not installed, so benchmarks/{loop}.py was not tested")
    what = job.make(batch_size, EPOCHS)
    losses = importlib.import_module(f"benchmarks.{loop}").prepare(what)()
    np.testing.assert_allclose(losses, this_engine.prepare(what)(), rtol=0, atol=TOLERANCE)


def test_fit_gives_the_losses_of_the_engine_in_its_order() -> None:
    what = job.make(500, 1)
    train, *others = what.parts
    shuffled = Part(*(values[what.orders[0]] for values in (train.inputs, train.labels)))
    losses = keras_fit.prepare(replace(what, parts=(shuffled, *others)), shuffle=False)()
    np.testing.assert_allclose(losses[:, 1], this_engine.prepare(what)()[:, 1], rtol=0, atol=TOLERANCE)


def test_fit_gives_the_losses_of_the_engine_where_order_is_nothing() -> None:
    what = job.make(1200, EPOCHS)
    np.testing.assert_allclose(
        keras_fit.prepare(what)()[:, 1], this_engine.prepare(what)()[:, 1], rtol=0, atol=TOLERANCE
    )


def test_a_loop_trains_from_the_same_start_at_every_turn() -> None:
    what = job.make(500, 1)
    for loop in loops.available():
        train = importlib.import_module(f"benchmarks.{loop}").prepare(what)
        if loop == "keras_fit":  # shuffles anew
            continue
        np.testing.assert_array_equal(train(), train(), err_msg=loop)


def test_loops_without_their_package_are_absent(monkeypatch) -> None:
    monkeypatch.setattr(loops, "NEEDS", {"this_engine": "tensorflow", "other_loop": "a_package_that_nobody_has"})
    assert loops.available() == ["this_engine"]
    assert loops.missing() == ["a_package_that_nobody_has"]
