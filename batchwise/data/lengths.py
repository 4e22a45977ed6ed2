"""Rows of another length, of tokens or pixels: what memory and time depend on, where their contents do not matter."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from batchwise.common.errors import UserError
from batchwise.data import conversions
from batchwise.data.dataset import DataSet, Split
from batchwise.data.task import Kind

TOKEN, PIXEL = "token", "pixel"  # of which a row has so many


class Row(NamedTuple):
    """How long a row is, and in what."""

    length: int
    unit: str  # TOKEN or PIXEL


def unit(data: DataSet) -> str:
    """Return what the length of a row is counted in."""
    return PIXEL if _are_images(data.train.inputs) else TOKEN


def row_of(data: DataSet, asked: int) -> Row:
    """Return what a row is of a length that is asked for: so many tokens, or the pixels of an image so wide."""
    return Row(asked * _height(data, asked), PIXEL) if unit(data) == PIXEL else Row(asked, TOKEN)


def check(study: str, data: DataSet) -> None:
    """Raise UserError if a study asks for lengths of inputs that are no tokens, whole numbers [N, T], and no images."""
    inputs = data.train.inputs
    if not _are_images(inputs) and (inputs.ndim != 2 or inputs.dtype.kind not in "iu"):
        raise UserError(
            f"studies.{study}.memory_by_length: it is for rows of tokens, whole numbers [rows, tokens], and images; "
            f"the inputs of {data.description.title} are {conversions.in_words(inputs)}; leave it out"
        )


def of_length(data: DataSet, asked: int, most_rows: int) -> DataSet:
    """Return about so many rows of each part, all classes among them, of a length that is asked for (`row_of`).

    Rows of tokens are cut or repeated, padding last; labels of each token go with them, and their last column stays.
    Images are resized; boxes are fractions of them, and stay.
    """

    def part(of: Split) -> Split:
        rows = of.take(_rows(of.labels, most_rows, data.task.labels.kind))
        if unit(data) == PIXEL:
            return replace(rows, inputs=_resized(rows.inputs, _height(data, asked), asked))
        return _of_length(rows, asked)

    return replace(data, train=part(data.train), validation=part(data.validation), test=part(data.test))


def _are_images(inputs: np.ndarray) -> bool:
    return inputs.ndim == 4 and inputs.dtype == np.uint8


def _height(data: DataSet, width: int) -> int:
    """Return the height of an image so wide, with the proportions of those of a data set."""
    height, before = data.train.inputs.shape[1:3]
    return max(1, round(width * height / before))


def _resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return images of another size, each channel by itself, for there may be any number of them."""
    planes = np.moveaxis(images, 3, 1)  # [N, channels, before, before]
    resized = [np.asarray(Image.fromarray(plane).resize((width, height))) for image in planes for plane in image]
    return np.moveaxis(np.reshape(resized, (*planes.shape[:2], height, width)).astype("uint8"), 1, 3)


def _rows(labels: np.ndarray, most: int, kind: Kind) -> np.ndarray:
    """Return rows of all parts of `labels` [N, …], with the least and the largest of each column, or each class.

    Of boxes there are so many that any rows will do.
    """
    if not len(labels):
        return np.arange(0)
    spread = np.linspace(0, len(labels) - 1, min(len(labels), most)).astype(int)
    columns = labels.reshape(len(labels), -1)
    if kind == "classes":
        needed = [*np.unique(labels, return_index=True)[1]]
    else:
        needed = [] if kind == "boxes" else [*columns.argmin(axis=0), *columns.argmax(axis=0)]
    return np.union1d(spread, np.array(needed, int))


def _of_length(rows: Split, tokens: int) -> Split:
    before, labels = rows.inputs.shape[1], rows.labels
    if labels.ndim == 2 and labels.shape[1] == before + 1:  # of each token, and one number of the row
        labels = np.concatenate([_repeated(labels[:, :-1], tokens), labels[:, -1:]], axis=1)
    return replace(rows, inputs=_repeated(rows.inputs, tokens), labels=labels)


def _repeated(values: np.ndarray, tokens: int) -> np.ndarray:
    """Return [N, tokens] of [N, T], with all zeros, which are padding, behind the others."""
    taken = np.take(values, np.arange(tokens) % values.shape[1], axis=1)
    return np.take_along_axis(taken, np.argsort(taken == 0, axis=1, kind="stable"), axis=1)
