"""The loops that benchmarks/speed.py compares train the same thing: only then do their times mean anything."""

import importlib
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from batchwise.data import box_checks
from batchwise.data.dataset import Split
from batchwise.models import centernet_small, resnet
from batchwise.runtime.tensorflow import keras, tf
from batchwise.tasks import detection
from benchmarks import (
    detector,
    detector_evaluation,
    detector_loops,
    job,
    keras_centernet,
    keras_fit,
    keras_resnet,
    loops,
    network,
    network_loops,
    random_boxes,
    text,
    this_engine,
)
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


def test_the_centernet_of_pytorch_is_that_of_this_project_seen_in_a_mirror() -> None:
    """With strides, PyTorch pads before the first pixel and Keras beyond the last."""
    if "pytorch_loop" not in loops.available():
        pytest.skip("torch is not installed, so benchmarks/pytorch_centernet.py was not tested")
    import torch

    from benchmarks import pytorch_centernet, pytorch_resnet

    keras.utils.set_random_seed(0)
    ours = centernet_small.build((24, 32, 3), 3 + detection.BOX, normalization="batch")
    theirs = pytorch_centernet.CenterNet(3)
    weights = [weight.numpy() for weight in ours.trainable_variables]
    pytorch_resnet.copy_weights(theirs, [weight[::-1, ::-1] if weight.ndim == 4 else weight for weight in weights])
    inputs = np.random.default_rng(0).normal(size=(6, 24, 32, 3)).astype("float32")
    expected = ours(inputs, training=True).numpy()[..., :7]
    mirrored = np.ascontiguousarray(inputs[:, ::-1, ::-1])
    found = theirs(torch.from_numpy(mirrored).permute(0, 3, 1, 2)).detach().numpy()[:, ::-1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def test_the_centernet_of_keras_has_the_weights_and_the_cells_of_this_projects() -> None:
    ours = centernet_small.build((24, 32, 3), 3 + detection.BOX, normalization="batch")
    theirs = keras_centernet.centernet((24, 32), 3)
    images = np.zeros((2, 24, 32, 3))
    np.testing.assert_allclose(theirs(images).numpy()[..., 7:], ours(images).numpy()[..., 7:], rtol=1e-6)  # cells
    assert [w.shape for w in theirs.trainable_weights] == [w.shape for w in ours.trainable_weights]


def test_the_detectors_loss_of_pytorch_is_that_of_this_project() -> None:
    if "pytorch_loop" not in loops.available():
        pytest.skip("torch is not installed, so benchmarks/pytorch_centernet.py was not tested")
    import torch

    from benchmarks import pytorch_centernet

    labels, outputs = _boxes_and_outputs()
    expected = detection.loss_of_rows(tf.constant(labels), tf.constant(outputs), class_balance=0.5).numpy()
    found = pytorch_centernet.loss_of_rows(
        torch.from_numpy(labels), torch.from_numpy(outputs[..., :7]), random_boxes.SIZE, class_balance=0.5
    )
    np.testing.assert_allclose(found.numpy(), expected, rtol=TOLERANCE)


def _boxes_and_outputs() -> tuple[np.ndarray, np.ndarray]:
    """Return labels of the benchmark of detectors, one without an object, and random outputs for them."""
    labels = random_boxes.images(16).labels
    labels[0] = -1
    model = keras_centernet.centernet(random_boxes.SIZE, random_boxes.CLASSES)
    outputs = model(np.zeros((16, *random_boxes.SIZE, 3))).numpy()
    outputs[..., :7] += np.random.default_rng(0).normal(size=(16, 1200, 7))
    return labels, outputs


def test_boxes_of_the_benchmark_are_within_images_which_have_as_many_as_those_of_bccd() -> None:
    boxes = random_boxes.images(500).labels
    box_checks.check("labels", boxes, 500, "012")
    objects = (boxes[..., 4] >= 0).sum(axis=1)
    assert 1 == objects.min() < objects.max() == 27
    assert 13 < objects.mean() < 15


def test_ratios_are_of_medians_of_examples_per_second() -> None:
    rates = {("this_engine", 4): [90.0, 100.0, 900.0], ("keras_fit", 4): [50.0, 20.0, 10.0]}
    assert network.ratios(rates) == {("keras_fit", 4): 5.0}


def test_a_process_of_the_network_benchmark_trains_on_demand() -> None:
    with ExitStack() as stack:
        loop = network.Loop(network_loops, "this_engine", ("none",), stack)
        assert loop.processes == network.CORES
        assert loop.turn(4) > 0
        for process in loop.started:
            process.stdin.close()
        assert [process.wait(HANG) for process in loop.started] == [0] * network.CORES


def test_the_others_train_one_run_or_one_on_each_core() -> None:
    alone = {name for name in detector_loops.LOOPS if network.processes(name) == 1}
    assert alone == {"keras_fit", "pytorch_loop"}
    assert network.processes("keras_fit_side_by_side") == network.processes("this_engine_augmented") == network.CORES


def test_fit_can_trace_the_loss_of_a_detector() -> None:
    """It does so for any number of rows, where the engine's programs know it."""
    labels, outputs = _boxes_and_outputs()
    loss = partial(detection.loss_of_rows, class_balance=0.5)
    traced = tf.function(loss).get_concrete_function(
        *(tf.TensorSpec([None, *values.shape[1:]], "float32") for values in (labels, outputs))
    )
    expected = loss(tf.constant(labels), tf.constant(outputs)).numpy()
    np.testing.assert_allclose(traced(tf.constant(labels), tf.constant(outputs)).numpy(), expected, rtol=TOLERANCE)


@pytest.mark.parametrize("way", ["", "_side_by_side"])
def test_a_detector_is_to_be_faster_than_each_way_of_the_others(way) -> None:
    assert detector.ratio(f"keras_fit{way}", 4, 1.6)[-2:] == ("at least 1.7", "short")
    assert detector.ratio(f"pytorch_loop{way}", 64, 1.2)[-2:] == ("at least 1.2", "ok")


def test_average_precision_takes_what_evaluations_take_beside_the_loss() -> None:
    epochs, scored = detector_evaluation.EPOCHS, detector_evaluation.EPOCHS // detector_evaluation.SCORES_EVERY
    losses = epochs + 1  # of the start too
    taken = {"epoch": 2.0, "loss": 1.0, "boxes": 1.0, "scores": 1.0, "end": 1.0}
    assert detector_evaluation.shares(taken) == (losses / (2 * epochs + losses), 0)
    _, share = detector_evaluation.shares(taken | {"boxes": 2.0, "scores": 5.0, "end": 12.0})
    precision = losses + 3 * scored + 7
    assert share == precision / (2 * epochs + losses + precision)


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
