"""Objects in images, each with a box and a class: a detector scores boxes at many places; average precision.

A model puts out C + 8 numbers at each of its places, [B, P, C + 8]: a logit for each class; dx, dy, log w and log h of
a box; and the reference box of the place, its centre and its sides as fractions of the image, which are constants. The
box has the centre (x + dx·width, y + dy·height) and the sides (width·w, height·h), of the reference box.
"""

from functools import partial
from typing import Any

import numpy as np
from pydantic import NonNegativeFloat

from batchwise.data.task import LOSS, POINTS, Labels, Task, TaskMetric, Tensor
from batchwise.statistics import detections

BOX = 8  # numbers at a place beside the logits
# Boxes of a row that are looked at: an object has several, of neighbouring places, before doubles are taken out. COCO's
# 100 are of those that remain.
MOST = 200
CELLS = 4  # reference boxes that the sides of an object should have: of grids of several sizes it belongs to that one
OTHER_SIZE = 4.0  # that a factor of 2 in the size counts as much as two cells of distance
FAR = 50.0  # of the exponent, by which no place of another grid is near
LARGEST_LOG = 8.0  # of a side: an exponential must not overflow
PLACES = 1000  # of a detector whose constant answer is the baseline of the loss


def task(*, class_balance: NonNegativeFloat = 0.0) -> Task:
    """Return the task. The loss of a row is divided by the number of its objects, so that it does not depend on m.

    With `class_balance` b an object of a class of which a row has n counts 1/n^b times as much: with 0 all objects
    count alike, with 1 all classes of a row.
    """
    loss = partial(loss_of_rows, class_balance=class_balance)
    scored: dict[str, Any] = {
        "higher_is_better": True,
        "lowest": 0,
        "baseline": lambda labels: 0.0,
        "predictions": boxes,
        "score": score,
        **POINTS,
    }
    return Task(
        labels=Labels("boxes"),
        outputs=lambda classes: classes + BOX,
        loss=loss,
        metrics=(
            TaskMetric(
                name="ap50",
                title="AP50",
                description="average precision at an overlap (IoU) of 0.5, mean over the classes, as COCO has it, "
                "0 to 1",
                reduce=lambda found: found[0],
                without_each=partial(without_each, thresholds=detections.THRESHOLDS[:1]),
                **scored,
            ),
            TaskMetric(
                name=LOSS,
                description="loss of the heat map and of the boxes of a row over the number of its objects (Zhou et "
                "al. 2019, arXiv 1904.07850, eq. 1 to 4), mean over the rows",
                higher_is_better=False,
                baseline=loss_of_constant,
                values=loss,
                lowest=0,
            ),
            TaskMetric(
                name="ap",
                title="AP",
                description="average precision, mean over the classes and the overlaps 0.50, 0.55, … 0.95, as COCO has "
                "it, 0 to 1",
                reduce=lambda found: found[1],
                without_each=partial(without_each, thresholds=detections.THRESHOLDS),
                **scored,
            ),
            TaskMetric(
                name="recall_at_1",
                title="recall at one false box an image",
                description="share of the objects that is found (overlap 0.5) with the scores from which there is one "
                "false box a row on average, 0 to 1",
                reduce=lambda found: found[2],
                **scored,
            ),
        ),
    )


