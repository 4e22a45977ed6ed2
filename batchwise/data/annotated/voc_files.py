"""A folder of images with an XML file for each in the format of Pascal VOC, and the split in its ImageSets/Main."""

from pathlib import Path, PurePosixPath

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import voc
from batchwise.data.annotated import listing
from batchwise.data.annotated.found import WHOLE, Found
from batchwise.data.annotated.listing import UNLISTED, Listing
from batchwise.data.objects import Annotated, Notes

LISTS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
FOLDER = "ImageSets"  # it has lists of other tasks and of single classes, too
MAX_BYTES = 2**24  # of a list


def look(folder: Path) -> Found:
    """Return what is in a folder: images beside the XML files, or in JPEGImages/ and those in Annotations/.

    Classes are sorted by name. Raises UserError, with the file, for XML that is none of Pascal VOC, for boxes without
    an image, and for lists that name other images.
    """
    notes = Notes()
    paths = [path for path in listing.everything(folder) if folder / FOLDER not in path.parents]
    there = listing.of_files(folder, paths, ".xml", notes)
    annotated = _annotated(there)
    names = sorted({name for image in annotated.values() for name, _ in image.boxes})
    if not names:
        raise UserError(f"{folder} has no box of an object; XML files with an <object> for each are expected")
    parts = _listed(folder, there) or listing.by_part(there.images) or {WHOLE: [*there.images]}
    images = {part: [annotated[name] for name in sorted(listed)] for part, listed in parts.items()}
    return Found(folder, images, tuple(names), notes)


def _annotated(there: Listing) -> dict[str, Annotated]:
    """Return {name of an image: the image with its boxes}."""
    found: dict[str, Annotated] = {}
    for own_name, file in there.boxes.items():
        read = voc.parse(file, listing.content(file, voc.MAX_BYTES))
        name = _name_of_image(there, own_name, file, read.image)
        if name in found:
            raise UserError(f"{file} and {found[name].file} are both of {there.images[name]}; take one of them out")
        found[name] = Annotated(there.images[name], read.boxes, file, read.size)
    without = {name: Annotated(path, (), path, left_out=("without_file",)) for name, path in there.images.items()}
    return without | found


def _name_of_image(there: Listing, own_name: str, file: Path, told: str) -> str:
    """Return the name of the image that a file is of: its own, or that which it tells."""
    beside = PurePosixPath(own_name).parent / listing.place(file, told).with_suffix("") if told else None
    for name in (own_name, str(beside)):
        if name in there.images:
            return name
    also = f", nor one of the name {shown(told)}, which it says" if told else ""
    raise UserError(f"{file} has no image of its name{also}; put the image there, or take the file out of the folder")


def _listed(folder: Path, there: Listing) -> dict[str, list[str]] | None:
    """Return {part: names of images} of the lists in ImageSets/Main, with those in none as UNLISTED."""
    files = {part: folder / FOLDER / "Main" / name for part, name in LISTS.items()}
    parts = {part: _names(file, there) for part, file in files.items() if file.is_file()}
    if "train" not in parts:
        return None
    part_of: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            if name in part_of:
                raise UserError(f"{files[part]} has {shown(name)}, which is in {LISTS[part_of[name]]} already")
            part_of[name] = part
    others = [name for name in there.images if name not in part_of]
    return parts | ({UNLISTED: others} if others else {})


def _names(file: Path, there: Listing) -> list[str]:
    names = listing.lines(file, MAX_BYTES)
    for name in names:
        if name not in there.images:
            raise UserError(f"{file} has {shown(name)}, and there is no image of that name; names have no ending there")
    if not names:
        raise UserError(f"{file} names no image; write one on each line, or remove the file")
    return names
