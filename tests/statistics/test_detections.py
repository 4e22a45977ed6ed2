"""Objects that were found: average precision as COCO defines it, in loops; suppression; what a row adds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.statistics import detections

CLASSES = 3
SEEDS = st.integers(0, 2**32 - 1)
RECALLS = np.linspace(0, 1, 101)  # as COCO has them: that of 35/100 is the float above it
# COCO's areas in pixels, of all objects and of those that are small, medium and large.
AREAS = (0, 1e10), (0, 32**2), (32**2, 96**2), (96**2, 1e10)


def drawn(seed: int, rows: int = 12, *, decimals: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Return random objects of all sizes, and what a detector of some skill finds, with few scores of few decimals."""
    random = np.random.default_rng(seed)
    objects, found = np.full((rows, 5, 5), -1.0), np.zeros((rows, 12, 6))
    for row in range(rows):
        number = int(random.integers(6))
        sides = np.exp(random.uniform(np.log(0.03), np.log(0.6), (number, 2)))
        low = random.uniform(0, 1 - sides)
        objects[row, :number] = np.hstack([low, low + sides, random.integers(CLASSES, size=(number, 1))])
        for place in range(12):
            box = np.resize(objects[row, :number, :4] if number else [[0.1, 0.2, 0.4, 0.5]], (12, 4))[place]
            box = box + random.normal(0, 0.15, 4) * np.tile(box[2:] - box[:2], 2) * random.random()
            low, high = np.minimum(box[:2], box[2:]), np.maximum(box[:2], box[2:])
            right = objects[row, place % number, 4] if number else 0
            label = right if random.random() < 0.8 else random.integers(CLASSES)
            found[row, place] = *low, *high, random.random().__round__(decimals), label
    return objects, found


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def in_pixels(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :4] * [640, 480, 640, 480]


def matches_of_image(
    truth: np.ndarray, boxes: np.ndarray, threshold: float, area: tuple[float, float]
) -> tuple[list[bool], list[bool], int]:
    """Return which boxes, the best first, are objects, which of them do not count, and how many objects count."""

    def is_outside(box: np.ndarray) -> bool:
        return not area[0] <= (box[2] - box[0]) * (box[3] - box[1]) <= area[1]

    ignored = [is_outside(box) for box in truth]
    order = sorted(range(len(truth)), key=lambda number: ignored[number])  # those that count are first
    taken: set[int] = set()
    hits, left_out = [], []
    for box in boxes:
        best, best_overlap = None, threshold
        for number in order:
            if number in taken or (best is not None and not ignored[best] and ignored[number]):
                continue
            if (shared := overlap(box, truth[number])) >= best_overlap:
                best, best_overlap = number, shared
        if best is not None:
            taken.add(best)
        hits.append(best is not None)
        left_out.append(ignored[best] if best is not None else is_outside(box))
    return hits, left_out, ignored.count(False)


def by_loops(
    objects: np.ndarray, found: np.ndarray, label: int, threshold: float, area: tuple[float, float] = AREAS[0]
) -> float:
    """Return the average precision of a class (Lin et al. 2014; COCO's evaluation): precision at 101 recalls."""
    scores, hits, left_out, number = [], [], [], 0
    for truth, boxes in zip(objects, found, strict=True):
        boxes = boxes[(boxes[:, 5] == label) & (boxes[:, 4] > 0)]
        boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
        of_image = matches_of_image(in_pixels(truth[truth[:, 4] == label]), in_pixels(boxes), threshold, area)
        scores += [*boxes[:, 4]]
        hits += of_image[0]
        left_out += of_image[1]
        number += of_image[2]
    if not number:
        return np.nan
    right = wrong = 0
    points = []  # recall and precision
    for place in np.argsort(-np.array(scores), kind="stable"):
        if not left_out[place]:
            right, wrong = right + hits[place], wrong + (not hits[place])
            points.append((right / number, right / (right + wrong)))
    best = [max([precise for recall, precise in points if recall >= least], default=0) for least in RECALLS]
    return float(np.mean(best))


def mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else np.nan


