"""python -m batchwise new, of images with boxes: what it says of them, what params.yaml has then, what is refused."""

import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batchwise import __main__ as commands
from batchwise.common.errors import UserError
from batchwise.common.exits import exit_with
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.data.annotated import proposal, voc_files
from tests.annotated import NAMES, photographs, voc, write_coco, write_voc, write_yolo

SIDES = st.integers(1, 5000)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with photographs in the three formats, which `new` runs in."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    made = photographs(20)
    write_voc(tmp_path / "voc", made), write_yolo(tmp_path / "yolo", made), write_coco(tmp_path / "coco", made)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(monkeypatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["batchwise", "new", *words])
    assert commands.typed()() == 0


# {format: (what is typed, the entry of `files`, the plug-in with its options)}
FORMATS = {
    "voc": (("--voc", "voc"), {"cells": "voc"}, {"name": "voc_folder", "folder": "cells"}),
    "coco": (
        ("--coco", "coco/boxes.json", "--images", "coco/images"),
        {"cells": "coco/boxes.json", "cells_images": "coco/images"},
        {"name": "coco_file", "file": "cells", "images": "cells_images"},
    ),
    "yolo": (("--yolo", "yolo"), {"cells": "yolo"}, {"name": "yolo_folder", "folder": "cells"}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_images_become_a_study_that_can_be_made(folder, monkeypatch, capsys, name) -> None:
    typed, files, plugin = FORMATS[name]
    before = Path("params.yaml").read_text("utf-8")
    new(monkeypatch, "cells", *typed)
    said = capsys.readouterr().out
    for words in (
        ": 20 images, 2 classes",
        "images      64×32 in 20 of 20; trained at 64×32",
        f"objects     40 ({NAMES[0]!r} 20, {NAMES[1]!r} 20)",
        "split       4 test and 4 validation images, by chance",
        "dvc repro report@cells",
    ):
        assert words in said
    after = Path("params.yaml").read_text("utf-8")
    assert set(before.splitlines()) <= set(after.splitlines())
    checked = params.load(Path("params.yaml"))
    study = checked.studies["cells"]
    assert checked.files.items() >= files.items()
    rows = {"test_rows": 4, "validation_rows": 4, "seed": 0}
    assert checked.data_sets["cells"] == {**plugin, "height": 32, "width": 64, **rows}
    assert study.model.name == "centernet_small" and study.recipe.task.name == "detection"
    assert study.grid.batch_sizes == [4] and study.budget.epochs == 100 and study.scores_every == "doubling"
    assert f"{3 * 3} runs" in said


def test_what_is_wrong_with_boxes_is_said_and_a_split_is_kept(folder, monkeypatch, capsys) -> None:
    place = folder / "voc/ImageSets/Main"
    place.mkdir(parents=True)
    (place / "train.txt").write_text("".join(f"{row:03}\n" for row in range(15)))
    (place / "test.txt").write_text("".join(f"{row:03}\n" for row in range(15, 19)))
    (folder / "voc/Annotations/003.xml").write_text(voc([("rare", (60, 3, 70, 9))]))
    (folder / "voc/Annotations/016.xml").write_text(voc([("other", (60, 3, 64, 9))]))
    new(monkeypatch, "cells", "--voc", "voc")
    said = capsys.readouterr().out
    assert "split       train 15, test 4; 3 validation images of train, by chance" in said
    assert "warning: 1 box reached beyond its image, and was cut at the edge ('003.xml')" in said
    assert "warning: 1 image is not among those that are listed, and was left out ('019.png')" in said
    assert "1 of 4 classes have no training row ('other')" in said
    entry = params.load(Path("params.yaml")).data_sets["cells"]
    assert "test_rows" not in entry and entry["validation_rows"] == 3


def lose(folder: Path) -> None:
    (folder / "voc/JPEGImages/003.png").unlink()


def cut(folder: Path) -> None:
    (folder / "voc/JPEGImages/003.png").write_bytes(b"no image")


def few(folder: Path) -> None:
    write_voc(folder / "few", photographs(4))


def nothing(folder: Path) -> None:
    """Leave the files as they are."""


@pytest.mark.parametrize(
    ("change", "words", "sentence"),
    [
        (nothing, ["digits", "--voc", "voc"], "'digits' is in the section data_sets of params.yaml already"),
        (nothing, ["Cells!", "--voc", "voc"], "the name 'Cells!' is not allowed; use lower-case"),
        (nothing, ["cells", "--voc", "none"], "none is no folder; give one with images in it"),
        (nothing, ["cells", "--yolo", "voc/Annotations"], "voc/Annotations has no image; put images there"),
        (nothing, ["cells", "--coco", "coco/boxes.json"], "--coco FILE and --images FOLDER go together"),
        (nothing, ["cells", "--voc", "voc", "--images", "voc"], "--coco FILE and --images FOLDER go together"),
        (nothing, ["cells", "--coco", "voc", "--images", "voc"], "voc cannot be read: Is a directory"),
        (nothing, ["cells", "--coco", "none", "--images", "voc"], "none cannot be read: No such file or directory"),
        (nothing, ["cells", "--coco", "voc/JPEGImages/000.png", "--images", "voc"], "000.png is no JSON"),
        (nothing, ["cells", "--voc", "voc", "--target", "x"], "--target is of --csv; leave it out"),
        (nothing, ["cells", "--voc", "voc", "--test-file", "x"], "--test-file is of --csv; leave it out"),
        (nothing, ["cells", "--csv", "x.csv"], "--csv needs --target COLUMN, the column to learn"),
        (nothing, ["cells", "--csv", "x.csv", "--target", "y", "--images", "z"], "--images is of --coco; leave it out"),
        (few, ["cells", "--voc", "few"], "few has 4 images; 5 are needed at least"),
        (lose, ["cells", "--voc", "voc"], "003.xml has no image of its name"),
        (cut, ["cells", "--voc", "voc"], "003.png is no image, or a damaged one"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    folder, monkeypatch, capsys, change, words, sentence
) -> None:
    change(folder)
    before = Path("params.yaml").read_bytes()
    monkeypatch.setattr(sys, "argv", ["batchwise", "new", *words])
    with pytest.raises(SystemExit) as ended:
        exit_with(lambda: commands.typed()())
    out, error = capsys.readouterr()
    assert ended.value.code == 1 and "params.yaml has it now" not in out
    assert error.startswith("error: ") and error.count("\n") == 1 and error.endswith("\n")
    assert re.search(sentence, error), error
    assert Path("params.yaml").read_bytes() == before


def test_the_second_key_of_a_coco_file_must_be_free(folder, monkeypatch) -> None:
    Path("params.yaml").write_text("files: {cells_images: voc}\n")
    monkeypatch.setattr(sys, "argv", ["batchwise", "new", "cells", *FORMATS["coco"][0]])
    with pytest.raises(UserError, match="'cells_images' is in the section files of params"):
        commands.typed()()


@given(st.dictionaries(st.tuples(SIDES, SIDES), st.integers(1, 99), min_size=1, max_size=5))
def test_sides_are_multiples_of_32_up_to_160_and_in_the_ratio_of_most_images(sizes) -> None:
    width, height = proposal.target_size(Counter(sizes))
    assert {width, height} <= {32, 64, 96, 128, 160}
    shapes = Counter()
    for (across, down), count in sizes.items():
        shapes[max(round(across / down, 2), 0.01)] += count
    usual = [shape for shape, count in shapes.items() if count == max(shapes.values())]
    exact = [max(width, height) * min(shape, 1 / shape) for shape in usual]
    assert any(abs(max(short, 32) - min(width, height)) <= 16 + 1e-9 for short in exact)
    assert any((width >= height) == (shape >= 1) or width == height for shape in usual)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((640, 480), (160, 128)), ((480, 640), (128, 160)), ((4000, 3000), (160, 128)), ((1920, 1080), (160, 96)),
     ((100, 100), (96, 96)), ((20, 20), (32, 32)), ((3000, 1), (160, 32)), ((1, 3000), (32, 160))],
)  # fmt: skip
def test_the_size_of_usual_images(size, wanted) -> None:
    assert proposal.target_size(Counter({size: 3, (7, 9): 1})) == wanted


def test_an_image_that_is_turned_has_the_size_as_which_it_is_seen(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = write_voc(tmp_path, photographs(3))
    Image.fromarray(np.zeros((32, 64, 3), "uint8")).save(folder / "JPEGImages/000.png", exif=exif)
    assert proposal.sizes(voc_files.look(folder)) == {(64, 32): 2, (32, 64): 1}


@given(st.integers(1, 10**6))
def test_a_run_sees_about_as_many_images_whatever_the_data(rows) -> None:
    study = proposal.study("cells", rows)
    epochs, sizes = study["budget"]["epochs"], study["grid"]["batch_sizes"]
    assert epochs in (4, 100) or abs(epochs * rows - 3500) <= rows / 2
    assert study["scores_every"] == "doubling"
    assert sizes == [m for m in (4, 16, 64) if m <= rows] or (rows < 4 and sizes == [rows])
    if rows >= 4:
        params.check({"data_sets": {"cells": {"name": "bccd"}}, "studies": {"cells": study}})
