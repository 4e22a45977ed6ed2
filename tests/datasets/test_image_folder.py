"""Images of a folder: of each kind their colours are those that were painted; what is no image is named."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import images, large_arrays, prepared
from batchwise.data.dataset import DataSet
from tests.damage import damaged

SHAPE = {"height": 6, "width": 8}
ROWS = {"test_rows": 4, "validation_rows": 4}
RED, GREY, WHITE = (200, 30, 40), 90, (255, 255, 255)


def prepare(folder: Path, **options: object) -> DataSet:
    return plugins.load("datasets", "image_folder").prepare(folder=folder, **{**SHAPE, **ROWS, **options})


def painted(value: int, size: tuple[int, int] = (12, 9)) -> Image.Image:
    return Image.new("RGB", size, (value, 255 - value, 7))


def fill(folder: Path, *, rows: int = 6, first: int = 0) -> Path:
    """Make two folders of images, each of another colour, which its name says too."""
    for number, name in enumerate(("ants", "bees")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for row in range(rows):
            painted(first + 100 * number + row).save(folder / name / f"{row}.png")
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    return fill(tmp_path / "cells")


def values(part) -> dict[int, int]:
    """Return {the red of an image, which is its name: its label}; an image must have the same colour everywhere."""
    assert all((image == image[0, 0]).all() for image in part.inputs)
    return dict(zip(part.inputs[:, 0, 0, 0].tolist(), part.labels.tolist(), strict=True))


def test_images_are_resized_and_labelled_by_their_folder(folder) -> None:
    data = prepare(folder)
    assert data.class_names == ("ants", "bees") and data.description.task == "binary_classification"
    assert data.train.inputs.shape == (4, 6, 8, 3) and data.train.inputs.dtype == np.uint8
    assert data.rows == {"train": 4, "validation": 4, "test": 4}
    found = values(data.train) | values(data.validation) | values(data.test)
    assert found == {100 * label + row: label for label in range(2) for row in range(6)}
    np.testing.assert_allclose(data.mean, data.train.inputs.mean((0, 1, 2)), rtol=1e-6)


def test_a_streamed_folder_has_the_same_images(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plugins.load("datasets", "image_folder"), "MAX_BYTES", 100)
    with pytest.raises(UserError, match=r"12 images of 6×8×3 bytes are more than 100; .* or write `streamed: true`"):
        prepare(folder)
    with large_arrays.streamed(True):
        data = prepare(folder)
    assert all(large_arrays.is_on_disk(part.inputs) for part in (data.train, data.validation, data.test))
    prepared.save(data, tmp_path, "stored", {"streamed": True})
    back = prepared.load(tmp_path, "stored")
    monkeypatch.undo()
    assert back.is_streamed and back.sha256 == data.sha256 == prepare(folder).sha256


def test_the_order_of_the_file_system_and_what_systems_leave_behind_do_not_matter(folder, tmp_path) -> None:
    other = tmp_path / "other"
    for path in sorted(folder.rglob("*.png"), reverse=True):
        (other / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (other / path.relative_to(folder)).write_bytes(path.read_bytes())
    for name in (".DS_Store", "ants/.DS_Store", "ants/Thumbs.db", "bees/._0.png", "desktop.ini"):
        (other / name).write_text("no image")
    (other / ".cache").mkdir()
    assert prepare(folder).sha256 == prepare(other).sha256


def test_folders_in_that_of_a_class_are_its_images_too(folder) -> None:
    (folder / "ants/more").mkdir()
    os.replace(folder / "ants/0.png", folder / "ants/more/0.png")
    assert sum(prepare(folder).rows.values()) == 12


@pytest.mark.parametrize("validation", [False, True])
def test_an_official_split_is_kept(tmp_path, validation) -> None:
    folder = tmp_path / "cells"
    fill(folder / "train", rows=8), fill(folder / "test", rows=3, first=20)
    if validation:
        fill(folder / "validation", rows=2, first=40)
    data = prepare(folder, test_rows=0, validation_rows=0 if validation else 4)
    assert {*values(data.test)} == {20, 21, 22, 120, 121, 122}
    assert {*values(data.validation)} <= ({40, 41, 140, 141} if validation else {*range(8), *range(100, 108)})
    assert data.rows == {"train": 16 if validation else 12, "validation": 4, "test": 6}


def official(folder: Path, *names: str) -> None:
    for name in names:
        fill(folder / name, rows=4)
    for name in ("ants", "bees"):
        for path in sorted((folder / name).iterdir()):
            path.unlink()
        (folder / name).rmdir()


# {what is wrong: (what makes it so, options, words)}
WRONG_FOLDERS = {
    "val": (lambda at: official(at, "train", "val", "test"), {}, "has the folders test, train, val; a split is train,"),
    "no test": (lambda at: official(at, "train", "validation"), {}, "has the folders train, validation; a split is"),
    "rows of a part that is there": (lambda at: official(at, "train", "test"), {}, "test_rows is 4; leave it out, for"),
    "other classes": (
        lambda at: (official(at, "train", "test"), os.rename(at / "test/bees", at / "test/wasps")),
        {"test_rows": 0},
        "has other classes than train ('bees'); all must have the same",
    ),
    "no class folder": (lambda at: painted(0).save(at / "x.png"), {}, "x.png is in no folder of a class; give each"),
    "an empty class": (lambda at: (at / "wasps").mkdir(), {}, "wasps has no image; put images of that class there"),
    "too few rows": (lambda at: None, {"test_rows": 12}, "leave too few of 12 rows"),
    "no test rows": (lambda at: None, {"test_rows": 0}, "test has no rows"),
    "too many bytes": (
        lambda at: None,
        {"height": 10**5, "width": 10**5},
        "12 images of 100000×100000×3 bytes are more",
    ),
}


@pytest.mark.parametrize("name", WRONG_FOLDERS)
def test_a_folder_that_is_laid_out_otherwise_is_told(folder, name) -> None:
    change, options, words = WRONG_FOLDERS[name]
    change(folder)
    with pytest.raises(UserError) as told:
        prepare(folder, **options)
    assert words in str(told.value) and str(told.value).isprintable()


def test_a_file_is_no_folder(tmp_path) -> None:
    (tmp_path / "x.png").touch()
    with pytest.raises(UserError, match=r"x\.png is no folder; give one with a folder of images for each class"):
        prepare(tmp_path / "x.png")


# {file: (what saves it, its colour)}
KINDS = {
    "colour.jpg": (lambda at: Image.new("RGB", (16, 16), RED).save(at, quality=100), RED),
    "colour.bmp": (lambda at: Image.new("RGB", (5, 5), RED).save(at), RED),
    "colour.webp": (lambda at: Image.new("RGB", (5, 5), RED).save(at, lossless=True), RED),
    "colour.tiff": (lambda at: Image.new("RGB", (5, 5), RED).save(at), RED),
    "of another name.txt": (lambda at: Image.new("RGB", (5, 5), RED).save(at, format="PNG"), RED),
    "grey.png": (lambda at: Image.new("L", (5, 5), GREY).save(at), (GREY,) * 3),
    "grey of 16 bits.png": (
        lambda at: Image.fromarray(np.full((5, 5), GREY * 256 + 255, "uint16")).save(at),
        (GREY,) * 3,
    ),
    "grey of 16 bits.tiff": (
        lambda at: Image.fromarray(np.full((5, 5), GREY * 256, "uint16")).save(at),
        (GREY,) * 3,
    ),
    "black and white.png": (lambda at: Image.new("1", (5, 5), 1).save(at), WHITE),
    "palette.png": (lambda at: Image.new("RGB", (5, 5), RED).quantize(4).save(at), RED),
    "palette.gif": (lambda at: Image.new("RGB", (5, 5), RED).save(at), RED),
    "opaque.png": (lambda at: Image.new("RGBA", (5, 5), (*RED, 255)).save(at), RED),
    "transparent.png": (lambda at: Image.new("RGBA", (5, 5), (*RED, 0)).save(at), WHITE),
    "transparent grey.png": (lambda at: Image.new("LA", (5, 5), (GREY, 0)).save(at), WHITE),
    "one transparent colour.png": (lambda at: Image.new("RGB", (5, 5), RED).save(at, transparency=RED), WHITE),
    "of print.tiff": (lambda at: Image.new("CMYK", (5, 5), (0, 255, 255, 0)).save(at), (255, 0, 0)),
    "tiny.png": (lambda at: Image.new("RGB", (1, 1), RED).save(at), RED),
    "long.png": (lambda at: Image.new("RGB", (1, 3000), RED).save(at), RED),
    "two lenses.jpg": (
        lambda at: Image.new("RGB", (16, 16), RED).save(
            at, format="MPO", quality=100, save_all=True, append_images=[Image.new("RGB", (16, 16))]
        ),
        RED,
    ),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", KINDS)
def test_the_colour_of_an_image_of_each_kind(folder, name, channels) -> None:
    save, colour = KINDS[name]
    save(folder / "ants" / name)
    found = images.read(folder / "ants" / name, (6, 8, channels)).pixels
    grey = round(float(np.dot(colour, (0.299, 0.587, 0.114))))
    wanted = np.broadcast_to(colour if channels == 3 else [grey], (6, 8, channels))
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found.astype(int), wanted, atol=2)  # of JPEG, and of rounding
    assert prepare(folder, channels=channels).train.inputs.shape[1:] == (6, 8, channels)


@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
def test_a_photograph_is_turned_as_its_camera_was(tmp_path, ending) -> None:
    pixels = np.zeros((16, 16, 3), "uint8")
    pixels[:, :8] = 255  # the left half
    exif = Image.Exif()
    exif[0x0112] = 6  # to be seen, it is turned clockwise: the left side is the top then
    Image.fromarray(pixels).save(tmp_path / f"x.{ending}", exif=exif)
    found = images.read(tmp_path / f"x.{ending}", (16, 16, 1)).pixels[..., 0]
    assert (found[:6] > 200).all() and (found[10:] < 50).all()


def bomb(at: Path) -> None:
    """A PNG of a few bytes that says of itself to be enormous."""
    header = struct.pack(">2I5B", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    parts = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    at.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def moving(at: Path) -> None:
    frames = [Image.new("RGB", (5, 5), (value, 0, 0)) for value in (10, 200)]
    frames[0].save(at, save_all=True, append_images=frames[1:])


def cut(at: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")).save(at)
    at.write_bytes(at.read_bytes()[: at.stat().st_size // 2])


WRONG_FILES = {
    "notes.txt": (lambda at: at.write_text("no image"), "is no image, or a damaged one; mend it, or take it out"),
    "nothing.png": (lambda at: at.touch(), "is no image, or a damaged one"),
    "cut.jpg": (cut, "is no image, or a damaged one"),
    "cut.png": (cut, "is no image, or a damaged one"),
    "bomb.png": (bomb, "has more than 100,000,000 pixels"),
    "moving.gif": (moving, "has more than one frame"),
    "moving.png": (moving, "has more than one frame"),
    "moving.webp": (moving, "has more than one frame"),
    "pages.tiff": (moving, "has more than one frame"),
    "floats.tiff": (lambda at: Image.new("F", (5, 5), 0.5).save(at), "has pixels of 32 bits"),
    "program.eps": (lambda at: Image.new("RGB", (5, 5)).save(at), "is no image, or a damaged one"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_that_is_no_still_image_is_named(folder, name) -> None:
    make, words = WRONG_FILES[name]
    make(folder / "bees" / name)
    with pytest.raises(UserError) as told:
        prepare(folder)
    assert str(told.value).startswith(f"{folder}/bees/{name} ") and words in str(told.value)
    assert str(told.value).isprintable() and len(str(told.value)) < 400


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "tiff", "webp", "bmp", "ppm"])
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_a_damaged_image_is_told_or_read(tmp_path, ending, data) -> None:
    path = tmp_path / f"x.{ending}"
    painted(50, (4, 4)).save(path)
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    try:
        found = images.read(path, (3, 3, 3)).pixels
    except UserError as error:
        assert str(error).startswith(f"{path} ") and str(error).isprintable()
    else:
        assert found.shape == (3, 3, 3)
