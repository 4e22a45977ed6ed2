"""Training images as they are drawn to be changed, on JAX: as training/augmented.py, which says what is meant."""

from typing import NamedTuple

from batchwise.config.recipe import Augmentation
from batchwise.runtime.jax import jax
from batchwise.training.augmentation import LEAST_SHARE, PARTS
from batchwise.training.on_jax.device_data import Array

numpy = jax.numpy


class Change(NamedTuple):
    """What happens along an axis, in fractions of the image: it is cut out, mirrored, resized and moved; [B] each."""

    start: Array
    mirrored: Array
    factor: Array
    shift: Array


def augmented(
    images: Array, labels: Array, drawn: Array, augmentation: Augmentation, *, boxes: bool
) -> tuple[Array, Array]:
    """Return standardised images [B, H, W, C] that are changed as is drawn, [B, …], and their labels."""
    changes = _changes(images, drawn, augmentation)
    if augmentation.changes_size:
        turned = _resampled(images, changes[0]).transpose(0, 2, 1, 3)
        changed = _resampled(turned, changes[1]).transpose(0, 2, 1, 3)
    else:
        changed = _cropped(images, drawn, augmentation.pad)
    return changed, _moved(labels, changes) if boxes else labels


def _changes(images: Array, drawn: Array, augmentation: Augmentation) -> tuple[Change, Change]:
    """Return what happens from top to bottom, and from left to right."""
    numbers = drawn.astype(images.dtype)
    top, left = ((numbers[:, axis] - augmentation.pad) / images.shape[1 + axis] for axis in (0, 1))
    if not augmentation.changes_size:
        one, nothing = numpy.ones_like(top), numpy.zeros_like(top)
        return Change(top, nothing > 0, one, nothing), Change(left, drawn[:, 2] > 0, one, nothing)
    size, low, right = (numbers[:, place] / PARTS for place in (4, 5, 6))  # from 0 to 1
    factor = numpy.asarray(augmentation.zoom, images.dtype) ** (2 * size - 1)
    vertical = Change(top, drawn[:, 3] > 0, factor, (1 - factor) * low)
    return vertical, Change(left, drawn[:, 2] > 0, factor, (1 - factor) * right)


def _cropped(images: Array, drawn: Array, pad: int) -> Array:
    """Return images [B, H, W, C] padded by zeros, cropped and mirrored left to right, [B, H, W, C]: exact pixels."""
    height, width = images.shape[1:3]
    across = numpy.arange(width, dtype="int32")
    columns = drawn[:, 1:2] + numpy.where(drawn[:, 2:3] > 0, width - 1 - across, across)  # [B, W]
    lines = drawn[:, 0:1] + numpy.arange(height, dtype="int32")  # [B, H]
    padded = numpy.pad(images, [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    cropped = numpy.take_along_axis(padded, lines[:, :, None, None], axis=1)
    return numpy.take_along_axis(cropped, columns[:, None, :, None], axis=2)


def _resampled(images: Array, change: Change) -> Array:
    """Return images of the same size that are changed along their first axis, [B, H, W, C]."""
    size = images.shape[1]
    places = (numpy.arange(size, dtype=images.dtype) + 0.5) / size
    before = (places - change.shift[:, None]) / change.factor[:, None]
    before = numpy.where(change.mirrored[:, None], 1 - before, before) + change.start[:, None]  # [B, H]
    at = size * before - 0.5  # in pixels of the image as it was
    first = numpy.floor(at)
    number, share = first.astype("int32"), at - first

    def taken(lines: Array, weights: Array) -> Array:
        inside = ((lines >= 0) & (lines < size)).astype(images.dtype)
        found = numpy.take_along_axis(images, lines.clip(0, size - 1)[:, :, None, None], axis=1)
        return found * (weights * inside)[:, :, None, None]

    return taken(number, 1 - share) + taken(number + 1, share)


def _moved(labels: Array, changes: tuple[Change, Change]) -> Array:
    """Return labels [B, K, 5] with the sides of their boxes as they are after changes; −1 where too little is left."""
    left, top, right, bottom, number = (labels[..., place] for place in range(5))
    (before_y, y), (before_x, x) = (
        _sides(numpy.stack(sides, -1), change)
        for sides, change in zip(((top, bottom), (left, right)), changes, strict=True)
    )
    share = (y[..., 1] - y[..., 0]) * (x[..., 1] - x[..., 0])
    kept = (number >= 0) & (share > 0) & (share >= LEAST_SHARE * before_y * before_x)
    moved = numpy.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1], number], -1)
    return numpy.where(kept[..., None], moved, -numpy.ones_like(labels))


def _sides(sides: Array, change: Change) -> tuple[Array, Array]:
    """Return the length of the two sides [B, K, 2] along an axis after a change, and the sides, cut at the edges."""
    start, mirrored, factor, shift = (of_row[:, None, None] for of_row in change)
    sides = sides - start
    sides = factor * numpy.where(mirrored, 1 - sides[..., ::-1], sides) + shift
    return sides[..., 1] - sides[..., 0], sides.clip(0, 1)
