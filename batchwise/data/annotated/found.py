"""Annotated images that were found, and the data set that is made of them, with their own split or by chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import objects, split_rules
from batchwise.data.annotated.listing import UNLISTED
from batchwise.data.dataset import SPLITS, DataSet, Description
from batchwise.data.objects import Annotated, Notes
from batchwise.data.splitting import rows_of_parts
from batchwise.data.subset import channel_statistics

WHOLE = "whole"  # part of all images where there is no split


@dataclass(frozen=True)
class Found:
    """Annotated images of each part, all under WHOLE where there is no split, and the names of their classes."""

    source: Path
    images: dict[str, list[Annotated]]
    names: tuple[str, ...]
    notes: Notes  # of what was seen to be wrong so far

    @property
    def everything(self) -> list[Annotated]:
        """The images of all parts, by their paths."""
        return sorted(chain(*self.images.values()), key=lambda image: image.path)

    @property
    def has_split(self) -> bool:
        """Whether there are images for training and for the test."""
        return {"train", "test"} <= self.images.keys()


def data_set(found: Found, shape: tuple[int, int, int], *, test_rows: int, validation_rows: int, seed: int) -> DataSet:
    """Return the data set of images [N, *shape] with boxes. Its notes say what was mended, and what was left out.

    Their own split is kept unless test rows are asked for, which are drawn by chance of all images. Raises UserError
    for rows that cannot be drawn, and as objects.split does.
    """
    parts = _parts(found, test_rows=test_rows, validation_rows=validation_rows, seed=seed)
    read = [objects.split(part, found.names, shape, found.notes) for part in parts]
    train, validation, test = objects.parts(read)
    mean, std = channel_statistics(train.inputs)
    title = f"Images with boxes of {found.source.name}"
    about = Description(title, "detection", source=str(found.source), licence="that of the images")
    return DataSet(about, found.names, train, validation, test, mean, std, notes=found.notes.sentences())


def _parts(found: Found, *, test_rows: int, validation_rows: int, seed: int) -> Sequence[list[Annotated]]:
    """Return the images of train, validation and test."""
    if test_rows or WHOLE in found.images:
        _check_rows(found, test_rows)
        return _drawn(found.everything, test_rows=test_rows, validation_rows=validation_rows, seed=seed)
    if not found.has_split:
        there = ", ".join(sorted(found.images.keys() & {*SPLITS}))
        raise UserError(
            f"{found.source} has a split of its own, {there}; train and test are needed: rename a part, or give "
            "test_rows, which are drawn of all images"
        )
    for image in found.images.get(UNLISTED, ()):
        found.notes.add("unlisted", image.path)
    train, test = found.images["train"], found.images["test"]
    if "validation" not in found.images:
        train, validation, _ = _drawn(train, test_rows=0, validation_rows=validation_rows, seed=seed)
        return train, validation, test
    if validation_rows:
        raise UserError(
            f"validation_rows is {validation_rows}; leave it out, for {found.source} has a part for validation, which "
            "is taken whole"
        )
    return train, found.images["validation"], test


def _check_rows(found: Found, test_rows: int) -> None:
    if not test_rows:
        number = len(found.everything)
        raise UserError(
            f"test_rows is 0, and {found.source} has no part for the test; give 1 to {number - 1} of {number} images"
        )


def _drawn(images: list[Annotated], *, test_rows: int, validation_rows: int, seed: int) -> list[list[Annotated]]:
    """Return the images of train, validation and test by chance, each in the order that they had."""
    rule = split_rules.choose(np.zeros(len(images)), seed=seed, stratify=False)
    numbers = rows_of_parts(np.arange(len(images)), rule, validation_rows=validation_rows, test_rows=test_rows)
    return [[images[row] for row in np.sort(rows)] for rows in numbers]
