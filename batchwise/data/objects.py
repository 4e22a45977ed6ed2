"""Images with boxes around objects, as their files have them, become a data set; what is mended or left out is counted.

Boxes are in pixels of the image as it is stored, or as it is seen, which EXIF data may turn: the size that goes with
the boxes says which, where the two are not of the same shape. Otherwise they are of the image as it is seen.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import box_sides, images, large_arrays
from batchwise.data.box_checks import NONE
from batchwise.data.box_sides import Box
from batchwise.data.dataset import Split

MOST_OBJECTS = 1000  # of an image; every image has room for as many as the fullest one
FIRST = 3  # of the files that a note names

# What is said of images, of boxes and of other files, of so many: {key: (of one, of several)}.
NOTES = {
    "turned": ("image was turned as its EXIF data say", "images were turned as their EXIF data say"),
    "turned_boxes": ("image had its boxes turned with it", "images had their boxes turned with them"),
    "seen_boxes": (
        "image was turned, and nothing says whether its boxes are of it as it is stored; they were taken to be of it "
        "as it is seen: if not, remove the orientation from its EXIF data",
        "images were turned, and nothing says whether their boxes are of them as they are stored; they were taken to "
        "be of them as they are seen: if not, remove the orientation from their EXIF data",
    ),
    "other_size": (
        "image has another size than its boxes are given for, which were scaled with it",
        "images have another size than their boxes are given for, which were scaled with them",
    ),
    "grey": ("image is grey", "images are grey"),
    "palette": ("image has a palette of colours", "images have a palette of colours"),
    "deep": (
        "image has 16 bits a pixel, of which the upper 8 count",
        "images have 16 bits a pixel, of which the upper 8 count",
    ),
    "transparent": (
        "image can be seen through (alpha), and stands on white",
        "images can be seen through (alpha), and stand on white",
    ),
    "without_objects": ("image has no object", "images have no object"),
    "without_file": (
        "image has no file of boxes, and counts as one without an object",
        "images have no file of boxes, and count as images without an object",
    ),
    "unlisted": (
        "image is not among those that are listed, and was left out",
        "images are not among those that are listed, and were left out",
    ),
    "others": (
        "file is neither an image nor a file of boxes, and was left out",
        "files are neither images nor files of boxes, and were left out",
    ),
    "exchanged": (
        "box had a right side left of its left one, or a bottom above its top; the sides were exchanged",
        "boxes had a right side left of the left one, or a bottom above the top; the sides were exchanged",
    ),
    "cut": ("box reached beyond its image, and was cut at the edge", "boxes reached beyond their image, and were cut"),
    "outside": ("box was outside its image, and was left out", "boxes were outside their image, and were left out"),
    "empty": ("box had no area, and was left out", "boxes had no area, and were left out"),
    "thin": (
        "box was narrower than a ten-thousandth of its image, and was left out",
        "boxes were narrower than a ten-thousandth of their image, and were left out",
    ),
    "double": ("box was there twice, and was left out once", "boxes were there before, and were left out"),
    "crowd": ("box is around a crowd, and was left out", "boxes are around crowds, and were left out"),
}


@dataclass(frozen=True)
class Annotated:
    """An image with the boxes of its objects, as files have them."""

    path: Path  # of the image
    boxes: Sequence[tuple[str, Box]]  # the name of the class, and the box
    file: Path  # of the boxes
    size: tuple[int, int] | None = None  # width and height in pixels that go with the boxes
    are_fractions: bool = False  # of the image, and no pixels
    content: bytes | None = None  # of the image; None: of the file
    left_out: Sequence[str] = ()  # keys of NOTES, for each of what was left out before


@dataclass
class Notes:
    """What is mended or left out: of how many, and the first files of it."""

    counts: Counter[str] = field(default_factory=Counter)
    files: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # one more than is named

    def add(self, key: str, file: Path) -> None:
        """Count one of a kind."""
        self.counts[key] += 1
        if len(self.files[key]) <= FIRST and file.name not in self.files[key]:
            self.files[key].append(file.name)

    def sentences(self) -> tuple[str, ...]:
        """Return what is said of all of them."""
        return tuple(self._sentence(key) for key in NOTES if self.counts[key])

    def _sentence(self, key: str) -> str:
        names = self.files[key]
        some = ", ".join(map(shown, names[:FIRST])) + (", …" if len(names) > FIRST else "")
        return f"{self.counts[key]:,} {NOTES[key][self.counts[key] > 1]} ({some})"


def split(
    annotated: Sequence[Annotated], names: Sequence[str], shape: tuple[int, int, int], notes: Notes
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return images uint8 [N, *shape], and the boxes of each, [objects, 5] with fractions and the class.

    `names` are those of the classes. Raises UserError, with the file, for an image that cannot be read, and for a box
    that is none.
    """
    inputs = large_arrays.new((len(annotated), *shape), "uint8")
    boxes = []
    for row, image in enumerate(annotated):
        read = images.read(image.path, shape, image.content)
        inputs[row] = read.pixels
        _note_image(image, read, notes)
        found = [*_boxes(image, read, {name: label for label, name in enumerate(names)}, notes)]
        if len(found) > MOST_OBJECTS:
            raise UserError(f"{image.file} has {len(found):,} boxes; at most {MOST_OBJECTS:,} of an image are taken")
        if not found:
            notes.add("without_objects", image.file)
        boxes.append(np.array(found, "float32").reshape(-1, 5))
    return inputs, boxes


