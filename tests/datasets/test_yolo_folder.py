"""Images with boxes in the format of YOLO: read as they are in the others, split by folders; mistakes are told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet
from tests.annotated import (
    NAMES,
    SHAPE,
    SIZE,
    mark,
    photographs,
    turned,
    write_coco,
    write_images,
    write_voc,
    write_yolo,
)

ROWS = {"test_rows": 3, "validation_rows": 2}


def prepare(folder: Path, **options: object) -> DataSet:
    return plugins.load("datasets", "yolo_folder").prepare(folder=folder, **{**SHAPE, **options})


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_yolo(tmp_path / "cells", photographs())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_photographs_in_three_formats_give_the_same_arrays(folder, tmp_path, channels) -> None:
    options = {**SHAPE, **ROWS, "channels": channels, "seed": 3}
    file, images = write_coco(tmp_path / "coco", photographs())
    sums = {
        plugins.load("datasets", plugin).prepare(**given, **options).sha256
        for plugin, given in {
            "yolo_folder": {"folder": folder},
            "voc_folder": {"folder": write_voc(tmp_path / "voc", photographs())},
            "coco_file": {"file": file, "images": images},
        }.items()
    }
    assert len(sums) == 1


def laid_out(place: str) -> Callable[[Path], None]:
    """Return what lays photographs out in parts, `images/train` say, as programs export them."""

    def made(folder: Path) -> None:
        parts = {"train": photographs()[:6], "val": photographs()[6:8], "test": photographs()[8:]}
        for part, of_part in parts.items():
            images, labels = (folder / place.format(kind=kind, part=part) for kind in ("images", "labels"))
            write_images(images, of_part)
            labels.mkdir(parents=True, exist_ok=True)
            for each in of_part:
                shutil.copy(folder.parent / "cells/labels" / f"{each.name}.txt", labels)
        (folder / "data.yaml").write_text("path: ../cells\nnames:\n  1: plate\n  0: cell\nnc: 2\n")
        (folder / "README.dataset.txt").write_text("exported")

    return made


@pytest.mark.parametrize("place", ["{kind}/{part}", "{part}/{kind}", "{part}"])
def test_images_in_folders_of_parts_have_that_split(folder, tmp_path, place) -> None:
    laid_out(place)(tmp_path / "split")
    data, whole = prepare(tmp_path / "split"), prepare(folder, test_rows=3)
    assert data.rows == {"train": 6, "validation": 2, "test": 2} and data.class_names == NAMES and not data.notes
    made = [each.pixels for each in photographs()]
    np.testing.assert_array_equal(data.train.inputs, made[:6])
    np.testing.assert_array_equal(data.test.inputs, made[8:])
    drawn = prepare(tmp_path / "split", test_rows=3)
    assert {each.tobytes() for each in drawn.test.inputs} <= {each.tobytes() for each in np.array(made)}
    assert drawn.rows == whole.rows == {"train": 7, "validation": 0, "test": 3}


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("classes.txt", "ants\n\nwhite  bees\n", ("ants", "white  bees")),
        ("labels/classes.txt", "ants\nbees", ("ants", "bees")),
        ("data.yaml", "names: [ants, 2]", ("ants", "2")),
        ("other.yml", "{names: {0: ants, 1: bees}, nc: 2}", ("ants", "bees")),
        ("other.yml", "nc: 2", ("0", "1")),
        ("readme.txt", "no boxes", ("0", "1")),
    ],
)
def test_classes_have_the_names_that_a_file_tells_or_their_numbers(folder, file, text, names) -> None:
    (folder / "classes.txt").unlink()
    (folder / file).write_text(text)
    assert prepare(folder, **ROWS).class_names == names


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_marked_pixel_stays_in_its_box_of_the_image_as_it_is_seen(folder, orientation) -> None:
    image, exif = turned(orientation)
    image.save(folder / "images/000.png", exif=exif)
    (folder / "labels/000.txt").write_text(f"0 {50 / 64} {6.5 / 32} {20 / 64} {5 / 32}\n")
    (folder / "labels/001.txt").write_text("")
    data = prepare(folder, test_rows=9)
    parts = (data.train, data.test)
    inputs, labels = (np.concatenate([getattr(part, key) for part in parts]) for key in ("inputs", "labels"))
    (row,) = np.flatnonzero((inputs.reshape(10, -1) % 255 == 0).all(axis=1))
    width, height = SIZE
    np.testing.assert_allclose(labels[row, 0, :4] * [width, height, width, height], mark(inputs[row]), rtol=1e-6)
    assert "1 image has no object ('001.txt')" in data.notes
    assert any("nothing says" in note for note in data.notes) == (orientation > 1)


EXPECTED = "`class cx cy width height` is expected, the last four as fractions of the image"


def line(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "labels/002.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{text}\n")


# {what is wrong: (what makes it so, options, words)}
WRONG = {
    "a confidence": (
        line("0 0.5 0.5 0.1 0.1 0.9"),
        f"has 6 numbers, a confidence among them, perhaps: leave it out; {EXPECTED}",
    ),
    "a polygon": (line("0 0.1 0.1 0.9 0.1 0.9 0.9"), f"has 7 numbers, a polygon, perhaps; {EXPECTED}"),
    "too few": (line("0 0.5 0.5"), f"002.txt: '0 0.5 0.5' has 3 numbers; {EXPECTED}"),
    "no numbers": (line("0 0.5 0.5 0.1 x"), f"002.txt: '0 0.5 0.5 0.1 x' are no five numbers; {EXPECTED}"),
    "not finite": (line("0 0.5 nan 0.1 0.1"), "002.txt: '0 0.5 nan 0.1 0.1' has a number that is no fraction"),
    "pixels": (line("0 320 240 100 50"), f"has a number that is no fraction; {EXPECTED}, and not in pixels"),
    "a class with a fraction": (line("0.5 0.5 0.5 0.1 0.1"), "002.txt: '0.5' is no class; a number from 0 to 9,999 is"),
    "a negative class": (line("-1 0.5 0.5 0.1 0.1"), "002.txt: '-1' is no class; a number from 0 to 9,999"),
    "a class without a name": (
        line("2 0.5 0.5 0.1 0.1"),
        "002.txt has the class 2; there are names of 2 classes, from 0",
    ),
    "no text": (
        lambda at: (at / "labels/002.txt").write_bytes(b"0 \xff"),
        "002.txt is no text in UTF-8 (invalid start",
    ),
    "a huge file": (
        lambda at: (at / "labels/002.txt").write_bytes(bytes(2**23)),
        "002.txt has 8,388,608 bytes; at most",
    ),
    "a lost image": (lambda at: (at / "images/002.png").unlink(), "002.txt has no image of its name; put the image"),
    "an image that is none": (lambda at: (at / "images/002.png").write_text("x"), "002.png is no image, or a damaged"),
    "other names": (
        lambda at: (at / "data.yaml").write_text("names: [a, b]"),
        "other names of classes in classes.txt than in data.yaml",
    ),
    "names that are none": (
        lambda at: (at / "data.yaml").write_text("names: {0: a, 2: b}"),
        "data.yaml: names is {0: 'a', 2: 'b'}; a list of",
    ),
    "names that run": (
        lambda at: (at / "data.yaml").write_text("names: !!python/name:os.system"),
        "data.yaml, line 1: the tag",
    ),
    "no line": (
        lambda at: ((at / "classes.txt").unlink(), [path.write_text("") for path in (at / "labels").iterdir()]),
        f"cells has no box of an object; text files with a line for each are expected: {EXPECTED}",
    ),
    "a name that is there twice": (lambda at: (at / "classes.txt").write_text("a\na"), "'a' 2 times"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_sentence(folder, name) -> None:
    change, words = WRONG[name]
    change(folder)
    with pytest.raises(UserError) as told:
        prepare(folder, **ROWS)
    assert words in str(told.value) and str(told.value).isprintable() and len(str(told.value)) < 400
