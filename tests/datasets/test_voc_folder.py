"""Images with boxes in the format of Pascal VOC: read as they were made, split as lists say; mistakes are told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import large_arrays
from batchwise.data.dataset import DataSet
from tests.annotated import NAMES, SHAPE, SIZE, mark, photographs, turned, voc, write_voc

ROWS = {"test_rows": 3, "validation_rows": 2}


def prepare(folder: Path, **options: object) -> DataSet:
    return plugins.load("datasets", "voc_folder").prepare(folder=folder, **{**SHAPE, **options})


def by_image(*parts) -> dict[bytes, list[list[float]]]:
    """Return {an image's bytes: the sides of its boxes and their classes, sorted} of all parts."""
    return {
        pixels.tobytes(): sorted(label.tolist() for label in labels if label[4] >= 0)
        for part in parts
        for pixels, labels in zip(part.inputs, part.labels, strict=True)
    }


def wanted(made) -> dict[bytes, list[list[float]]]:
    width, height = SIZE
    return {
        each.pixels.tobytes(): sorted(
            [left / width, top / height, right / width, bottom / height, NAMES.index(name)]
            for name, (left, top, right, bottom) in each.boxes
        )
        for each in made
    }


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_voc(tmp_path / "cells", photographs())


def lists(folder: Path, **parts: range) -> None:
    """Write lists of photographs, {part: the numbers of them}, into ImageSets/Main, and another that is not read."""
    place = folder / "ImageSets/Main"
    place.mkdir(parents=True, exist_ok=True)
    for part, rows in parts.items():
        (place / f"{part}.txt").write_text("".join(f"{row:03}\n" for row in rows))
    (place / "cell_train.txt").write_text("000  1\n")


def test_each_image_keeps_its_boxes_in_whichever_part_it_is(folder) -> None:
    data = prepare(folder, **ROWS)
    assert data.rows == {"train": 5, "validation": 2, "test": 3} and not data.notes
    assert by_image(data.train, data.validation, data.test) == wanted(photographs())
    assert (data.class_names, data.description.task) == (NAMES, "detection")
    assert prepare(folder, **ROWS, seed=1).sha256 != data.sha256 == prepare(folder, **ROWS).sha256


def test_files_beside_their_images_are_those_in_folders_of_their_own(folder, tmp_path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (*folder.glob("*/*.xml"), *folder.glob("*/*.png")):
        shutil.copy(path, flat)
    (flat / ".hidden").touch(), (flat / "Thumbs.db").touch()
    assert prepare(flat, **ROWS).sha256 == prepare(folder, **ROWS).sha256


@pytest.mark.parametrize("validation", [range(0), range(5, 7)])
def test_the_split_of_image_sets_is_kept_and_an_image_in_no_list_is_noted(folder, validation) -> None:
    given = {"train": range(5), "test": range(7, 9)} | ({"val": validation} if validation else {})
    lists(folder, **given)
    data = prepare(folder, validation_rows=0 if validation else 2)
    made = photographs()
    assert by_image(data.test) == wanted(made[7:9])
    assert by_image(data.train, data.validation) == wanted(made[: 7 if validation else 5])
    assert data.rows["validation"] == 2 and (not validation or by_image(data.validation) == wanted(made[5:7]))
    (note,) = data.notes
    unlisted = 1 if validation else 3
    assert note.startswith(f"{unlisted} image") and "not among those that are listed" in note


def test_test_rows_are_drawn_of_all_images_whatever_their_split(folder) -> None:
    drawn = prepare(folder, **ROWS)
    lists(folder, train=range(5), test=range(7, 9))
    assert prepare(folder, **ROWS).sha256 == drawn.sha256


def test_folders_train_val_and_test_are_a_split_too(tmp_path) -> None:
    made = photographs()
    for part, rows in {"train": made[:6], "valid": made[6:8], "test": made[8:]}.items():
        write_voc(tmp_path / "cells" / part, rows)
    data = prepare(tmp_path / "cells")
    assert [by_image(part) for part in (data.train, data.validation, data.test)] == [
        wanted(made[:6]),
        wanted(made[6:8]),
        wanted(made[8:]),
    ]


def test_a_streamed_folder_has_the_same_images_and_boxes(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with large_arrays.streamed(True):
        data = prepare(folder, **ROWS)
    assert large_arrays.is_on_disk(data.train.inputs) and data.sha256 == prepare(folder, **ROWS).sha256


def test_an_image_without_a_file_counts_as_one_without_an_object(folder) -> None:
    (folder / "Annotations/003.xml").unlink()
    (folder / "notes.pdf").touch()
    data = prepare(folder, **ROWS)
    assert sum(data.rows.values()) == 10
    assert data.notes == (
        "1 image has no object ('003.png')",
        "1 image has no file of boxes, and counts as one without an object ('003.png')",
        "1 file is neither an image nor a file of boxes, and was left out ('notes.pdf')",
    )


def test_an_image_of_another_name_is_that_which_the_file_tells(folder) -> None:
    (folder / "Annotations/003.xml").rename(folder / "Annotations/other.xml")
    assert by_image(*(getattr(prepare(folder, **ROWS), part) for part in ("train", "validation", "test"))) == wanted(
        photographs()
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["seen", "stored"])
def test_a_marked_pixel_stays_in_its_box_of_the_stored_or_of_the_seen_image(folder, orientation, frame) -> None:
    """Where the image is as wide as high, or is turned by half, it is that of the seen one, and a note says so."""
    image, exif = turned(orientation)
    image.save(folder / "JPEGImages/000.png", exif=exif)
    is_told = orientation >= 5 or orientation == 1
    box = mark(np.asarray(image)) if frame == "stored" and is_told else (40, 4, 60, 9)
    size = image.size if frame == "stored" else SIZE
    (folder / "Annotations/000.xml").write_text(voc([("cell", box), ("cell", box)], size))
    lists(folder, train=range(1, 9), test=range(1))
    data = prepare(folder)
    (found, *rest), width, height = data.test.labels[0], *SIZE
    np.testing.assert_allclose(found[:4] * [width, height, width, height], mark(data.test.inputs[0]), rtol=1e-6)
    assert (np.array(rest) == -1).all() and any("nothing says" in note for note in data.notes) == (not is_told)
    assert any("boxes turned with" in note for note in data.notes) == (frame == "stored" and orientation >= 5)


def edit(change: Callable[[str], str]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        path = folder / "Annotations/002.xml"
        path.write_text(change(path.read_text()))

    return changed


def of_image(name: str) -> Callable[[Path], None]:
    """Return what lets a file tell another image."""
    return edit(lambda text: text.replace("<filename>002.png", f"<filename>{name}"))


def lost(folder: Path) -> None:
    (folder / "JPEGImages/002.png").unlink()


def cut(folder: Path) -> None:
    path = folder / "JPEGImages/002.png"
    path.write_bytes(path.read_bytes()[:300])


def no_boxes(folder: Path) -> None:
    for path in (folder / "Annotations").iterdir():
        path.write_text(voc([]))


# {what is wrong: (what makes it so, options, words)}
WRONG = {
    "no XML": (edit(lambda text: text[:50]), ROWS, "002.xml is no XML with boxes"),
    "a lost image": (lost, ROWS, "002.xml has no image of its name, nor one of the name '002.png', which it says; put"),
    "a cut image": (cut, ROWS, "002.png is no image, or a damaged one; mend it, or take it out"),
    "a path upwards": (
        of_image("../../x.png"),
        ROWS,
        "002.xml names the image '../../x.png', a path out of the folder",
    ),
    "an absolute path": (of_image("/etc/x.png"), ROWS, "names the image '/etc/x.png', a path out of the folder; write"),
    "a path of Windows": (
        of_image("C:\\x.png"),
        ROWS,
        "names the image 'C:\\\\x.png', a path out of the folder; write",
    ),
    "a path upwards of Windows": (of_image("..\\x.png"), ROWS, "'..\\\\x.png', a path out of the folder"),
    "two files of an image": (
        lambda at: (at / "Annotations/other.xml").write_text(voc([], image="002.png")),
        ROWS,
        "other.xml and",
    ),
    "two images of a name": (
        lambda at: Image.new("RGB", (4, 4)).save(at / "JPEGImages/002.jpg"),
        ROWS,
        "002.jpg have the same name, '002'; rename one of them",
    ),
    "no box": (no_boxes, ROWS, "cells has no box of an object; XML files with an <object> for each are expected"),
    "a huge file": (edit(lambda text: text + " " * 2**22), ROWS, "002.xml has 4,194,"),
    "no image": (
        lambda at: shutil.rmtree(at / "JPEGImages"),
        ROWS,
        "cells has no image; put images there, of these endings: .bmp, .gif",
    ),
    "no folder": (lambda at: shutil.rmtree(at), ROWS, "cells is no folder; give one with images in it"),
    "no test": (lambda at: None, {}, "test_rows is 0, and "),
    "too many rows": (lambda at: None, {"test_rows": 9, "validation_rows": 1}, "leave none of 10 rows"),
    "a list without a test": (
        lambda at: lists(at, train=range(5), val=range(5, 8)),
        {},
        "has a split of its own, train, validation; train and test are needed: rename a part, or give test_rows",
    ),
    "validation rows beside a list": (
        lambda at: lists(at, train=range(5), val=range(5, 8), test=range(8, 10)),
        {"validation_rows": 2},
        "validation_rows is 2; leave it out, for ",
    ),
    "a list with an image that is not there": (
        lambda at: lists(at, train=range(5), test=range(8, 12)),
        {},
        "test.txt has '010', and there is no image of that name; names have no ending there",
    ),
    "an image in two lists": (
        lambda at: lists(at, train=range(5), test=range(4, 10)),
        {},
        "test.txt has '004', which is in train.txt already",
    ),
    "an empty list": (lambda at: lists(at, train=range(5), test=range(0)), {}, "test.txt names no image; write one on"),
    "too many bytes": (lambda at: None, {**ROWS, "height": 10**5, "width": 10**5}, "GB are allowed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_sentence(folder, name) -> None:
    change, options, words = WRONG[name]
    change(folder)
    with pytest.raises(UserError) as told:
        prepare(folder, **options)
    assert words in str(told.value) and str(told.value).isprintable() and len(str(told.value)) < 600
