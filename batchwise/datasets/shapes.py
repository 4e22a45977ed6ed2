"""Synthetic: discs, triangles and squares of many colours on textures, of which each box is known to the pixel.

A scene is drawn in fractions of the image, so that every size shows the same scenes. Its ground is a colour with a
gradient and with noise of several frequencies, interpolated between random numbers, crossed by lines; brighter shapes,
a little tilted, lie on it and in part on each other. A detector can find nearly all: AP50 is above 0.98.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.option_types import Seed
from batchwise.data import large_arrays
from batchwise.data.box_checks import NONE
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.subset import channel_statistics

DESCRIPTION = Description(
    title="Coloured shapes on textures (synthetic)",
    task="detection",
    source="drawn by batchwise/datasets/shapes.py",
    licence="none needed: made of random numbers",
)
NAMES = ("disc", "triangle", "square")
CORNERS = (0, 3, 4)
RADII = 0.14, 0.26  # of the circle around a shape
TILT = 0.15  # standard deviation, in radians, from lying on a side
# Of a shape, by those above it; one of which more is covered is left out. With half of it covered there is often no
# telling a square from a disc, and the best that a detector can reach is not known.
COVERED = 0.2
POINTS = 32  # along each side of a shape, at which that is measured
GROUND, SHAPE = (0.1, 0.4), (0.3, 0.6)  # in each channel, the colour of the ground, and by how much shapes are brighter
CELLS, NOISE = (3, 6, 12, 24), 0.04  # of the noise: along each side of the image, and the largest standard deviation
LINES = 3  # at most
WIDTHS = 0.01, 0.03  # of lines
SMALLEST, MAX_OBJECTS = 32, 50
MAX_BYTES = 4 * 10**9


@dataclass(frozen=True)
class Shape:
    """A regular polygon, or a disc for one without corners."""

    label: int
    x: float
    y: float
    radius: float  # of the circle around it
    angle: float  # from its centre to the middle of a side, in radians
    colour: np.ndarray  # [3], from 0 to 1

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return whether points lie within it."""
        x, y, corners = x - self.x, y - self.y, CORNERS[self.label]
        if not corners:
            return np.hypot(x, y) <= self.radius
        angles = self.angle + 2 * np.pi * np.arange(corners) / corners
        within = [x * np.cos(angle) + y * np.sin(angle) <= self.radius * np.cos(np.pi / corners) for angle in angles]
        return np.logical_and.reduce(within)


def prepare(
    *,
    size: PositiveInt = 64,
    train_rows: PositiveInt,
    validation_rows: NonNegativeInt,
    test_rows: PositiveInt,
    objects: PositiveInt,
    seed: Seed,
) -> DataSet:
    """Return scenes of one to `objects` shapes, uint8 [N, size, size, 3], with the box of what is seen of each shape.

    The rows of a part are the first of those of a larger one, and the same scenes at every size. Raises UserError for
    images of less than SMALLEST pixels, more than MAX_OBJECTS, or more bytes than MAX_BYTES.
    """
    if size < SMALLEST:
        raise UserError(f"size is {size}; at least {SMALLEST} pixels are needed to tell a disc from a square")
    if objects > MAX_OBJECTS:
        raise UserError(f"objects is {objects}; at most {MAX_OBJECTS} find room in an image")
    sizes = train_rows, validation_rows, test_rows
    if (numbers := sum(sizes) * size * size * 3) > MAX_BYTES:
        raise UserError(f"all rows × size × size × 3 are {numbers:,} bytes; at most {MAX_BYTES:,} are allowed")
    train, validation, test = (_part(rows, size, objects, [seed, part]) for part, rows in enumerate(sizes))
    mean, std = channel_statistics(train.inputs)
    return DataSet(DESCRIPTION, NAMES, train, validation, test, mean, std)


def _part(rows: int, size: int, objects: int, seed: list[int]) -> Split:
    """Return rows, each drawn from a stream of its own."""
    inputs = large_arrays.new((rows, size, size, 3), "uint8")
    labels = np.full((rows, objects, 5), NONE, "float32")
    for row in range(rows):
        random = np.random.default_rng([*seed, row])
        colour = random.uniform(*GROUND, 3)
        shapes = _uncovered([_shape(colour, random) for _ in range(random.integers(1, objects + 1))])
        image, boxes = _painted(_ground(colour, size, random), shapes)
        inputs[row] = np.round(255 * image.clip(0, 1))
        labels[row, : len(boxes)] = boxes
    return Split(inputs, labels)


def _shape(ground: np.ndarray, random: np.random.Generator) -> Shape:
    """Return a shape within the image, brighter than the ground in each channel."""
    label, radius = int(random.integers(len(NAMES))), random.uniform(*RADII)
    x, y = random.uniform(radius, 1 - radius, 2)
    colour = ground + random.uniform(*SHAPE, 3)
    return Shape(label, x, y, radius, random.normal(0, TILT) + np.pi / 2, colour)


def _uncovered(shapes: list[Shape]) -> list[Shape]:
    """Return the shapes, the lowest first, without those that are covered by more than COVERED."""
    kept: list[Shape] = []  # the highest first
    for shape in reversed(shapes):
        along = shape.radius * np.linspace(-1, 1, POINTS)
        x, y = (values.ravel() for values in np.meshgrid(shape.x + along, shape.y + along))
        own = shape.covers(x, y)
        hidden = np.zeros(np.count_nonzero(own), bool)
        for above in kept:
            hidden |= above.covers(x[own], y[own])
        if hidden.mean() <= COVERED:
            kept.append(shape)
    return kept[::-1]


def _ground(colour: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Return a texture with lines, [size, size, 3]; what is drawn by chance does not depend on the size."""
    places = (np.arange(size) + 0.5) / size
    x, y = places[None, :, None], places[:, None, None]
    image = colour + 0.2 * (random.uniform(-1, 1, 3) * (x - 0.5) + random.uniform(-1, 1, 3) * (y - 0.5))
    for cells in CELLS:
        noise = random.normal(0, random.uniform(0, NOISE), (cells + 1, cells + 1, 3))
        across = np.maximum(1 - abs(cells * places[:, None] - np.arange(cells + 1)), 0)  # [size, cells + 1]
        image += np.einsum("ia,jb,abc->ijc", across, across, noise, optimize=True)
    for _ in range(random.integers(LINES + 1)):
        (at_x, at_y), angle = random.uniform(0, 1, 2), random.uniform(0, np.pi)
        away = abs((x - at_x) * np.cos(angle) + (y - at_y) * np.sin(angle))
        image = np.where(away < random.uniform(*WIDTHS) / 2, random.uniform(0, 1, 3), image)
    return image


def _painted(image: np.ndarray, shapes: list[Shape]) -> tuple[np.ndarray, np.ndarray]:
    """Return an image with shapes, and of what is seen of each the box and the class, [objects, 5]."""
    size = len(image)
    x, y = np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2)
    seen = np.full((size, size), -1)
    for number, shape in enumerate(shapes):
        within = shape.covers(x, y)
        image[within], seen[within] = shape.colour, number
    boxes = []
    for number, shape in enumerate(shapes):
        rows, columns = np.nonzero(seen == number)
        low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
        boxes.append([*np.divide([*low, *high], size), shape.label])
    return image, np.array(boxes)
