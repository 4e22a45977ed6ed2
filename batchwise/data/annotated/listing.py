"""Files of images and of boxes in a folder, and which of them belong together: those that have the same name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from batchwise.common import files
from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import images, local_files
from batchwise.data.leftovers import is_leftover
from batchwise.data.objects import Notes
from batchwise.data.split_rules import PARTS

OF_IMAGES = ("jpegimages", "images")  # folders, in any case; a folder of boxes stands beside
OF_BOXES = ("annotations", "labels")
UNLISTED = "unlisted"  # of images of no part where there is a split


@dataclass(frozen=True)
class Listing:
    """What is in a folder: {name: file}, by name. A name is a path without its ending and without OF_IMAGES, OF_BOXES.

    So images/train/a.jpg, labels/train/a.txt and train/a.txt are all called train/a.
    """

    images: dict[str, Path]
    boxes: dict[str, Path]


def of_files(folder: Path, paths: Sequence[Path], ending: str, notes: Notes) -> Listing:
    """Return the images among files in a folder, and the files of boxes, whose names have an ending, `.xml` say.

    Where there is a folder for images, those outside of it are none. Other files are noted. Raises UserError if there
    is no image, or if two of them, or two files of boxes, have the same name.
    """
    pictures = [path for path in paths if is_image(path)]
    inner = [path for path in pictures if {*_folders(folder, path)} & {*OF_IMAGES}] or pictures
    boxes = [path for path in paths if path.suffix.lower() == ending]
    for path in sorted({*paths} - {*inner, *boxes}):
        notes.add("others", path)
    if not inner:
        raise UserError(f"{folder} has no image; put images there, of these endings: {', '.join(images.ENDINGS)}")
    return Listing(_by_name(folder, inner), _by_name(folder, boxes))


def everything(folder: Path) -> list[Path]:
    """Return the files in a folder and below, sorted. Raises UserError for what is no folder."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give one with images in it")
    return sorted(path for path in local_files.contents(folder) if not is_leftover(folder, path))


def is_image(path: Path) -> bool:
    """Return whether a file is an image by its ending."""
    return path.suffix.lower() in images.ENDINGS


def by_part(found: Mapping[str, Path]) -> dict[str, list[str]] | None:
    """Return {part: names} where images are in folders train, val, test, …, which may be called as in split_rules.

    None where there is no folder `train`; those that are in none of them are UNLISTED.
    """
    parts: dict[str, list[str]] = {}
    for name in found:
        known = [PARTS[folder] for folder in name.casefold().split("/")[:-1] if folder in PARTS]
        parts.setdefault(known[0] if known else UNLISTED, []).append(name)
    return parts if "train" in parts else None


def content(path: Path, most: int) -> bytes:
    """Return the content of a file. Raises UserError, with the file, if it cannot be read, or has more bytes."""
    try:
        if (size := path.stat().st_size) > most:
            raise UserError(f"{path} has {size:,} bytes; at most {most:,} are read: split it, or take it out")
        return files.read(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def lines(path: Path, most: int) -> list[str]:
    """Return the lines of a text, without those that are empty. Raises UserError as `content` does, and for no text."""
    try:
        text = content(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text in UTF-8 ({error.reason} at byte {error.start:,}); save it as such"
        ) from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def place(file: Path, name: str) -> PurePosixPath:
    """Return the path within a folder that a file gives of an image, of any system. Raises UserError if it leads out.

    A file is read if it is among those of the folder alone, but a name that leads out of it is a mistake, or worse.
    """
    path = PureWindowsPath(name)
    if path.anchor or ".." in path.parts or not path.name:
        raise UserError(f"{file} names the image {shown(name)}, a path out of the folder; write its path within it")
    return PurePosixPath(*path.parts)


def _folders(folder: Path, path: Path) -> list[str]:
    return [part.lower() for part in path.relative_to(folder).parts[:-1]]


def _by_name(folder: Path, paths: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        inner = path.relative_to(folder)
        kept = [part for part in inner.parts[:-1] if part.lower() not in (*OF_IMAGES, *OF_BOXES)]
        name = "/".join([*kept, inner.stem])
        if name in found:
            raise UserError(f"{path} and {found[name]} have the same name, {shown(name)}; rename one of them")
        found[name] = path
    return dict(sorted(found.items()))
