"""A folder of images with a text file for each in the format of YOLO: `class cx cy width height` for each object.

The last four are fractions of the image as it is seen: the centre of the box, and its sides.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.config import yaml_file
from batchwise.data.annotated import listing
from batchwise.data.annotated.found import WHOLE, Found
from batchwise.data.annotated.listing import Listing
from batchwise.data.box_sides import Box
from batchwise.data.objects import Annotated, Notes

NAMES, YAML = "classes.txt", (".yaml", ".yml")
README = "readme"  # of exports
MAX_BYTES = 2**22  # of a file of boxes; a line takes about 40
MOST_CLASSES = 10_000
FAR = 10.0  # sides of an image; what is farther away is in pixels
EXPECTED = "`class cx cy width height` is expected, the last four as fractions of the image"


def look(folder: Path) -> Found:
    """Return what is in a folder: images beside the text files, or in images/ and those in labels/.

    Images in folders train, val and test have that split. The names of the classes are those of classes.txt or of
    `names` in a YAML file; otherwise their numbers. Raises UserError, with the file, for a line that is none of YOLO,
    for boxes without an image, and for a class without a name.
    """
    notes = Notes()
    paths = listing.everything(folder)
    about = [
        path for path in paths if path.name == NAMES or path.suffix in YAML or path.name.lower().startswith(README)
    ]
    there = listing.of_files(folder, sorted({*paths} - {*about}), ".txt", notes)
    lines = {name: [*_lines(file)] for name, file in there.boxes.items()}
    names = _names(folder, about) or _numbers(lines.values())
    if not names:
        raise UserError(f"{folder} has no box of an object; text files with a line for each are expected: {EXPECTED}")
    annotated = _annotated(there, lines, names)
    parts = listing.by_part(there.images) or {WHOLE: [*there.images]}
    return Found(folder, {part: [annotated[name] for name in found] for part, found in parts.items()}, names, notes)


def _annotated(
    there: Listing, lines: Mapping[str, list[tuple[int, Box]]], names: Sequence[str]
) -> dict[str, Annotated]:
    """Return {name of an image: the image with its boxes}."""
    found = {name: Annotated(path, (), path, left_out=("without_file",)) for name, path in there.images.items()}
    for name, file in there.boxes.items():
        if name not in there.images:
            raise UserError(f"{file} has no image of its name; put the image there, or take the file out of the folder")
        boxes = [(_name(file, names, number), box) for number, box in lines[name]]
        found[name] = Annotated(there.images[name], boxes, file, are_fractions=True)
    return found


def _lines(file: Path) -> Iterator[tuple[int, Box]]:
    """Yield the number of the class and the box of each line."""
    for line in listing.lines(file, MAX_BYTES):
        words = line.split()
        if len(words) != 5:
            kind = {6: "a confidence among them, perhaps: leave it out"}.get(len(words), "a polygon, perhaps")
            some = f", {kind}" if len(words) > 5 else ""
            raise UserError(f"{file}: {shown(line)} has {len(words)} numbers{some}; {EXPECTED}")
        try:
            number, *place = map(float, words)
        except ValueError:
            raise UserError(f"{file}: {shown(line)} are no five numbers; {EXPECTED}") from None
        if not all(map(math.isfinite, place)) or max(map(abs, place)) > FAR:
            raise UserError(f"{file}: {shown(line)} has a number that is no fraction; {EXPECTED}, and not in pixels")
        if not (0 <= number < MOST_CLASSES and number.is_integer()):
            raise UserError(
                f"{file}: {shown(words[0])} is no class; a number from 0 to {MOST_CLASSES - 1:,} is expected"
            )
        x, y, width, height = place
        yield int(number), (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _numbers(lines: Iterable[list[tuple[int, Box]]]) -> tuple[str, ...]:
    """Return the numbers up to the largest, as names of classes."""
    largest = max((number for of_image in lines for number, _ in of_image), default=-1)
    return tuple(map(str, range(largest + 1)))


def _name(file: Path, names: Sequence[str], number: int) -> str:
    if number >= len(names):
        raise UserError(
            f"{file} has the class {number}; there are names of {len(names)} classes, from 0 up: add its name"
        )
    return names[number]


def _names(folder: Path, about: Sequence[Path]) -> tuple[str, ...]:
    """Return the names that files tell, none where there is no such file. Raises UserError for two that differ."""
    told = {path: tuple(listing.lines(path, MAX_BYTES)) for path in about if path.name == NAMES}
    told |= {path: _of_yaml(path) for path in about if path.suffix in YAML and path.parent == folder}
    told = {path: names for path, names in told.items() if names}
    if len({*told.values()}) > 1:
        one, other, *_ = (path.name for path in told)
        raise UserError(f"{folder} has other names of classes in {one} than in {other}; take one of them out")
    return next(iter(told.values()), ())


def _of_yaml(path: Path) -> tuple[str, ...]:
    """Return `names` of a YAML file: a list, or a mapping of the numbers from 0 up; none where there are none."""
    content = yaml_file.read(path)
    names = content.get("names") if isinstance(content, dict) else None
    if names is None:
        return ()
    if isinstance(names, dict) and {*names} == {*range(len(names))}:
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str | int | float) for name in names):
        raise UserError(
            f"{path}: names is {shown(names)}; a list of names is expected, or a mapping of 0, 1, … to names"
        )
    return tuple(map(str, names))
