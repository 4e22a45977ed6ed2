"""A part of a data set: some rows of each of its parts, stratified by class where rows have one."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import large_arrays
from batchwise.data.dataset import SPLITS, DataSet, Split


def subset(
    data: DataSet, *, train_rows: int | None, validation_rows: int | None, test_rows: int | None, seed: int
) -> DataSet:
    """Return the data set with so many rows of each part, in the order that they had; None takes all of a part.

    The rows are drawn by chance; each class keeps its share of them, to within one row, if rows have a class. The mean
    and std of images are those of the chosen training images; other inputs keep the scale that they have. Raises
    UserError if a part has fewer rows, or if fewer rows than classes are asked for (0 validation rows are allowed).
    """
    changes: dict[str, Any] = {}
    classes = data.task.labels.kind == "classes"
    for number, (name, size) in enumerate(zip(SPLITS, (train_rows, validation_rows, test_rows), strict=True)):
        if size is None:
            continue
        part = getattr(data, name)
        if size or name != "validation":
            check_classes(f"{name}_rows", size, data.strata)
        if size > len(part.labels):
            raise UserError(f"{name}_rows is {size}; at most {len(part.labels)} are allowed, as many as there are")
        if size < len(part.labels):
            rows = draw_rows(strata(data, part), size, [seed, number])
            changes[name] = part.take(rows)
            if name == "train" and classes and len(np.unique(part.labels[rows])) < 2:
                raise UserError(
                    f"train_rows is {size}, too few for rows of two classes: one class has most of the rows"
                )
    if data.mean is not None and "train" in changes:
        changes["mean"], changes["std"] = channel_statistics(changes["train"].inputs)
    return replace(data, **changes)


def strata(data: DataSet, part: Split) -> np.ndarray:
    """Return what the rows of a part of a data set are drawn by, [N]: their class, or 0 where rows have none."""
    return part.labels if data.task.labels.kind == "classes" else np.zeros(len(part.labels), "int32")


def draw_rows(labels: np.ndarray, size: int, seed: list[int]) -> np.ndarray:
    """Return `size` rows of classes `labels`, ascending, by chance, with each class's share of them to within one row.

    It may leave fewer rows than classes, which scikit-learn refuses.
    """
    shares, remainders = np.divmod(np.bincount(labels) * size, len(labels))
    shares[np.argsort(-remainders, kind="stable")[: size - shares.sum()]] += 1
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.sort(np.concatenate([order[labels[order] == label][:share] for label, share in enumerate(shares)]))


def channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and standard deviation of each channel of uint8 images [N, height, width, channels], as float32.

    A deviation of 0 becomes 1, so that a channel that does not vary is 0 once it is scaled.
    """
    # Sums of whole numbers, as Python's own: exact, and without a copy of the images in a wider type.
    sums = squares = np.zeros(images.shape[-1], object)
    count = math.prod(images.shape[:-1])
    for some in large_arrays.chunks(images):
        pixels = some.reshape(-1, some.shape[-1])
        sums = sums + pixels.sum(0, dtype="int64").astype(object)
        squares = squares + np.einsum("nc,nc->c", pixels, pixels, dtype="int64", casting="safe").astype(object)
    mean, variance = sums / count, (count * squares - sums**2) / count**2
    std = np.sqrt(variance.astype(float))
    return mean.astype("float32"), np.where(std > 0, std, 1).astype("float32")


def check_classes(name: str, rows: int, classes: int) -> None:
    """Raise UserError if there are fewer rows than classes."""
    if rows < classes:
        raise UserError(f"{name} is {rows}; with {classes} classes at least {classes} rows are needed")
