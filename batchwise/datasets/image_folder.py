"""Your own images: a folder with a folder of images for each class, or train/ and test/ with such folders in each."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.option_types import File, Seed
from batchwise.data import images, large_arrays, local_files
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.leftovers import is_leftover
from batchwise.data.splitting import hold_out, split
from batchwise.data.subset import channel_statistics

MAX_BYTES = 2**32  # of all images together, once they are resized
PARTS = ("train", "validation", "test")
OTHER_NAMES = ("val", "valid")
WHOLE = "whole"

Classes = dict[str, list[Path]]  # {name: its images}
Labelled = tuple[Path, int]  # an image, and the number of its class


def prepare(
    *,
    folder: File,
    height: PositiveInt,
    width: PositiveInt,
    channels: Literal[1, 3] = 3,
    test_rows: NonNegativeInt = 0,
    validation_rows: NonNegativeInt = 0,
    seed: Seed = 0,
) -> DataSet:
    """Return images, resized to uint8 [N, height, width, channels] whatever shape they had.

    They are turned as their EXIF data say, and stand on white where they are transparent. A split into train/, test/
    and, if it is there, validation/ is kept; otherwise rows of each class are drawn. Raises UserError, with the file,
    for what is no image of one frame.
    """
    given, rows = _parts(folder), {"test_rows": test_rows, "validation_rows": validation_rows}
    shape = height, width, channels
    _check_sizes(given, shape, rows)
    listed = {
        part: [(path, label) for label, paths in enumerate(classes.values()) for path in paths]
        for part, classes in given.items()
    }
    parts = [_read_all([listed[part][row] for row in numbers], shape) for part, numbers in _split(listed, rows, seed)]
    names = tuple(next(iter(given.values())))
    train, validation, test = parts
    mean, std = channel_statistics(train.inputs)
    return DataSet(_description(folder, names), names, train, validation, test, mean, std)


def _check_sizes(given: Mapping[str, Classes], shape: tuple[int, int, int], rows: Mapping[str, int]) -> None:
    for name, drawn in rows.items():
        part = name.removesuffix("_rows")
        if drawn and part in given:
            raise UserError(f"{name} is {drawn}; leave it out, for there is a folder {part}, which is taken whole")
    number = sum(len(paths) for classes in given.values() for paths in classes.values())
    if number * math.prod(shape) > MAX_BYTES and not large_arrays.are_on_disk():
        of_each = "×".join(map(str, shape))
        raise UserError(
            f"{number:,} images of {of_each} bytes are more than {MAX_BYTES:,}; make them smaller, or write `streamed: "
            "true` in the entry of the data set"
        )


def _split(listed: Mapping[str, list[Labelled]], rows: Mapping[str, int], seed: int) -> list[tuple[str, np.ndarray]]:
    """Return for each of train, validation and test where its images are listed, and their places there.

    Those of parts that were not given are drawn.
    """
    validation_rows, test_rows = rows["validation_rows"], rows["test_rows"]
    places = {part: _places(labelled) for part, labelled in listed.items()}
    if WHOLE in listed:
        whole = places[WHOLE]
        parts = split(whole.inputs, whole.labels, validation_rows=validation_rows, test_rows=test_rows, seed=seed)
        return [(WHOLE, part.inputs[:, 0]) for part in parts]
    if "validation" in listed:
        return [(part, places[part].inputs[:, 0]) for part in PARTS]
    train, validation = hold_out(places["train"], validation_rows=validation_rows, seed=seed)
    return [*(("train", part.inputs[:, 0]) for part in (train, validation)), ("test", places["test"].inputs[:, 0])]


def _places(labelled: list[Labelled]) -> Split:
    return Split(np.arange(len(labelled))[:, None], np.array([label for _, label in labelled], "int32"))


def _description(folder: Path, names: tuple[str, ...]) -> Description:
    task = "binary_classification" if len(names) == 2 else "multiclass_classification"
    return Description(f"Images of the folder {folder.name}", task, source=str(folder), licence="that of the images")


def _parts(folder: Path) -> dict[str, Classes]:
    """Return {part of an official split: its classes}, all of them under WHOLE where there is none."""
    names = {path.name for path in _entries(folder)}
    if "train" not in names or names - {*PARTS, *OTHER_NAMES}:
        return {WHOLE: _classes(folder)}
    if "test" not in names or names - {*PARTS}:
        there = ", ".join(sorted(names))
        raise UserError(f"{folder} has the folders {there}; a split is train, test and, if you have one, validation")
    found = {part: _classes(folder / part) for part in PARTS if part in names}
    for part, classes in found.items():
        if different := sorted(classes.keys() ^ found["train"].keys()):
            raise UserError(f"{folder / part} has other classes than train ({different[0]!r}); all must have the same")
    return found


def _classes(folder: Path) -> Classes:
    found = {}
    for path in _entries(folder):
        if not path.is_dir():
            raise UserError(f"{path} is in no folder of a class; give each class a folder of its images")
        found[path.name] = sorted(each for each in local_files.contents(path) if not is_leftover(path, each))
        if not found[path.name]:
            raise UserError(f"{path} has no image; put images of that class there, or remove the folder")
    return found


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give one with a folder of images for each class")
    return sorted(path for path in folder.iterdir() if not is_leftover(folder, path))


def _read_all(labelled: list[Labelled], shape: tuple[int, int, int]) -> Split:
    inputs = large_arrays.new((len(labelled), *shape), "uint8")
    for row, (path, _) in enumerate(labelled):
        inputs[row] = images.read(path, shape).pixels
    return Split(inputs, np.array([label for _, label in labelled], "int32"))