def of(objects: np.ndarray, found: np.ndarray) -> detections.Boxes:
    return detections.of(objects, found, CLASSES)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, decimals=st.sampled_from([6, 1]))
def test_average_precision_is_that_of_coco_in_loops(seed, decimals) -> None:
    """With one decimal many scores are equal."""
    boxes = of(*drawn(seed, decimals=decimals))
    found = detections.precision(boxes)
    each = {
        (label, threshold): by_loops(boxes.objects, boxes.found, label, threshold)
        for label in range(CLASSES)
        for threshold in detections.THRESHOLDS
    }
    of_half = [each[label, 0.5] for label in range(CLASSES)]
    of_all = [mean([each[label, threshold] for threshold in detections.THRESHOLDS]) for label in range(CLASSES)]
    np.testing.assert_allclose(found.by_class, np.transpose([of_half, of_all]), rtol=1e-9)
    np.testing.assert_allclose(np.mean(found.curves, axis=0), of_half, rtol=1e-9)
    np.testing.assert_allclose([found.ap50, found.ap], [mean(of_half), mean([*each.values()])], rtol=1e-9)
    matches = detections.match(boxes, 0.5)
    every = np.ones(len(boxes.objects), bool)
    np.testing.assert_allclose(detections.average_precisions(matches, every), of_half, rtol=1e-9)


@settings(max_examples=3, deadline=None)
@given(seed=SEEDS)
def test_average_precision_by_size_is_that_of_coco_in_loops(seed) -> None:
    boxes = of(*drawn(seed))
    expected = [
        [
            mean(
                [
                    by_loops(boxes.objects, boxes.found, label, threshold, area)
                    for label in range(CLASSES)
                    for threshold in thresholds
                ]
            )
            for thresholds in (detections.THRESHOLDS[:1], detections.THRESHOLDS)
        ]
        for area in AREAS[1:]
    ]
    np.testing.assert_allclose(detections.precision_by_size(boxes), expected, rtol=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, threshold=st.sampled_from([0.5, 0.75, 0.95]))
def test_the_boxes_that_are_objects_are_those_of_greedy_matching(seed, threshold) -> None:
    boxes = of(*drawn(seed))
    expected = []
    for row, (truth, found) in enumerate(zip(boxes.objects, boxes.found, strict=True)):
        for label in range(CLASSES):
            of_class = found[(found[:, 5] == label) & (found[:, 4] > 0)]
            truth_of_class = in_pixels(truth[truth[:, 4] == label])
            hits = matches_of_image(truth_of_class, in_pixels(of_class), threshold, AREAS[0])[0]
            expected += [(-score, row, label, hit) for score, hit in zip(of_class[:, 4].tolist(), hits, strict=True)]
    found = detections.match(boxes, threshold)
    rows = zip(-found.scores, found.rows, found.classes, found.are_objects, strict=True)
    assert [*rows] == sorted(expected)
    counts = [[(truth[:, 4] == label).sum() for label in range(CLASSES)] for truth in boxes.objects]
    np.testing.assert_array_equal(found.objects, counts)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, decimals=st.sampled_from([6, 1]))
def test_doubles_are_those_of_a_plain_loop(seed, decimals) -> None:
    _, found = drawn(seed, decimals=decimals)
    before, cleaned = found.copy(), detections.without_doubles(found)
    np.testing.assert_array_equal(found, before)
    for boxes, kept in zip(found, cleaned, strict=True):
        best: list[np.ndarray] = []
        for box in boxes[np.argsort(-boxes[:, 4], kind="stable")]:
            doubled = any(box[5] == other[5] and overlap(box, other) > 0.5 for other in best)
            if box[4] >= 0.05 and not doubled:
                best.append(box)
        np.testing.assert_array_equal(kept[kept[:, 4] > 0], np.reshape(best, (-1, 6)))


def test_a_box_that_a_double_alone_overlaps_is_kept() -> None:
    """The second is a double of the first; the third overlaps with the second, which is gone."""
    lefts, scores = (0.0, 0.05, 0.1), (0.9, 0.8, 0.7)
    row = [[left, 0, left + 0.2, 1, score, 0] for left, score in zip(lefts, scores, strict=True)]
    found = detections.without_doubles(np.array([row]))
    assert found[0, :, 4].tolist() == [0.9, 0, 0.7]


