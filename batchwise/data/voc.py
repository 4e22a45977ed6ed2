"""Files of boxes in the format of Pascal VOC (Everingham et al. 2010): an XML file for each image."""

import math
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from batchwise.common.errors import UserError
from batchwise.common.messages import cut, shown
from batchwise.data.box_sides import Box

SIDES = ("xmin", "ymin", "xmax", "ymax")
MAX_BYTES = 2**22  # of a file; a box takes about 300


class Annotation(NamedTuple):
    """What is in a file."""

    image: str  # the name of the image's file, empty if it is not said
    size: tuple[int, int] | None  # width and height in pixels
    boxes: list[tuple[str, Box]]  # the name of the class, and the box in pixels


def parse(file: Path, content: bytes) -> Annotation:
    """Return what is in a file. Raises UserError, with the file, if it is no such XML."""
    if len(content) > MAX_BYTES:
        raise UserError(f"{file} has {len(content):,} bytes; a file of boxes has at most {MAX_BYTES:,}")
    root = _root(file, content)
    if root.tag != "annotation":
        raise UserError(f"{file} is a {shown(root.tag)}; an <annotation> of Pascal VOC is expected")
    size = tuple(_number(root, f"size/{side}") for side in ("width", "height"))
    known = all(math.isfinite(side) and side >= 1 for side in size)
    boxes = [_box(file, entry) for entry in root.iter("object")]
    return Annotation(_text(root, "filename"), (int(size[0]), int(size[1])) if known else None, boxes)


class _Plain(ElementTree.TreeBuilder):
    """Makes a tree of what defines no entities: they could be files, or grow to any size."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it has a document type, <!DOCTYPE …>, which could define entities")


def _root(file: Path, content: bytes) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_Plain())
    try:
        parser.feed(content)
        return parser.close()
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the others are of encodings
        raise UserError(
            f"{file} is no XML with boxes ({cut(str(error), 200)}); mend it, or take it out of the folder"
        ) from None


def _box(file: Path, entry: ElementTree.Element) -> tuple[str, Box]:
    name = _text(entry, "name")
    if not name:
        raise UserError(f"{file}: an object has no name; write the class between <name> and </name>")
    left, top, right, bottom = (_number(entry, f"bndbox/{side}") for side in SIDES)
    if not all(map(math.isfinite, (left, top, right, bottom))):
        found = [entry.findtext(f"bndbox/{side}") for side in SIDES]
        raise UserError(f"{file}: the box of {shown(name)} has the sides {shown(found)}; four numbers are expected")
    return name, (left, top, right, bottom)


def _text(entry: ElementTree.Element, path: str) -> str:
    """Return the text at a path in one line, empty if there is none."""
    return " ".join((entry.findtext(path) or "").split())


def _number(entry: ElementTree.Element, path: str) -> float:
    """Return the number at a path, NaN for what is none."""
    try:
        return float(entry.findtext(path) or "nan")
    except ValueError:
        return math.nan
