"""Images with boxes in the format of COCO: read as they were made; what is wrong in the file is told with its value."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet
from tests.annotated import NAMES, SHAPE, SIZE, coco, mark, photographs, turned, write_coco
from tests.damage import damaged

Change = Callable[[dict[str, Any]], object]
Given = tuple[Path, Path]


def prepare(given: Given, **options: object) -> DataSet:
    rows = {"test_rows": 3, "validation_rows": 2}
    return plugins.load("datasets", "coco_file").prepare(file=given[0], images=given[1], **{**SHAPE, **rows, **options})


@pytest.fixture
def files(tmp_path) -> Given:
    return write_coco(tmp_path / "cells", photographs())


def edit(files: Given, change: Change) -> None:
    content = json.loads(files[0].read_text())
    change(content)
    files[0].write_text(json.dumps(content))


def test_classes_are_in_the_order_of_their_numbers(files) -> None:
    data = prepare(files)
    assert data.class_names == NAMES and data.rows == {"train": 5, "validation": 2, "test": 3} and not data.notes
    labels = np.concatenate([data.train.labels, data.validation.labels, data.test.labels])
    assert labels.shape == (10, 2, 5) and labels[..., 4].sum(axis=1).tolist() == [1] * 10
    width = labels[..., 2] - labels[..., 0]
    np.testing.assert_array_equal(np.where(labels[..., 4] == 1, 20, 5) / SIZE[0], width)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_order_of_entries_does_not_matter(files, reverse) -> None:
    before = prepare(files).sha256
    edit(files, lambda content: [content[key].reverse() for key in ("images", "categories")] if reverse else None)
    assert prepare(files).sha256 == before


def test_crowds_and_images_that_are_not_listed_are_left_out_and_said(files) -> None:
    def change(content: dict[str, Any]) -> None:
        """Take out the first image with its two boxes, and make of the first of the next a crowd."""
        del content["images"][0], content["annotations"][:2]
        content["annotations"][0]["iscrowd"] = 1

    edit(files, change)
    (files[1] / "notes.txt").touch()
    data = prepare(files)
    assert sum(data.rows.values()) == 9
    assert data.notes == (
        "1 image is not among those that are listed, and was left out ('000.png')",
        "1 file is neither an image nor a file of boxes, and was left out ('notes.txt')",
        "1 box is around a crowd, and was left out ('001.png')",
    )


def test_images_in_folders_and_a_file_beside_them_are_found(tmp_path) -> None:
    _, folder = write_coco(tmp_path, photographs())
    (folder / "inner").mkdir()
    (folder / "000.png").rename(folder / "inner/000.png")
    first, *others = photographs()
    names = {"inner\\000.png": first.boxes} | {f"./{each.name}.png": each.boxes for each in others}
    (folder / "boxes.json").write_text(json.dumps(coco(names)))
    assert not prepare((folder / "boxes.json", folder)).notes


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["seen", "stored"])
def test_a_marked_pixel_stays_in_its_box_of_the_stored_or_of_the_seen_image(tmp_path, orientation, frame) -> None:
    image, exif = turned(orientation)
    (tmp_path / "images").mkdir()
    for row in range(2):
        image.save(tmp_path / f"images/{row}.png", exif=exif)
    is_stored = frame == "stored" and orientation >= 5
    box = mark(np.asarray(image)) if is_stored else (40, 4, 60, 9)
    names = {f"{row}.png": [("plate", box)] for row in range(2)}
    (tmp_path / "boxes.json").write_text(json.dumps(coco(names, image.size if frame == "stored" else SIZE)))
    data = prepare((tmp_path / "boxes.json", tmp_path / "images"), test_rows=1, validation_rows=0)
    width, height = SIZE
    found = data.test.labels[0, 0, :4] * [width, height, width, height]
    np.testing.assert_allclose(found, mark(data.test.inputs[0]), rtol=1e-6)
    assert any("boxes turned with" in note for note in data.notes) == is_stored


def of(key: str, **changes: Any) -> Change:
    """Return what changes the second entry of a list; None takes a key out."""

    def change(content: dict[str, Any]) -> None:
        for name, value in changes.items():
            content[key][1][name] = value
            if value is None:
                del content[key][1][name]

    return change


# {what is wrong: (what makes it so, words)}
WRONG: dict[str, tuple[Change, str]] = {
    "an unknown class": (of("annotations", category_id=9), "category_id is 9, which is not listed; add its entry, or"),
    "an unknown image": (of("annotations", image_id=9), "image_id is 9, which is not listed; add its entry, or take"),
    "no class": (of("annotations", category_id=None), "category_id in annotations is None; a whole number is expected"),
    "a class that is text": (of("annotations", category_id="cell"), "category_id in annotations is 'cell'; a whole"),
    "an image that is true": (of("annotations", image_id=True), "image_id in annotations is True; a whole number"),
    "a number with a fraction": (of("categories", id=7.5), "id in categories is 7.5; a whole number is expected"),
    "a number of hundreds of digits": (of("categories", id=10**400), "id in categories is 1000000"),
    "a class twice": (of("categories", id=30), "categories has the id 30 twice; each needs one of its own"),
    "an image twice": (of("images", id=100), "images has the id 100 twice; each needs one of its own"),
    "a file twice": (of("images", file_name="000.png"), "the images 100 and 101 have the same file_name, '000.png'"),
    "a lost image": (of("images", file_name="lost.png"), "the image 'lost.png' is not in "),
    "a path upwards": (of("images", file_name="../../x"), "names the image '../../x', a path out of the folder; write"),
    "an absolute path": (of("images", file_name="/etc/x"), "names the image '/etc/x', a path out of the folder; write"),
    "no path": (of("images", file_name="."), "names the image '.', a path out of the folder"),
    "a path with a line break": (of("images", file_name="a\nb.png"), r"the image 'a\nb.png' is not in "),
    "no name of a file": (of("images", file_name=3), "file_name is 3; a text is expected"),
    "a width that is none": (of("images", width="64"), "an image has the width '64' and the height 32; pixels are"),
    "a width of nothing": (of("images", width=0), "an image has the width 0 and the height 32; pixels are expected"),
    "no name of a class": (of("categories", name=""), "name is ''; a text is expected"),
    "a name twice": (of("categories", name="plate"), "class_names has 'plate' 2 times; each class needs a name"),
    "three sides": (of("annotations", bbox=[1, 2, 3]), "bbox is [1, 2, 3]; [left, top, width, height] in pixels is"),
    "sides that are texts": (of("annotations", bbox=["1", 2, 3, 4]), "bbox is ['1', 2, 3, 4]; [left, top, width,"),
    "a side that is no number": (
        of("annotations", bbox=[1, 2, float("nan"), 4]),
        "bbox is [1, 2, nan, 4]; [left, top,",
    ),
    "no box": (of("annotations", bbox=None), "bbox is None; [left, top, width, height] in pixels is expected"),
    "no list": (lambda content: content.update(images={}), "is not in the format of COCO: a mapping with the lists"),
    "nothing": (lambda content: content.clear(), "is not in the format of COCO: a mapping with the lists images, anno"),
    "no entry": (lambda content: content["images"].append(3), "images has 3; a mapping is expected for each"),
    "no image": (lambda content: content.update(images=[]), "images is empty; one entry is needed at least"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_sentence(files, name) -> None:
    change, words = WRONG[name]
    edit(files, change)
    with pytest.raises(UserError) as told:
        prepare(files)
    assert words in str(told.value) and str(told.value).isprintable() and len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no JSON (Expecting value"),
        (b"\xff{", "is no JSON ('utf-8' codec"),
        (b"[" * 10**5, "is no JSON (maxim"),
    ],
)
def test_a_file_that_is_no_json_is_told(files, content, words) -> None:
    files[0].write_bytes(content)
    with pytest.raises(UserError) as told:
        prepare(files)
    assert words in str(told.value) and str(told.value).isprintable()


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_damaged_file_is_read_or_told(tmp_path, data) -> None:
    """Of images of a pixel."""
    content = json.dumps(coco({f"{row}.png": [("cell", (0, 0, 1, 1))] for row in range(3)}, (1, 1))).encode()
    for row in range(3):
        Image.new("RGB", (1, 1)).save(tmp_path / f"{row}.png")
    file = tmp_path / "boxes.json"
    file.write_bytes(data.draw(damaged(content)))
    try:
        assert sum(prepare((file, tmp_path), test_rows=1, validation_rows=0).rows.values()) <= 3
    except UserError as error:
        assert str(error).isprintable() and len(str(error)) < 600
