"""Training images as they are drawn to be changed (augmentation.py), and the boxes in them with them, on the device."""

from typing import NamedTuple

from batchwise.config.recipe import Augmentation
from batchwise.runtime.tensorflow import tf
from batchwise.training.augmentation import LEAST_SHARE, PARTS


class Change(NamedTuple):
    """What happens along an axis, in fractions of the image: it is cut out, mirrored, resized and moved; [B] each."""

    start: tf.Tensor  # where what is cut out begins
    mirrored: tf.Tensor  # bool
    factor: tf.Tensor  # by which it is resized
    shift: tf.Tensor  # where its begin comes to be


def augmented(
    images: tf.Tensor, labels: tf.Tensor, drawn: tf.Tensor, augmentation: Augmentation, *, boxes: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return standardised images [B, H, W, C] that are changed as is drawn, [B, …], and their labels.

    What is outside the image is 0, the mean colour. Labels that are `boxes` [B, K, 5] move with what they are around,
    and are cut at the edges; an object of which less than LEAST_SHARE of the box is left is none.
    """
    changes = _changes(images, drawn, augmentation)
    if augmentation.changes_size:
        # Turned on its side for the second axis: lines of an image are taken in half the time of single pixels.
        turned = tf.transpose(_resampled(images, changes[0]), [0, 2, 1, 3])
        changed = tf.transpose(_resampled(turned, changes[1]), [0, 2, 1, 3])
    else:
        changed = _cropped(images, drawn, augmentation.pad)
    return changed, _moved(labels, changes) if boxes else labels


def _changes(images: tf.Tensor, drawn: tf.Tensor, augmentation: Augmentation) -> tuple[Change, Change]:
    """Return what happens from top to bottom, and from left to right."""
    numbers = tf.cast(drawn, images.dtype)
    top, left = ((numbers[:, axis] - augmentation.pad) / images.shape[1 + axis] for axis in (0, 1))
    if not augmentation.changes_size:
        one, nothing = tf.ones_like(top), tf.zeros_like(top)
        return Change(top, nothing > 0, one, nothing), Change(left, drawn[:, 2] > 0, one, nothing)
    size, low, right = tf.unstack(numbers[:, 4:7] / PARTS, axis=1)  # from 0 to 1
    factor = tf.cast(augmentation.zoom, images.dtype) ** (2 * size - 1)
    vertical = Change(top, drawn[:, 3] > 0, factor, (1 - factor) * low)
    return vertical, Change(left, drawn[:, 2] > 0, factor, (1 - factor) * right)


def _cropped(images: tf.Tensor, drawn: tf.Tensor, pad: int) -> tf.Tensor:
    """Return images [B, H, W, C] padded by zeros, cropped and mirrored left to right, [B, H, W, C]: exact pixels."""
    height, width = images.shape[1:3]
    across = tf.range(width)
    columns = drawn[:, 1:2] + tf.where(drawn[:, 2:3] > 0, width - 1 - across, across)  # [B, W]
    padded = tf.pad(images, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    cropped = tf.gather(padded, drawn[:, 0:1] + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(cropped, columns, axis=2, batch_dims=1)


def _resampled(images: tf.Tensor, change: Change) -> tf.Tensor:
    """Return images of the same size that are changed along their first axis, [B, H, W, C].

    Of the two lines nearest to a place each counts by how near it is (linear interpolation), and those outside are 0.
    """
    size = images.shape[1]
    places = (tf.range(size, dtype=images.dtype) + 0.5) / size
    before = (places - change.shift[:, None]) / change.factor[:, None]
    before = tf.where(change.mirrored[:, None], 1 - before, before) + change.start[:, None]  # [B, H]
    at = size * before - 0.5  # in pixels of the image as it was
    first = tf.floor(at)
    number, share = tf.cast(first, "int32"), at - first

    def taken(lines: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        inside = tf.cast((lines >= 0) & (lines < size), images.dtype)
        found = tf.gather(images, tf.clip_by_value(lines, 0, size - 1), axis=1, batch_dims=1)
        return found * (weights * inside)[:, :, None, None]

    return taken(number, 1 - share) + taken(number + 1, share)


def _moved(labels: tf.Tensor, changes: tuple[Change, Change]) -> tf.Tensor:
    """Return labels [B, K, 5] with the sides of their boxes as they are after changes; −1 where too little is left."""
    left, top, right, bottom, number = tf.unstack(labels, axis=-1)
    (before_y, y), (before_x, x) = (
        _sides(tf.stack(sides, -1), change)
        for sides, change in zip(((top, bottom), (left, right)), changes, strict=True)
    )
    share = (y[..., 1] - y[..., 0]) * (x[..., 1] - x[..., 0])
    kept = (number >= 0) & (share > 0) & (share >= LEAST_SHARE * before_y * before_x)
    moved = tf.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1], number], -1)
    return tf.where(kept[..., None], moved, -tf.ones_like(labels))


def _sides(sides: tf.Tensor, change: Change) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the length of the two sides [B, K, 2] along an axis after a change, and the sides, cut at the edges."""
    start, mirrored, factor, shift = (of_row[:, None, None] for of_row in change)
    sides = sides - start
    sides = factor * tf.where(mirrored, 1 - sides[..., ::-1], sides) + shift
    return sides[..., 1] - sides[..., 0], tf.clip_by_value(sides, 0, 1)