def loss_of_rows(labels: Tensor, outputs: Tensor, *, class_balance: float) -> Tensor:
    """Return the loss of each row, [B]: of objects at the points that they are (Zhou et al. 2019, section 3).

    Eq. 1, a focal loss of the logits of all places, with α = 2 and β = 4, and beside it the absolute errors of the
    centres (eq. 2) and, as logarithms, of the sides (eq. 3) of the objects' boxes: the mean over objects, each with its
    weight; the logits of a class have that of its objects. Errors count as much (eq. 4: those of sides in pixels a
    tenth).
    """
    from keras import ops

    classes = outputs.shape[-1] - BOX
    # [P, 4], the same of each row: that of the first, if there is one; an evaluation may have an empty batch.
    places = ops.stop_gradient(ops.sum(outputs[:1, :, classes + 4 :], axis=0))
    logits, _ = ops.split(outputs, [classes], axis=-1)  # whose gradient is one copy, and not one for each slice
    there = ops.cast(labels[..., 4] >= 0, outputs.dtype)  # [B, K]
    label = ops.cast(ops.maximum(labels[..., 4], 0), "int32")
    own, heat = _assigned(labels, label, there, places, classes)
    at = ops.take_along_axis(outputs, own[..., None], axis=1)  # [B, K, C + 8]
    of_class = ops.squeeze(ops.take_along_axis(at[..., :classes], label[..., None], axis=-1), -1)
    weights = _weights(label, there, classes, class_balance)
    away = ops.square(ops.square(1 - heat)) * ops.square(ops.sigmoid(logits)) * ops.softplus(logits)  # [B, P, C]
    found = ops.square(1 - ops.sigmoid(of_class)) * ops.softplus(-of_class)
    targets = _targets(labels, ops.take(places, own, axis=0))
    errors = ops.sum(ops.abs(at[..., classes : classes + 4] - targets), axis=-1)
    of_objects = there * ops.take_along_axis(weights, label, axis=1) * (found + errors)
    return ops.sum(weights * ops.sum(away, axis=1), axis=1) + ops.sum(of_objects, axis=1)


def _weights(label: Tensor, there: Tensor, classes: int, class_balance: float) -> Tensor:
    """Return how much an object of each class counts, [B, C]: so much that those of a row are 1 together."""
    from keras import ops

    counts = ops.sum(ops.one_hot(label, classes, dtype=there.dtype) * there[..., None], axis=1)
    weights = ops.maximum(counts, 1) ** -class_balance
    together = ops.sum(counts * weights, axis=1, keepdims=True)
    return weights / ops.where(together > 0, together, 1)


