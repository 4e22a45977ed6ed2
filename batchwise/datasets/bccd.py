"""BCCD: 364 photographs of blood smears, 640×480 pixels in colour, with boxes of red and white cells and platelets."""

import hashlib
from pathlib import Path

from pydantic import PositiveInt

from batchwise.data import objects, voc
from batchwise.data.archive_formats import read_zip
from batchwise.data.dataset import DataSet, Description
from batchwise.data.downloads import Archive, fetch
from batchwise.data.objects import Annotated, Notes
from batchwise.data.subset import channel_statistics
from batchwise.data.unpacking import refused

DESCRIPTION = Description(
    title="BCCD blood cells",
    task="detection",
    source="https://github.com/Shenggan/BCCD_Dataset",
    licence="MIT",
)
# GitHub makes the archive anew, so that its own sum may change; what is read of it has this one.
ARCHIVE = Archive(
    "https://github.com/Shenggan/BCCD_Dataset/archive/refs/heads/master.zip", None, "BCCD_Dataset-master.zip"
)
CONTENTS = "dda23dbc59bde642d43f247dec3b3f01a7455818575e73bcf8f354224c573869"
FOLDER = "BCCD_Dataset-master/BCCD"
PARTS = ("train", "val", "test")
NAMES = ("RBC", "WBC", "Platelets")


def prepare(*, height: PositiveInt = 120, width: PositiveInt = 160) -> DataSet:
    """Return the publisher's split, 205, 87 and 72 images, resized to uint8 [N, height, width, 3]."""
    path, sha256 = fetch(ARCHIVE)
    contents = read_zip(path, _is_wanted)
    if (found := _sum(contents)) != CONTENTS:
        raise refused(path, f"has other images and boxes than were published (SHA-256 {found}, not {CONTENTS})")
    notes = Notes()
    read = [
        objects.split(
            [_annotated(path, contents, name) for name in _names(contents, part)], NAMES, (height, width, 3), notes
        )
        for part in PARTS
    ]
    train, validation, test = objects.parts(read)
    mean, std = channel_statistics(train.inputs)
    files = {ARCHIVE.name: sha256}
    return DataSet(DESCRIPTION, NAMES, train, validation, test, mean, std, files, notes=notes.sentences())


def _is_wanted(name: str) -> bool:
    folder, _, file = name.removeprefix(f"{FOLDER}/").rpartition("/")
    return (folder, file.rpartition(".")[2]) in {("Annotations", "xml"), ("JPEGImages", "jpg")} or (
        folder == "ImageSets/Main" and file.removesuffix(".txt") in PARTS
    )


def _sum(contents: dict[str, bytes]) -> str:
    lines = "".join(f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents))
    return hashlib.sha256(lines.encode()).hexdigest()


def _names(contents: dict[str, bytes], part: str) -> list[str]:
    return contents[f"{FOLDER}/ImageSets/Main/{part}.txt"].decode().split()


def _annotated(archive: Path, contents: dict[str, bytes], name: str) -> Annotated:
    file, image = f"{FOLDER}/Annotations/{name}.xml", f"{FOLDER}/JPEGImages/{name}.jpg"
    found = voc.parse(archive / file, contents[file])
    return Annotated(archive / image, found.boxes, archive / file, found.size, content=contents[image])
