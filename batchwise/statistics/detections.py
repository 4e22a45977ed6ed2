"""Objects that were found, against those that there are: suppression of doubles, average precision, recall.

Boxes are left, top, right, bottom as fractions of an image. Objects of a row are [L, 5] with a class, −1 where there is
none; what is found is [K, 6] with a score and a class, the best first, and a score of 0 or less where there is nothing.
Average precision is that of COCO (Lin et al. 2014; https://cocodataset.org/#detection-eval), computed by
faster-coco-eval.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of the overlap (IoU) from which an object counts as found
RECALLS = np.linspace(0, 1, 101)  # at which precision is read
OVERLAP = 0.5  # with a box of the same class and a higher score, above which a box is a double
LEAST_SCORE = 0.05  # of a box that counts at all
MOST = 100  # boxes of a class in a row that count, as in COCO
# Sides of the image in which the limits of COCO's sizes are pixels, 32² and 96²: most of COCO's images are so large.
WIDTH, HEIGHT = 640, 480
SIZES = ("small", "medium", "large")


class Boxes(NamedTuple):
    """What is found, beside the objects that there are, also as the library takes them."""

    objects: np.ndarray  # [rows, L, 5]
    found: np.ndarray  # [rows, K, 6], without doubles
    classes: int
    truth: Any
    results: Any


class Precision(NamedTuple):
    """What the library says of all rows; NaN for a class that no object has."""

    ap: float  # mean over classes and THRESHOLDS
    ap50: float  # at an overlap of 0.5
    by_class: np.ndarray  # [C, 2], at an overlap of 0.5 and mean over THRESHOLDS
    curves: np.ndarray  # [RECALLS, C], the best precision at a recall or a higher one, at an overlap of 0.5


def without_doubles(found: np.ndarray) -> np.ndarray:
    """Return what is found [rows, K, 6] with a score of 0 for boxes that overlap with a better one of their class.

    Greedy non-maximum suppression, from the highest score on, of all rows at a time; a box that scores less than
    LEAST_SCORE goes too.
    """
    found = np.take_along_axis(found, np.argsort(-found[..., 4:5], axis=1, kind="stable"), axis=1)
    waiting, every = found[..., 4] >= LEAST_SCORE, np.arange(len(found))
    kept = np.zeros_like(waiting)
    columns = [np.ascontiguousarray(column) for column in (*np.moveaxis(found[..., :4], -1, 0), _areas(found))]
    while waiting.any():
        best = waiting.argmax(axis=1)
        kept[every, best] |= waiting[every, best]
        waiting[every, best] = False
        is_double = _overlap([column[every, best][:, None] for column in columns], columns) > OVERLAP
        waiting &= ~(is_double & (found[..., 5] == found[every, best, 5][:, None]))
    found[..., 4] = np.where(kept, found[..., 4], 0)
    return found


def sizes(boxes: np.ndarray) -> np.ndarray:
    """Return the number of the size of each box, [...], in SIZES: by its area in an image of WIDTH × HEIGHT pixels."""
    return np.digitize(_areas(boxes) * WIDTH * HEIGHT, [32**2, 96**2])


def _overlap(boxes: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
    """Return the intersection over union of boxes, each side and the area in an array: so NumPy is fastest."""
    width, height = (
        np.maximum(np.minimum(boxes[2 + axis], others[2 + axis]) - np.maximum(boxes[axis], others[axis]), 0)
        for axis in (0, 1)
    )
    shared = width * height
    union = boxes[4] + others[4] - shared
    return shared / np.where(union > 0, union, 1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return np.prod(np.clip(boxes[..., 2:4] - boxes[..., :2], 0, None), axis=-1)


def precision(boxes: Boxes) -> Precision:
    """Return the average precision of what is found."""
    values, classes = _precisions(boxes)[..., 0], boxes.classes
    return Precision(
        ap=_mean(values),
        ap50=_mean(values[0]),
        by_class=np.array([_means(values[:, :, label]) for label in range(classes)]),
        curves=values[0],
    )


def precision_by_size(boxes: Boxes) -> np.ndarray:
    """Return the average precision of SIZES of objects, mean over classes, [3, 2], as by class; NaN as there."""
    values = _precisions(boxes, SIZES)
    return np.array([_means(values[..., 1 + size]) for size in range(len(SIZES))])


def _precisions(boxes: Boxes, sizes: tuple[str, ...] = ()) -> np.ndarray:
    """Return precision [thresholds, recalls, classes, 1 + sizes], of all objects and then of sizes; NaN of none."""
    found = _evaluated(boxes, THRESHOLDS, sizes)["precision"]
    return np.where(found < 0, np.nan, found)[..., 0]


def _means(values: np.ndarray) -> tuple[float, float]:
    """Return the mean at the first of the overlaps, and over all of them, of values [thresholds, …]."""
    return _mean(values[0]), _mean(values)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


class Matches(NamedTuple):
    """Which of the boxes that are found are objects, at one overlap: [boxes] each, the highest score first."""

    rows: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    are_objects: np.ndarray  # bool
    objects: np.ndarray  # [rows, C], how many there are
    places: np.ndarray  # among the boxes of the row


def match(boxes: Boxes, threshold: float) -> Matches:
    """Return which boxes that are found are objects; each object is found once at most."""
    objects, found, classes = boxes[:3]
    matched = _evaluated(boxes, np.array([threshold]))["matched"]
    hits = {int(pair.split("_")[0]) for pair in matched}  # as the library numbers boxes, from 1
    row, place = np.nonzero(found[..., 4] > 0)
    score, label = found[row, place, 4], found[row, place, 5].astype(int)
    are_objects = np.isin(np.arange(1, 1 + len(row)), [*hits])
    order = np.argsort(-score, kind="stable")
    counts = (objects[..., 4:] == np.arange(classes)).sum(axis=1)
    return Matches(row[order], label[order], score[order], are_objects[order], counts, place[order])


def average_precisions(matches: Matches, kept: np.ndarray) -> np.ndarray:
    """Return the average precision of each class, [C], of some of the rows, [rows] bool; NaN without an object."""
    return np.array([_of_class(matches, label, kept) for label in range(matches.objects.shape[1])])


def _of_class(matches: Matches, label: int, kept: np.ndarray) -> float:
    number = int(matches.objects[kept, label].sum())
    if not number:
        return float("nan")
    recall, precise = curve(matches, label, kept)
    best = np.append(np.maximum.accumulate(precise[::-1])[::-1], 0)  # the best at this recall or a higher one
    return float(best[np.searchsorted(recall, RECALLS, side="left")].mean())


def curve(matches: Matches, label: int, kept: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision of a class after each box that is found, [boxes] each, in some of the rows or all."""
    chosen = matches.classes == label
    number = matches.objects[:, label]
    if kept is not None:
        chosen, number = chosen & kept[matches.rows], number[kept]
    hits = np.cumsum(matches.are_objects[chosen])
    return hits / max(int(number.sum()), 1), hits / np.arange(1, 1 + len(hits))