def labels(boxes: Sequence[np.ndarray], room: int) -> np.ndarray:
    """Return the labels of boxes [objects, 5] of each row, [N, room, 5], filled up with −1."""
    found = np.full((len(boxes), room, 5), NONE, "float32")
    for row, of_row in enumerate(boxes):
        found[row, : len(of_row)] = of_row
    return found


def parts(read: Sequence[tuple[np.ndarray, list[np.ndarray]]]) -> list[Split]:
    """Return parts of a data set, of what `split` returns for each: with as much room for objects in all."""
    room = max((len(of_row) for _, boxes in read for of_row in boxes), default=0)
    return [Split(inputs, labels(boxes, max(room, 1))) for inputs, boxes in read]


def _note_image(image: Annotated, read: images.Read, notes: Notes) -> None:
    said = {
        "turned": read.orientation > 1,
        "grey": read.mode in ("1", "L", "LA") or read.mode.startswith("I;16"),
        "palette": read.mode in ("P", "PA"),
        "deep": read.mode.startswith("I;16"),
        "transparent": read.is_transparent,
        "other_size": bool(image.boxes and image.size and image.size not in (read.size, read.size[::-1])),
    }
    for key, is_so in said.items():
        if is_so:
            notes.add(key, image.path)
    for key in image.left_out:
        notes.add(key, image.file)


def _boxes(image: Annotated, read: images.Read, numbers: dict[str, int], notes: Notes) -> Iterator[tuple[float, ...]]:
    """Yield the boxes of an image within it, as fractions of it as it is seen, with the number of the class."""
    as_seen, met = _as_seen(image, read, notes), set()
    for name, box in image.boxes:
        if not all(map(math.isfinite, box)):
            raise UserError(f"{image.file}: a box of {shown(name)} is {[*box]}; four finite numbers are expected")
        sides, said = box_sides.within(as_seen(box))
        for key in said:
            notes.add(key, image.file)
        if sides is None:
            continue
        of_class = (*(float(np.float32(side)) for side in sides), float(numbers[name]))
        if of_class in met:
            notes.add("double", image.file)
            continue
        met.add(of_class)
        yield of_class


def _as_seen(image: Annotated, read: images.Read, notes: Notes) -> Callable[[Box], Box]:
    """Return what makes of a box, as its file has it, fractions of the image as it is seen."""
    seen = read.size[::-1] if read.orientation >= 5 else read.size
    width, height = (1, 1) if image.are_fractions else image.size or seen
    shape = _shape(image.size) if image.size and not image.are_fractions else 0
    is_turned = read.orientation >= 5 and shape != 0 and shape == _shape(read.size)
    if image.boxes and is_turned:
        notes.add("turned_boxes", image.file)
    elif image.boxes and read.orientation > 1 and not (read.orientation >= 5 and shape == _shape(seen) != 0):
        notes.add("seen_boxes", image.file)

    def place(box: Box) -> Box:
        fractions = box[0] / width, box[1] / height, box[2] / width, box[3] / height
        return box_sides.turned(fractions, read.orientation) if is_turned else fractions

    return place


def _shape(size: tuple[int, int]) -> int:
    """Return 1 for an image that is wider than high, −1 for a higher one, 0 for a square."""
    return (size[0] > size[1]) - (size[0] < size[1])
