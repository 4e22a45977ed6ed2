"""Labels that are boxes: what is refused, how rows are drawn and dealt, and what is saved is read back."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.data import boxes, folds, preparation, prepared
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.subset import subset

NAMES = ("cell", "<script>alert(1)</script>")
CODE = {"batchwise/datasets/small.py": "1" * 64}
BOX = [0.25, 0.5, 0.75, 1.0, 0]


def rows_of_boxes(rows: int = 6, seed: int = 0) -> Split:
    """Return images, each with one to three objects of both classes."""
    random = np.random.default_rng(seed)
    labels = np.full((rows, 3, 5), -1.0, "float32")
    for row in range(rows):
        for place in range(1 + row % 3):
            labels[row, place] = [*BOX[:4], (row + place) % 2]
    return Split(random.integers(256, size=(rows, 8, 8, 3)).astype("uint8"), labels)


def data_set(train: Split | None = None, validation: Split | None = None, **options) -> DataSet:
    statistics = np.full(3, 100, "float32"), np.full(3, 50, "float32")
    parts = train or rows_of_boxes(), validation or rows_of_boxes(2, 1), rows_of_boxes(3, 2)
    return DataSet(Description("made up", "detection", "here", "CC0"), NAMES, *parts, *statistics, **options)


def labelled(labels: object) -> Split:
    return replace(rows_of_boxes(), labels=labels)


def changed(place: int, value: float) -> Split:
    part = rows_of_boxes()
    part.labels[4, 1, place] = value
    return part


# {what is wrong: (the training rows, what is said)}
WRONG: dict[str, tuple[Callable[[], Split], str]] = {
    "classes": (
        lambda: labelled(np.arange(6)),
        "train labels are int64 of the shape [6], such as 0; an array [rows, K, 5] of floats is expected: left, top,",
    ),
    "whole numbers": (
        lambda: labelled(rows_of_boxes().labels.astype(int)),
        "train labels are int64 of the shape [6, 3, 5]",
    ),
    "no class": (lambda: labelled(rows_of_boxes().labels[..., :4]), "train labels are float32 of the shape [6, 3, 4]"),
    "a list of boxes": (lambda: labelled([[BOX]] * 6), "train labels are a list"),
    "too few rows": (
        lambda: labelled(rows_of_boxes(5).labels),
        "train labels are 5 for 6 rows of inputs; one for each row",
    ),
    "no room": (lambda: labelled(rows_of_boxes().labels[:, :0]), "train labels have room for no object; an array"),
    "no object": (
        lambda: labelled(np.full((6, 3, 5), -1, "float32")),
        "train labels have no object in any row; there is nothing to learn",
    ),
    "beyond the image": (
        lambda: changed(2, 1.5),
        "train labels: [0.25, 0.5, 1.5, 1.0, 1.0] in row 4, and 1 such objects; left < right and top < bottom, from 0 "
        "to 1, are expected",
    ),
    "pixels": (
        lambda: labelled(rows_of_boxes().labels * 640),
        "train labels: [160.0, 320.0, 480.0, 640.0, 0.0] in row 0",
    ),
    "no area": (lambda: changed(2, 0.25), "train labels: [0.25, 0.5, 0.25, 1.0, 1.0] in row 4"),
    "sides exchanged": (lambda: changed(0, 0.875), "train labels: [0.875, 0.5, 0.75, 1.0, 1.0] in row 4"),
    "no number": (lambda: changed(1, np.nan), "train labels: [0.25, nan, 0.75, 1.0, 1.0] in row 4"),
    "infinite": (lambda: changed(3, np.inf), "train labels: [0.25, 0.5, 0.75, inf, 1.0] in row 4"),
    "no class of a box": (
        lambda: changed(4, -1),
        "in row 4, and 1 such objects; the last number is a class from 0 to 1",
    ),
    "another class": (lambda: changed(4, 2), "train labels: [0.25, 0.5, 0.75, 1.0, 2.0] in row 4"),
    "half a class": (lambda: changed(4, 0.5), "the last number is a class from 0 to 1"),
}


@pytest.mark.parametrize(("train", "said"), WRONG.values(), ids=WRONG)
def test_wrong_labels_are_refused(train, said) -> None:
    with pytest.raises(UserError) as error:
        data_set(train())
    assert said in str(error.value) and "\n" not in str(error.value)


def test_all_parts_have_room_for_as_many_objects() -> None:
    with pytest.raises(UserError) as error:
        data_set(validation=replace(rows_of_boxes(2), labels=rows_of_boxes(2).labels[:, :2]))
    assert str(error.value) == (
        "validation labels have room for 2 objects a row, those of train for 3; all parts must have the same: fill up "
        "with −1"
    )


def test_rows_and_parts_without_an_object_and_one_class_are_allowed() -> None:
    part = rows_of_boxes(4)
    part.labels[1:] = -1
    part.labels[0, :, 4] = np.minimum(part.labels[0, :, 4], 0)
    empty = replace(part, inputs=part.inputs[1:], labels=part.labels[1:])
    found = replace(data_set(part, empty), class_names=("cell",), test=empty)
    assert prepared.class_counts(found, found.validation.labels) == [0]
    assert found.rows == {"train": 4, "validation": 3, "test": 3}


def test_objects_of_a_class_are_counted_and_a_class_without_any_is_told() -> None:
    data = data_set()
    counts = {name: [0, 0] for name in ("train", "validation", "test")}
    for name, of_part in counts.items():
        for label in getattr(data, name).labels[..., 4].ravel():
            if label >= 0:
                of_part[int(label)] += 1
    about = prepared.manifest(data, {})
    assert about["class_counts"] == counts and about["labels"] == "boxes" and about["target_range"] == []
    assert not [text for text in preparation.warnings(data) if "class" in text]
    more = replace(data, class_names=(*NAMES, "platelet"))
    [warning] = [text for text in preparation.warnings(more) if "class" in text]
    assert warning == "1 of 3 classes have no training row ('platelet'): no run can learn them"


def test_what_is_saved_is_read_back(tmp_path) -> None:
    data = data_set(notes=("1 box was cut (a.xml)",))
    prepared.save(data, tmp_path, "small", {}, CODE)
    back = prepared.load(tmp_path, "small")
    assert (back.description, back.class_names, back.notes, back.sha256) == (
        data.description,
        data.class_names,
        data.notes,
        data.sha256,
    )
    for key, array in data.arrays.items():
        np.testing.assert_array_equal(back.arrays[key], array)
        assert back.arrays[key].dtype == array.dtype
    assert back.notes[0] in preparation.warnings(back)


def test_a_streamed_data_set_keeps_its_boxes_in_memory(tmp_path) -> None:
    """They are small beside the images, which are read from disk."""
    data, options = data_set(), {"streamed": True}
    prepared.save(data, tmp_path, "small", options, CODE)
    back = prepared.load(tmp_path, "small")
    assert back.is_streamed and back.sha256 == data.sha256
    np.testing.assert_array_equal(back.train.labels, data.train.labels)
    np.testing.assert_array_equal(back.train.inputs.take(np.arange(6)), data.train.inputs)


def test_rows_are_drawn_with_their_boxes_whatever_their_classes() -> None:
    data = data_set()
    some = subset(data, train_rows=2, validation_rows=0, test_rows=1, seed=0)
    assert some.rows == {"train": 2, "validation": 0, "test": 1}
    images = [image.tobytes() for image in data.train.inputs]
    for image, labels in zip(some.train.inputs, some.train.labels, strict=True):
        np.testing.assert_array_equal(labels, data.train.labels[images.index(image.tobytes())])


def test_rows_are_dealt_to_folds_with_their_boxes() -> None:
    data = data_set()
    dealt = folds.deal(data, 3, data)
    tested = [folds.of_seed(dealt, seed).test for seed in range(3)]
    before = {
        image.tobytes(): labels.tobytes()
        for part in (data.train, data.validation, data.test)
        for image, labels in zip(part.inputs, part.labels, strict=True)
    }
    pairs = [pair for part in tested for pair in zip(part.inputs, part.labels, strict=True)]
    assert len({image.tobytes() for image, _ in pairs}) == len(pairs) == 9
    assert all(before[image.tobytes()] == labels.tobytes() for image, labels in pairs)


def test_labels_say_of_themselves_what_they_are() -> None:
    labels = data_set().task.labels
    assert labels.are_boxes and not labels.are_integers and not labels.are_tokens
    assert boxes.of_classes(np.full((2, 3, 5), -1.0), 2) == [0, 0]