def test_the_recall_at_so_many_false_boxes_is_counted_by_hand() -> None:
    """Four objects in two rows; the boxes are right, wrong, right, wrong, wrong, right by their scores."""
    are_objects = np.array([True, False, True, False, False, True])
    matches = detections.Matches(
        rows=np.array([0, 1, 1, 0, 0, 1]),
        classes=np.zeros(6, int),
        scores=np.linspace(0.9, 0.4, 6),
        are_objects=are_objects,
        objects=np.array([[2], [2]]),
        places=np.array([0, 0, 1, 1, 2, 2]),
    )
    shares = {0: 1 / 4, 0.5: 2 / 4, 1: 2 / 4, 1.5: 3 / 4}
    assert {rate: detections.recall_at(matches, rate) for rate in shares} == shares
    recall, precise = detections.curve(matches, 0)
    np.testing.assert_allclose(recall, [1 / 4, 1 / 4, 2 / 4, 2 / 4, 2 / 4, 3 / 4])
    np.testing.assert_allclose(precise, [1, 1 / 2, 2 / 3, 2 / 4, 2 / 5, 3 / 6])
    recall, precise = detections.curve(matches, 0, np.array([True, False]))
    np.testing.assert_allclose([*recall, *precise], [1 / 2, 1 / 2, 1 / 2, 1, 1 / 2, 1 / 3])


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_the_precision_without_each_row_is_that_of_the_others(seed) -> None:
    objects, found = drawn(seed, rows=6)
    thresholds = detections.THRESHOLDS[[0, 5]]
    values = detections.without_each(of(objects, found), thresholds)
    for row in range(len(objects)):
        rest = of(np.delete(objects, row, axis=0), np.delete(found, row, axis=0))
        matches = [detections.match(rest, threshold) for threshold in thresholds]
        every = np.ones(len(rest.objects), bool)
        alone = [mean([*detections.average_precisions(each, every)]) for each in matches]
        np.testing.assert_allclose(values[row], np.mean(alone), rtol=1e-12)


# Where there is nothing


def nothing(rows: int, places: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return np.full((rows, 2, 5), -1.0), np.zeros((rows, places, 6))


def test_without_an_object_there_is_no_precision() -> None:
    objects, found = nothing(2)
    found[0, 0] = 0.1, 0.1, 0.3, 0.3, 0.9, 1
    values = detections.precision(of(objects, found))
    by_size = detections.precision_by_size(of(objects, found))
    assert np.isnan([values.ap, values.ap50, *values.by_class.flat, *by_size.flat]).all()
    assert np.isnan(detections.recall_at(detections.match(of(objects, found), 0.5), 1))
    assert np.isnan(detections.without_each(of(objects, found), detections.THRESHOLDS)).all()


def test_where_nothing_is_found_the_precision_is_0_for_classes_with_objects() -> None:
    objects, found = nothing(2)
    objects[0, 0] = 0.1, 0.1, 0.3, 0.3, 1
    values = detections.precision(of(objects, found))
    assert values.ap == values.ap50 == 0
    np.testing.assert_array_equal(values.by_class, [[np.nan] * 2, [0, 0], [np.nan] * 2])
    assert detections.recall_at(detections.match(of(objects, found), 0.5), 1) == 0


def test_a_row_without_objects_counts_by_what_is_found_in_it() -> None:
    objects, found = nothing(2)
    objects[0, 0] = 0.1, 0.1, 0.3, 0.3, 0
    found[0, 0] = 0.1, 0.1, 0.3, 0.3, 0.5, 0
    assert detections.precision(of(objects, found)).ap50 == 1
    found[1, 0] = 0.1, 0.1, 0.3, 0.3, 0.9, 0  # a better score for what is not there
    assert detections.precision(of(objects, found)).ap50 == pytest.approx(1 / 2)


def test_an_empty_split_has_no_precision() -> None:
    values = detections.precision(of(*nothing(0)))
    assert np.isnan([values.ap, values.ap50]).all()