def _assigned(labels: Tensor, label: Tensor, there: Tensor, places: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return the place of each object, [B, K] int32, and how near an object each place is by class, [B, P, C].

    Of several grids an object belongs to that whose cells suit its size. Near it are the places of that grid, by a
    Gaussian whose standard deviation is a ninth of the box, and at least 0.4 cells.
    """
    from keras import ops

    centres, sizes = _centres(labels)
    objects = ops.concatenate([centres, _octaves(sizes) - np.log2(CELLS)], axis=-1)  # [B, K, 3]: where, and how large
    cells = ops.concatenate([places[:, :2], _octaves(places[:, 2:])], axis=-1)  # [P, 3]
    alike = ops.ones_like(objects[..., :1])
    by = ops.concatenate([ops.ones_like(centres), OTHER_SIZE**0.5 * alike], axis=-1)
    in_cells = ops.concatenate([1 / places[:, 2:], ops.ones_like(places[:, :1])], axis=-1)
    own = ops.cast(ops.argmax(_nearness(objects, by, cells, in_cells), axis=-1), "int32")
    narrow = 0.5**0.5 / ops.maximum(sizes / 9, 0.4 * ops.take(places[:, 2:], own, axis=0))
    by = ops.concatenate([narrow, FAR**0.5 * alike], axis=-1)
    near = _nearness(ops.take(cells, own, axis=0), by, cells, ops.ones_like(cells))
    return own, _heat(near, ops.where(there > 0, label, classes), classes)


def _heat(near: Tensor, label: Tensor, classes: int) -> Tensor:
    """Return exp(near) of the object of each class that is nearest to a place, [B, P, C]; 0 where there is none.

    Of objects `near` [B, K, P] and `label` [B, K], which is `classes` of what is none. The exponential comes last, for
    it is taken of fewer numbers then.
    """
    from keras import ops

    rows, objects, places = ops.shape(near)
    segments = label + (classes + 1) * ops.arange(rows, dtype="int32")[:, None]
    nearest = ops.segment_max(
        ops.reshape(near, [rows * objects, places]),
        ops.reshape(segments, [-1]),
        num_segments=rows * (classes + 1),
    )
    of_classes = ops.reshape(nearest, [rows, classes + 1, places])[:, :classes]
    return ops.stop_gradient(ops.transpose(ops.exp(ops.minimum(of_classes, 0)), [0, 2, 1]))


def _octaves(sides: Tensor) -> Tensor:
    """Return log₂ of the geometric mean of two sides [..., 2], [..., 1]."""
    from keras import ops

    return ops.log(sides[..., :1] * sides[..., 1:]) / (2 * np.log(2))


def _nearness(of_objects: Tensor, by: Tensor, of_places: Tensor, scale: Tensor) -> Tensor:
    """Return −Σ ((place − object)·by·scale)² over the last axis, [B, K, P].

    Of objects and `by` [B, K, n], places and `scale` [P, n]. As a product of two matrices it takes a tenth of the time
    of differences [B, K, P, n].
    """
    from keras import ops

    squared = ops.square(by), ops.square(scale)
    middle = 0.5  # fractions: the nearer to 0, the less is lost to rounding
    at, places = of_objects - middle, of_places - middle
    left = [-squared[0], 2 * squared[0] * at, -squared[0] * ops.square(at)]
    right = [squared[1] * ops.square(places), squared[1] * places, squared[1]]
    return ops.matmul(ops.concatenate(left, axis=-1), ops.transpose(ops.concatenate(right, axis=-1)))


def _centres(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres and the sides of boxes, [B, K, 2] each; of what is none, some that can be computed with."""
    from keras import ops

    low, high = labels[..., :2], labels[..., 2:4]
    return (low + high) / 2, ops.maximum(high - low, 1e-6)


def _targets(labels: Tensor, places: Tensor) -> Tensor:
    """Return what a model should put out for boxes at their places [B, K, 4], [B, K, 4]."""
    from keras import ops

    centres, sizes = _centres(labels)
    return ops.concatenate([(centres - places[..., :2]) / places[..., 2:], ops.log(sizes / places[..., 2:])], axis=-1)


def boxes(outputs: Tensor) -> Tensor:
    """Return the boxes with the highest scores of each row, [B, at most 200, 6]: left, top, right, bottom as fractions
    of the image, the score, and the class. A place may have a box of several classes."""
    from keras import ops

    classes = outputs.shape[-1] - BOX
    places = outputs.shape[1]
    scores = ops.reshape(ops.sigmoid(outputs[..., :classes]), [-1, places * classes])
    score, chosen = ops.top_k(scores, min(MOST, places * classes))
    place, label = chosen // classes, chosen % classes
    at = ops.take_along_axis(outputs[..., classes:], place[..., None], axis=1)  # [B, K, 8]
    centre = at[..., 4:6] + at[..., :2] * at[..., 6:]
    half = at[..., 6:] * ops.exp(ops.clip(at[..., 2:4], -LARGEST_LOG, LARGEST_LOG)) / 2
    numbers = [centre - half, centre + half, score[..., None], ops.cast(label, outputs.dtype)[..., None]]
    return ops.concatenate(numbers, axis=-1)


def score(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return AP50, AP and the recall at one false box a row, [3], of all rows; NaN without an object."""
    found = detections.of(labels, predictions, _classes(labels, predictions))
    of_all = detections.precision(found)
    matches = detections.match(found, detections.THRESHOLDS[0])
    return np.array([of_all.ap50, of_all.ap, detections.recall_at(matches, 1)])


def without_each(labels: np.ndarray, predictions: np.ndarray, *, thresholds: np.ndarray) -> np.ndarray:
    """Return the average precision without each row, [rows]."""
    return detections.without_each(detections.of(labels, predictions, _classes(labels, predictions)), thresholds)


def _classes(labels: np.ndarray, predictions: np.ndarray) -> int:
    """Return how many classes are there, or found; others have no average precision."""
    return 1 + int(max(labels[..., 4].max(), predictions[..., 5].max(), 0))


def loss_of_constant(labels: np.ndarray) -> float:
    """Return the loss of the best constant answer at 1,000 places: one chance of an object, and boxes of median sides.

    With n objects of C classes in a row the chance p of an object at a place costs about (1 − p)²·(−log p) + p³·C·P/n.
    """
    there = labels[..., 4] >= 0
    classes, objects = 1 + int(labels[..., 4].max()), there.sum() / len(labels)
    chances = np.geomspace(1e-4, 0.9, 1000)
    heat = np.min(-((1 - chances) ** 2) * np.log(chances) + chances**3 * classes * PLACES / objects)
    sides = np.log((labels[..., 2:4] - labels[..., :2])[there].astype("float64"))
    # A centre is anywhere in its cell: half a cell to each side at most, a quarter on average.
    return float(heat + np.abs(sides - np.median(sides, axis=0)).mean(axis=0).sum() + 2 * 0.25)
