"""What labels must be that are boxes: sides as fractions of the image, and the class, of each object of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import conversions, refusals

EXPECTED = (
    "an array [rows, K, 5] of floats is expected: left, top, right and bottom of at most K objects of a row, as "
    "fractions of the image from 0 to 1, and the number of the class; −1 five times where there is none"
)
NONE = -1.0  # all five numbers where a row has no more objects


def check(what: str, labels: Any, rows: int, class_names: Sequence[str]) -> None:
    """Raise UserError for labels that are no boxes within the image, of a class with a name. `what` they are called."""
    if not (conversions.is_plain(labels) and labels.ndim == 3 and labels.dtype.kind == "f" and labels.shape[2] == 5):
        raise UserError(f"{what} are {conversions.in_words(labels)}; {EXPECTED}{refusals.of_labels(labels, rows)}")
    if len(labels) != rows:
        raise UserError(f"{what} are {len(labels)} for {rows} rows of inputs; one for each row is expected")
    if not labels.shape[1]:
        raise UserError(f"{what} have room for no object; {EXPECTED}")
    if not len(labels):
        return
    with np.errstate(invalid="ignore"):
        none = (labels == NONE).all(axis=2)
        left, top, right, bottom, classes = np.moveaxis(labels, 2, 0)
        inside = (left >= 0) & (top >= 0) & (right <= 1) & (bottom <= 1) & (left < right) & (top < bottom)
        named = (classes >= 0) & (classes < len(class_names)) & (classes == np.floor(classes))
    _check_each(what, labels, none | inside, "left < right and top < bottom, from 0 to 1, are expected")
    _check_each(what, labels, none | named, f"the last number is a class from 0 to {len(class_names) - 1}")


def check_alike(labels: Mapping[str, np.ndarray]) -> None:
    """Raise UserError unless the labels {part: [rows, K, 5]} have room for as many objects in each part."""
    for part, boxes in labels.items():
        if boxes.shape[1:] != labels["train"].shape[1:]:
            raise UserError(
                f"{part} labels have room for {boxes.shape[1]} objects a row, those of train for "
                f"{labels['train'].shape[1]}; all parts must have the same: fill up with −1"
            )


def check_some(labels: np.ndarray) -> None:
    """Raise UserError for training labels without an object."""
    if (labels[:, :, 4] < 0).all():
        raise UserError("train labels have no object in any row; there is nothing to learn")


def _check_each(what: str, labels: np.ndarray, right: np.ndarray, expected: str) -> None:
    """Raise UserError for the first object that is not right, [rows, K]."""
    wrong = np.argwhere(~right)
    if len(wrong):
        row, place = wrong[0]
        found = [float(f"{value:.6g}") for value in labels[row, place]]
        raise UserError(f"{what}: {found} in row {row}, and {len(wrong)} such objects; {expected}")
