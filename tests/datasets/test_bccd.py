"""BCCD, from a small archive in its publisher's layout: the split, the boxes, and what is left out and said."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet
from batchwise.data.downloads import MIRROR
from tests.annotated import voc

FOLDER, ARCHIVE = "BCCD_Dataset-master/BCCD", "BCCD_Dataset-master.zip"
PARTS = {"train": ["c", "a"], "val": ["b"], "test": ["d"]}
BOXES = [("RBC", (160, 120, 320, 240)), ("Platelets", (0, 0, 640, 480)), ("WBC", (7, 7, 7, 9))]


def photograph(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), (value, 0, 0)).save(file, "JPEG", quality=100)
    return file.getvalue()


def members() -> dict[str, bytes]:
    lists = {f"{FOLDER}/ImageSets/Main/{part}.txt": "\n".join(names).encode() for part, names in PARTS.items()}
    for row, name in enumerate("abcd"):
        lists[f"{FOLDER}/JPEGImages/{name}.jpg"] = photograph(60 * row)
        lists[f"{FOLDER}/Annotations/{name}.xml"] = voc(BOXES[row % 2 :], (640, 480)).encode()
    return lists


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("BCCD_Dataset-master/README.md", b"not read")
        archive.writestr(f"{FOLDER}/ImageSets/Main/trainval.txt", b"not read")
    return file.getvalue()


def contents(files: dict[str, bytes]) -> str:
    """Return the sum of what `sha256sum` prints of the files, sorted by name."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Callable[[bytes], Path]:
    """A function that writes the archive and its sum into the folder that it is read from."""
    monkeypatch.setenv(MIRROR, str(tmp_path))
    monkeypatch.setattr(plugins.load("datasets", "bccd"), "CONTENTS", contents(members()))

    def write(content: bytes) -> Path:
        (tmp_path / ARCHIVE).write_bytes(content)
        (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {ARCHIVE}\n")
        return tmp_path / ARCHIVE

    return write


def prepare(**options: int) -> DataSet:
    return plugins.load("datasets", "bccd").prepare(**options)


def test_the_publishers_split_in_the_publishers_order(mirror) -> None:
    content = zipped(members())
    mirror(content)
    data = prepare(height=12, width=16)
    inputs = np.concatenate([part.inputs for part in (data.train, data.validation, data.test)])
    np.testing.assert_allclose(inputs[:, 0, 0, 0], [120, 0, 60, 180], atol=2)
    assert data.train.inputs.shape == (2, 12, 16, 3) and data.class_names == ("RBC", "WBC", "Platelets")
    none = [-1] * 5
    assert data.train.labels.tolist() == [[[0.25, 0.25, 0.5, 0.5, 0], [0, 0, 1, 1, 2]]] * 2
    assert data.test.labels.tolist() == data.validation.labels.tolist() == [[[0, 0, 1, 1, 2], none]]
    assert data.files == {ARCHIVE: hashlib.sha256(content).hexdigest()}
    assert data.notes == ("4 boxes had no area, and were left out ('c.xml', 'a.xml', 'b.xml', …)",)


def test_images_are_120_pixels_high_and_160_wide_by_default(mirror) -> None:
    mirror(zipped(members()))
    assert prepare().train.inputs.shape == (2, 120, 160, 3)


def test_an_archive_that_github_made_anew_has_the_same_content(mirror) -> None:
    mirror(zipped(members()))
    before = prepare()
    mirror(zipped({name: members()[name] for name in sorted(members())}))
    assert prepare().sha256 == before.sha256 and prepare().files != before.files


def test_other_content_is_refused(mirror) -> None:
    path = mirror(zipped(members() | {f"{FOLDER}/Annotations/a.xml": voc(BOXES[1:]).encode()}))
    with pytest.raises(UserError, match="has other images and boxes than were published") as told:
        prepare()
    assert str(told.value).startswith(f"{path} ") and str(told.value).endswith(
        "put a whole copy of the publisher's file there"
    )
