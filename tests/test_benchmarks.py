"""The loops that benchmarks/speed.py compares train the same thing: only then do their times mean anything."""

import importlib
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from batchwise.data.dataset import Split
from batchwise.models import resnet
from batchwise.runtime.tensorflow import keras
from benchmarks import job, keras_fit, keras_resnet, loops, network, text, this_engine
from tests.project import HANG

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
    shuffled = Split(*(values[what.orders[0]] for values in (train.inputs, train.labels)))
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


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_resnet_of_pytorch_is_that_of_this_project(normalization) -> None:
    if "pytorch_loop" not in loops.available():
        pytest.skip("torch is not installed, so benchmarks/pytorch_resnet.py was not tested")
    import torch

    from benchmarks import pytorch_resnet

    keras.utils.set_random_seed(0)
    ours = resnet.build((32, 32, 3), 10, depth=8, normalization=normalization)
    theirs = pytorch_resnet.resnet(8, normalization == "batch")
    pytorch_resnet.copy_weights(theirs, [weight.numpy() for weight in ours.trainable_variables])
    inputs = np.random.default_rng(0).normal(size=(6, 32, 32, 3)).astype("float32")
    expected = ours(inputs, training=True).numpy()
    found = theirs(torch.from_numpy(inputs).permute(0, 3, 1, 2)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_resnet_of_keras_has_the_weights_of_this_projects(normalization) -> None:
    ours = resnet.build((32, 32, 3), 10, depth=8, normalization=normalization)
    theirs = keras_resnet.resnet(8, normalization == "batch")
    assert [w.shape for w in theirs.trainable_weights] == [w.shape for w in ours.trainable_weights]


def test_ratios_are_of_medians_of_examples_per_second() -> None:
    rates = {("this_engine", 4): [90.0, 100.0, 900.0], ("keras_fit", 4): [50.0, 20.0, 10.0]}
    assert network.ratios(rates) == {("keras_fit", 4): 5.0}


def test_a_process_of_the_network_benchmark_trains_on_demand() -> None:
    with ExitStack() as stack:
        loop = network.Loop("this_engine", "none", stack)
        assert loop.processes == network.CORES
        assert loop.turn(4) > 0
        for process in loop.started:
            process.stdin.close()
        assert [process.wait(HANG) for process in loop.started] == [0] * network.CORES


def test_a_process_of_the_benchmark_of_texts_trains_on_demand() -> None:
    with text.started("this_engine", "bag_of_embeddings", "padded", "256") as loop:
        assert min(text.turn(loop)) > 0
        loop.stdin.close()
        assert loop.wait(HANG) == 0


def test_targets_are_met_by_the_time_of_the_processor() -> None:
    """A machine that does other things as well is slow by the clock."""
    turns = {("this_engine", 2): np.array([[9.0, 1.0]] * 3), ("pytorch", 2): np.array([[3.0, 3.0]] * 3)}
    [(_, m, by_processor, by_clock, wanted, met)] = text.ratios("lstm", "whole", turns)
    assert (m, by_processor, by_clock, wanted, met) == (
        2,
        "3.00 (processor)",
        "0.33 (clock)",
        "at least 2.5",
        "ok",
    )