def recall_at(matches: Matches, false_a_row: float) -> float:
    """Return the share of all objects that is found where there are at most so many false boxes a row on average.

    A point of the free-response curve (Bunch et al. 1977): the score from which a box counts is one for all classes.
    """
    number = int(matches.objects.sum())
    found = matches.are_objects[within(matches, false_a_row)]
    return float(found.sum() / number) if number else float("nan")


def within(matches: Matches, false_a_row: float) -> np.ndarray:
    """Return which boxes have scores from which there are at most so many false boxes a row on average, [boxes]."""
    return np.cumsum(~matches.are_objects) <= false_a_row * len(matches.objects)


def without_each(boxes: Boxes, thresholds: np.ndarray) -> np.ndarray:
    """Return the mean over classes and thresholds of the average precision without each of the rows, [rows]."""
    rows = len(boxes.objects)
    every = np.ones(rows, bool)
    values = np.zeros((len(thresholds), rows))
    for number, threshold in enumerate(thresholds):
        matches = match(boxes, threshold)
        for row in range(rows):
            kept = every.copy()
            kept[row] = False
            values[number, row] = _mean(average_precisions(matches, kept))
    return values.mean(axis=0)


def of(objects: np.ndarray, predicted: np.ndarray, classes: int) -> Boxes:
    """Return objects [rows, L, 5] of so many classes with what is predicted [rows, K, 6], doubles taken out."""
    found = without_doubles(predicted)
    row, place = np.nonzero(objects[..., 4] >= 0)
    truth = _annotations(row, objects[row, place], objects[row, place, 4])
    row, place = np.nonzero(found[..., 4] > 0)
    results = _annotations(row, found[row, place], found[row, place, 5])
    for result, score in zip(results, found[row, place, 4].tolist(), strict=True):
        result["score"] = score
    rows = len(objects)
    return Boxes(objects, found, classes, _indexed(truth, rows, classes), _indexed(results, rows, classes))


def _indexed(annotations: list[dict[str, Any]], rows: int, classes: int) -> Any:
    """Return what the library makes of annotations; its own loadRes takes as long as all else of an evaluation."""
    from faster_coco_eval import COCO

    return COCO(
        {
            "info": {},
            "images": [{"id": row + 1, "width": WIDTH, "height": HEIGHT} for row in range(rows)],
            "categories": [{"id": label + 1, "name": str(label)} for label in range(classes)],
            "annotations": annotations,
        }
    )


def _evaluated(boxes: Boxes, thresholds: np.ndarray, sizes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the library says at some overlaps, of all objects and then of those of some sizes."""
    from faster_coco_eval import COCOeval_faster

    evaluation = COCOeval_faster(boxes.truth, boxes.results, "bbox", print_function=_say_nothing)
    evaluation.params.iouThrs = thresholds
    evaluation.params.maxDets = [MOST]
    areas = dict(zip(evaluation.params.areaRngLbl, evaluation.params.areaRng, strict=True))
    evaluation.params.areaRngLbl = ["all", *sizes]
    evaluation.params.areaRng = [areas[size] for size in evaluation.params.areaRngLbl]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval


def _annotations(rows: np.ndarray, boxes: np.ndarray, classes: np.ndarray) -> list[dict[str, Any]]:
    sides = boxes[:, :4].astype("float64") * [WIDTH, HEIGHT, WIDTH, HEIGHT]
    left, top = sides[:, 0], sides[:, 1]
    width, height = sides[:, 2] - left, sides[:, 3] - top
    columns = (rows + 1, classes.astype(int) + 1, np.stack([left, top, width, height], axis=1), width * height)
    return [
        {"id": number + 1, "image_id": row, "category_id": label, "bbox": box, "area": area, "iscrowd": 0}
        for number, (row, label, box, area) in enumerate(zip(*(column.tolist() for column in columns), strict=True))
    ]


def _say_nothing(*_: Any) -> None:
    """Take what the library prints."""
