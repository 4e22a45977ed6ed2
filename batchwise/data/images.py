"""Images of the user's: bytes of one size, turned as their EXIF data say, on white where they are transparent."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from batchwise.common.errors import UserError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # of others some run programs
STILLS = ("JPEG", "MPO")  # the second is a JPEG with more frames: previews, or what a second lens saw
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")  # of their names
MAX_PIXELS = 100_000_000  # of an image; a small file can unpack to any number of them
ORIENTATION = 0x0112  # the tag of EXIF
PLAIN = {1: "L", 3: "RGB"}  # the mode of so many channels


class Read(NamedTuple):
    """An image as a data set has it, and how it was stored."""

    pixels: np.ndarray  # uint8 [height, width, channels]
    size: tuple[int, int]  # width and height as stored, in pixels
    orientation: int  # of EXIF: 1 as stored, 2 to 8 turned or mirrored
    mode: str  # of Pillow: "RGB", "L", "P", "RGBA", …
    is_transparent: bool  # whether it could be: some of its pixels may be opaque, or all


def read(path: Path, shape: tuple[int, int, int], content: bytes | None = None) -> Read:
    """Return an image as [height, width, channels], of a file or of what is in one.

    Raises UserError, with the path, for what is no image of one frame, is damaged or is too large.
    """
    height, width, channels = shape
    with _opened(path, content) as image:
        facts = image.size, _orientation(image), image.mode, image.has_transparency_data
        pixels = _flat(path, ImageOps.exif_transpose(image)).convert(PLAIN[channels])
        resized = pixels.resize((width, height), Image.Resampling.BILINEAR)
        return Read(np.asarray(resized).reshape(shape), *facts)


def size(path: Path) -> tuple[int, int]:
    """Return the width and the height of an image as it is seen, in pixels. Raises UserError as `read` does."""
    with _opened(path) as image:
        return image.size[::-1] if _orientation(image) >= 5 else image.size


@contextmanager
def _opened(path: Path, content: bytes | None = None) -> Iterator[Image.Image]:
    source = path if content is None else io.BytesIO(content)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(source, formats=FORMATS) as image:
            _check_size(path, image)
            yield image
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except Exception:  # Pillow's decoders raise anything for a damaged file
        raise _no_image(path) from None


def _orientation(image: Image.Image) -> int:
    found = image.getexif().get(ORIENTATION, 1)
    return found if found in range(1, 9) else 1


def _check_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path)
    if image.format not in STILLS and getattr(image, "n_frames", 1) > 1:
        raise UserError(f"{path} has more than one frame; give images that do not move, of one page")


def _no_image(path: Path) -> UserError:
    return UserError(f"{path} is no image, or a damaged one; mend it, or take it out of the folder")


def _too_large(path: Path) -> UserError:
    return UserError(f"{path} has more than {MAX_PIXELS:,} pixels; make it smaller, or take it out of the folder")


def _flat(path: Path, image: Image.Image) -> Image.Image:
    """Return an image of 8 bits a channel that is not transparent. Of 16 bits the upper 8 count, as Pillow has it."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    if image.mode in ("I", "F"):
        raise UserError(f"{path} has pixels of 32 bits, whose range is not known; save it with 8 or 16 bits")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white
    return image
