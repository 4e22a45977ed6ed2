"""Detection: its loss against loops over objects and places, decoded boxes, and the metrics of a perfect detector."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.data import task
from batchwise.data.metric import LOSS
from batchwise.runtime.keras import keras
from batchwise.tasks import detection
from tests.differentiation import computed, gradients

ops = keras.ops
CLASSES = 3
SIZE = 64, 96  # height and width of the images
GRIDS = {"one grid": (8,), "three grids": (8, 16, 32)}  # strides
SEEDS = st.integers(0, 2**32 - 1)


def cells(strides: Sequence[int], size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return the centre and the sides of each cell of grids, line by line, [P, 4]."""
    height, width = size
    return np.array(
        [
            ((column + 0.5) * stride / width, (row + 0.5) * stride / height, stride / width, stride / height)
            for stride in strides
            for row in range(height // stride)
            for column in range(width // stride)
        ]
    )


def drawn(seed: int, strides: Sequence[int], rows: int = 4, room: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Return random objects of all sizes and outputs, the first row without an object and the last one full of them."""
    random = np.random.default_rng(seed)
    labels = np.full((rows, room, 5), -1.0)
    for row, number in enumerate([0, *random.integers(1, room, rows - 2), room]):
        sides = np.exp(random.uniform(np.log(0.02), np.log(0.9), (number, 2)))
        low = random.uniform(0, 1 - sides)
        labels[row, :number] = np.hstack([low, low + sides, random.integers(CLASSES, size=(number, 1))])
    places = cells(strides)
    of_model = random.normal(0, 2, (rows, len(places), CLASSES + 4))
    return labels, np.concatenate([of_model, np.broadcast_to(places, (rows, *places.shape))], axis=-1)


# The loss, by the formulas


def sigmoid(logit: float) -> float:
    return 1 / (1 + np.exp(-logit))


def octaves(width: float, height: float) -> float:
    return np.log2(np.sqrt(width * height))


def own_place(box: np.ndarray, places: np.ndarray) -> int:
    """Return the place of an object: near, in cells, and of cells of which four are about as long as its sides."""
    x, y, width, height = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]
    costs = []
    for at_x, at_y, cell_width, cell_height in places:
        octaves_off = octaves(width, height) - octaves(4 * cell_width, 4 * cell_height)
        costs.append(((x - at_x) / cell_width) ** 2 + ((y - at_y) / cell_height) ** 2 + 4 * octaves_off**2)
    return int(np.argmin(costs))


def near(place: np.ndarray, own: np.ndarray, box: np.ndarray) -> float:
    """Return the Gaussian about the place of an object; nothing on another grid."""
    if not np.allclose(place[2:], own[2:]):
        return 0.0
    deviations = [max((box[2 + axis] - box[axis]) / 9, 0.4 * own[2 + axis]) for axis in (0, 1)]
    return float(np.exp(-sum(((place[axis] - own[axis]) / deviations[axis]) ** 2 for axis in (0, 1)) / 2))


def loss_of_row(labels: np.ndarray, outputs: np.ndarray, balance: float) -> float:
    """Zhou et al. 2019 (arXiv 1904.07850), section 3, in loops."""
    logits, found, places = outputs[:, :CLASSES], outputs[:, CLASSES : CLASSES + 4], outputs[:, CLASSES + 4 :]
    objects = [object_ for object_ in labels if object_[4] >= 0]
    counts = [sum(object_[4] == label for object_ in objects) for label in range(CLASSES)]
    weights = [1 / max(count, 1) ** balance for count in counts]
    together = sum(weights[int(object_[4])] for object_ in objects) or 1
    heat = np.zeros((len(places), CLASSES))
    total = 0.0
    for object_ in objects:
        own, label = own_place(object_, places), int(object_[4])
        for place in range(len(places)):
            heat[place, label] = max(heat[place, label], near(places[place], places[own], object_))
        x, y, cell_width, cell_height = places[own]
        target = [
            ((object_[0] + object_[2]) / 2 - x) / cell_width,
            ((object_[1] + object_[3]) / 2 - y) / cell_height,
            np.log((object_[2] - object_[0]) / cell_width),
            np.log((object_[3] - object_[1]) / cell_height),
        ]
        chance = sigmoid(logits[own, label])
        focal = -((1 - chance) ** 2) * np.log(chance)
        total += weights[label] / together * (focal + np.abs(found[own] - target).sum())
    for place in range(len(places)):
        for label in range(CLASSES):
            chance = sigmoid(logits[place, label])
            if heat[place, label] < 1:
                away = -((1 - heat[place, label]) ** 4) * chance**2 * np.log(1 - chance)
                total += weights[label] / together * away
    return total


@cache
def of_balance(balance: float) -> Callable[..., Any]:
    return partial(detection.loss_of_rows, class_balance=balance)


def by_library(labels: np.ndarray, outputs: np.ndarray, balance: float = 0.0) -> np.ndarray:
    return np.asarray(computed(of_balance(balance), labels, outputs))


def gradient(labels: np.ndarray, outputs: np.ndarray, balance: float = 0.0) -> np.ndarray:
    def total(outputs: Any) -> Any:
        return ops.sum(detection.loss_of_rows(ops.convert_to_tensor(labels), outputs, class_balance=balance))

    return np.asarray(gradients(total, [outputs])[0])


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("strides", GRIDS.values(), ids=GRIDS)
@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_the_loss_is_that_of_the_formulas(strides, balance, seed) -> None:
    labels, outputs = drawn(seed, strides)
    expected = [loss_of_row(*row, balance) for row in zip(labels, outputs, strict=True)]
    np.testing.assert_allclose(by_library(labels, outputs, balance), expected, rtol=1e-10)


@pytest.mark.parametrize("strides", GRIDS.values(), ids=GRIDS)
def test_its_gradient_is_that_of_small_differences(strides) -> None:
    labels, outputs = drawn(3, strides)
    found = gradient(labels, outputs, 0.5)
    assert not found[..., CLASSES + 4 :].any()  # of the reference boxes
    own = [own_place(object_, outputs[3, :, CLASSES + 4 :]) for object_ in labels[3]]
    step = 1e-6
    for place in [*own[:3], 0]:
        for number in range(CLASSES + 4):
            moved = np.zeros_like(outputs[3])
            moved[place, number] = step
            above, below = (loss_of_row(labels[3], outputs[3] + sign * moved, 0.5) for sign in (1, -1))
            np.testing.assert_allclose(found[3, place, number], (above - below) / (2 * step), rtol=1e-5, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, more=st.integers(0, 4))
def test_the_loss_of_a_row_depends_on_no_other_row_nor_on_room_or_order_of_objects(seed, more) -> None:
    labels, outputs = drawn(seed, GRIDS["three grids"])
    whole = by_library(labels, outputs, 0.5)
    alone = [by_library(labels[row : row + 1], outputs[row : row + 1], 0.5)[0] for row in range(len(labels))]
    np.testing.assert_allclose(alone, whole, rtol=1e-12)
    roomy = np.concatenate([labels, np.full((len(labels), more, 5), -1.0)], axis=1)
    shuffled = np.random.default_rng(seed).permuted(np.arange(roomy.shape[1]))
    np.testing.assert_allclose(by_library(roomy[::-1, shuffled], outputs[::-1], 0.5), whole[::-1], rtol=1e-12)


def test_a_batch_without_rows_has_no_loss() -> None:
    labels, outputs = drawn(0, GRIDS["three grids"])
    assert by_library(labels[:0], outputs[:0]).shape == (0,)


def test_single_precision_is_near_double_precision_for_small_cells() -> None:
    """Squares of distances come from a product of matrices, which loses what they have in common."""
    labels, outputs = drawn(1, (4,), rows=3)
    places = cells((4,), (480, 640))
    outputs = np.concatenate([np.resize(outputs, (3, len(places), CLASSES + 4)), np.stack([places] * 3)], axis=-1)
    single = by_library(labels.astype("float32"), outputs.astype("float32"))
    np.testing.assert_allclose(single, by_library(labels, outputs), rtol=1e-4)


@pytest.mark.parametrize(
    ("balance", "of_three", "of_one"),
    [(0.0, 1 / 4, 1 / 4), (0.5, 1 / (3 + 3**0.5), 3**0.5 / (3 + 3**0.5)), (1.0, 1 / 6, 1 / 2)],
)
def test_a_balance_lets_objects_of_rare_classes_count_more(balance, of_three, of_one) -> None:
    """Of three objects of one class and one of another: all count alike, or all classes, or something between."""
    labels, outputs = np.full((1, 5, 5), -1.0), drawn(0, (8,))[1][:1]
    for number, (x, y, label) in enumerate([(1, 1, 0), (4, 1, 0), (8, 1, 0), (2, 5, 1)]):
        labels[0, number] = x / 12, y / 8, (x + 1.5) / 12, (y + 1.5) / 8, label
    of_sides = gradient(labels, outputs, balance)[0, :, CLASSES + 2]
    shares = [abs(of_sides[own_place(object_, cells((8,)))]) for object_ in labels[0, :4]]
    np.testing.assert_allclose(shares, [of_three] * 3 + [of_one], rtol=1e-10)


@pytest.mark.parametrize(("side", "stride"), [(2, 8), (10, 8), (44, 8), (46, 16), (88, 16), (93, 32), (180, 32)])
def test_an_object_belongs_to_the_grid_of_which_four_cells_are_about_as_long(side, stride) -> None:
    """Its box is learnt there alone: of one grid the errors of a box are in the loss, of the others they are not."""
    size, strides = (192, 192), (8, 16, 32)
    places = cells(strides, size)
    at = 96 / 192 + 4 / 192  # the centre of a cell of 8 pixels, near those of the others
    labels = np.array([[[at - side / 384, at - side / 384, at + side / 384, at + side / 384, 0]]])
    outputs = np.concatenate([np.zeros((len(places), CLASSES + 4)), places], axis=-1)[None]
    [place] = np.flatnonzero(gradient(labels, outputs)[0, :, CLASSES + 2])
    assert places[place, 2] * 192 == pytest.approx(stride)


# What is found


def perfect(labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return outputs that are the objects [rows, K, 5], each at the place to which it belongs."""
    outputs = np.zeros((len(labels), len(places), CLASSES + 8))
    outputs[..., :CLASSES], outputs[..., CLASSES + 4 :] = -12, places
    for row, objects in enumerate(labels):
        for left, top, right, bottom, label in objects[objects[:, 4] >= 0]:
            own = own_place(np.array([left, top, right, bottom]), places)
            x, y, width, height = places[own]
            outputs[row, own, int(label)] = 4
            outputs[row, own, CLASSES : CLASSES + 4] = (
                ((left + right) / 2 - x) / width,
                ((top + bottom) / 2 - y) / height,
                np.log((right - left) / width),
                np.log((bottom - top) / height),
            )
    return outputs


def boxes_of(outputs: np.ndarray) -> np.ndarray:
    return np.asarray(computed(detection.boxes, outputs))


def apart(seed: int, rows: int = 5) -> np.ndarray:
    """Return objects of which each has a third of the image to each side for itself, some rows without any."""
    random = np.random.default_rng(seed)
    labels = np.full((rows, 9, 5), -1.0)
    for row in range(rows):
        for number, place in enumerate(random.permutation(9)[: random.integers(0, 10) if row else 9]):
            corner = np.array([place % 3, place // 3]) / 3
            low = corner + random.uniform(0, 0.1, 2)
            labels[row, number] = *low, *(low + random.uniform(0.08, 0.23, 2)), random.integers(CLASSES)
    return labels


@pytest.mark.parametrize("strides", GRIDS.values(), ids=GRIDS)
@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_decoded_boxes_are_those_that_outputs_were_built_from(strides, seed) -> None:
    labels = apart(seed)
    found = boxes_of(perfect(labels, cells(strides)))
    assert found.shape[1:] == (min(200, CLASSES * len(cells(strides))), 6)
    for objects, boxes in zip(labels, found, strict=True):
        objects = objects[objects[:, 4] >= 0]
        best = boxes[: len(objects)][:, [0, 1, 2, 3, 5]]
        np.testing.assert_allclose(best[np.lexsort(best.T[:2])], objects[np.lexsort(objects.T[:2])], atol=1e-12)
        assert (boxes[len(objects) :, 4] < 1e-4).all() and (np.diff(boxes[:, 4]) <= 0).all()


@pytest.mark.parametrize("strides", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_detector_has_the_best_of_all_metrics(strides, seed) -> None:
    labels = apart(seed).astype("float32")
    found = boxes_of(perfect(labels, cells(strides)).astype("float32"))
    np.testing.assert_allclose(detection.score(labels, found), 1, rtol=1e-12)


def test_sides_that_would_overflow_are_limited() -> None:
    outputs = perfect(apart(0), cells((8,))).astype("float32")
    outputs[..., CLASSES + 2 : CLASSES + 4] = 1e4
    assert np.isfinite(boxes_of(outputs)).all()


# The task


def test_the_loss_is_a_metric_and_scores_are_shared() -> None:
    found = task.load("detection", {"class_balance": 0.5})
    assert [metric.name for metric in found.metrics] == ["ap50", LOSS, "ap", "recall_at_1"]
    assert found.metric(LOSS).values is found.loss and found.outputs(CLASSES) == CLASSES + 8
    scored = [metric for metric in found.metrics if metric.score]
    assert len({(metric.predictions, metric.score) for metric in scored}) == 1
    numbers = np.array([0.5, 0.25, 0.75])
    assert [metric.reduce(numbers) for metric in scored] == [0.5, 0.25, 0.75]


def test_the_loss_of_a_constant_is_near_that_of_the_best_constant_outputs() -> None:
    """Of 1,000 places, with sides of the median object, and the chance that costs least."""
    labels, places = apart(1, rows=40), cells((4,), (100, 160))
    assert len(places) == detection.PLACES
    objects = labels[labels[..., 4] >= 0]
    sides = np.median(np.log(objects[:, 2:4] - objects[:, :2]), axis=0)
    outputs = np.zeros((len(labels), len(places), CLASSES + 8))
    outputs[..., CLASSES + 2 : CLASSES + 4] = sides - np.log(places[0, 2:])
    outputs[..., CLASSES + 4 :] = places
    found = []
    for logit in np.linspace(-6, 0, 13):
        outputs[..., :CLASSES] = logit
        found.append(by_library(labels, outputs).mean())
    assert detection.loss_of_constant(labels) == pytest.approx(min(found), rel=0.15)
