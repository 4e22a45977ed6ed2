"""A JSON file of boxes in the format of COCO (Lin et al. 2014, arXiv 1405.0312), and the folder of its images."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data.annotated import listing
from batchwise.data.annotated.found import WHOLE, Found
from batchwise.data.box_sides import Box
from batchwise.data.objects import Annotated, Notes

MAX_BYTES = 2**28  # of the file; a box takes 100 to 1,000
LISTS = ("images", "annotations", "categories")
Entry = dict[str, Any]


def look(file: Path, folder: Path) -> Found:
    """Return what is in a file, with the images of a folder; classes are in the order of the numbers of `categories`.

    Boxes around crowds (`iscrowd`: 1) are noted, and images that the file does not list. Raises UserError, with the
    value, for what is not as in COCO, for a number without an entry, or with two, and for an image that is not there.
    """
    notes, content = Notes(), _content(file)
    names = {
        number: _text(file, entry, "name") for number, entry in sorted(_by_number(file, content, LISTS[2]).items())
    }
    images = _by_number(file, content, "images")
    paths = _paths(file, folder, images, notes)
    boxes, crowds = defaultdict(list), defaultdict(list)
    for entry in _entries(file, content, "annotations"):
        image, category = (
            _known(file, entry, key, known) for key, known in (("image_id", images), ("category_id", names))
        )
        if entry.get("iscrowd") in (1, True):
            crowds[image].append("crowd")
        else:
            boxes[image].append((names[category], _box(file, entry)))
    annotated = [
        Annotated(paths[number], boxes[number], paths[number], _size(file, entry), left_out=crowds[number])
        for number, entry in images.items()
    ]
    return Found(folder, {WHOLE: annotated}, tuple(names.values()), notes)


def _content(file: Path) -> Entry:
    try:
        content = json.loads(listing.content(file, MAX_BYTES))
    except (ValueError, RecursionError) as error:  # no text, no JSON, or nested too deep
        raise UserError(f"{file} is no JSON ({error}); a file in the format of COCO is expected") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in LISTS):
        raise UserError(f"{file} is not in the format of COCO: a mapping with the lists {', '.join(LISTS)} is expected")
    return content


def _entries(file: Path, content: Entry, key: str) -> Iterator[Entry]:
    for entry in content[key]:
        if not isinstance(entry, dict):
            raise UserError(f"{file}: {key} has {shown(entry)}; a mapping is expected for each")
        yield entry


def _by_number(file: Path, content: Entry, key: str) -> dict[int, Entry]:
    """Return {id: entry} of a list."""
    found: dict[int, Entry] = {}
    for entry in _entries(file, content, key):
        number = _whole(file, entry, "id", key)
        if number in found:
            raise UserError(f"{file}: {key} has the id {number} twice; each needs one of its own")
        found[number] = entry
    if not found:
        raise UserError(f"{file}: {key} is empty; one entry is needed at least")
    return found


def _paths(file: Path, folder: Path, images: dict[int, Entry], notes: Notes) -> dict[int, Path]:
    """Return {id: file} of the images, which is sought in the folder; others that are there are noted."""
    there = {path.relative_to(folder).as_posix(): path for path in listing.everything(folder)}
    number_of: dict[str, int] = {}
    for number, entry in images.items():
        name = str(listing.place(file, _text(file, entry, "file_name")))
        if name in number_of:
            raise UserError(f"{file}: the images {number_of[name]} and {number} have the same file_name, {shown(name)}")
        if name not in there:
            raise UserError(
                f"{file}: the image {shown(name)} is not in {folder}; put it there, or take it out of the file"
            )
        number_of[name] = number
    for name, path in there.items():
        if name not in number_of and path.resolve() != file.resolve():
            notes.add("unlisted" if listing.is_image(path) else "others", path)
    return {number: there[name] for name, number in number_of.items()}


def _box(file: Path, entry: Entry) -> Box:
    """Return the sides of `bbox`: left, top, width, height."""
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise UserError(f"{file}: bbox is {shown(box)}; [left, top, width, height] in pixels is expected")
    left, top, width, height = map(float, box)
    return left, top, left + width, top + height


def _size(file: Path, entry: Entry) -> tuple[int, int] | None:
    """Return the width and the height of an image, None if they are not said."""
    width, height = entry.get("width"), entry.get("height")
    if width is None or height is None:
        return None
    if not (_is_number(width) and _is_number(height) and min(width, height) >= 1):
        raise UserError(
            f"{file}: an image has the width {shown(width)} and the height {shown(height)}; pixels are expected"
        )
    return int(width), int(height)


def _known(file: Path, entry: Entry, key: str, known: dict[int, Any]) -> int:
    number = _whole(file, entry, key, "annotations")
    if number not in known:
        raise UserError(f"{file}: {key} is {number}, which is not listed; add its entry, or take the annotation out")
    return number


def _whole(file: Path, entry: Entry, key: str, of: str) -> int:
    value = entry.get(key)
    if not (_is_number(value) and float(value).is_integer()):
        raise UserError(f"{file}: {key} in {of} is {shown(value)}; a whole number is expected")
    return int(value)


def _text(file: Path, entry: Entry, key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{file}: {key} is {shown(value)}; a text is expected")
    return value


def _is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a finite number, which true and false are not."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
