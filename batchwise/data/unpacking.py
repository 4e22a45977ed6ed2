"""Gzip files, unpacked in memory, and no further than a publisher's file could go."""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from batchwise.common import files
from batchwise.common.errors import UserError

# What no publisher's file comes near, so that one that was made to fill a memory is refused within a second or so.
MAX_BYTES = 2**28  # unpacked; the largest that is read, CIFAR-10, has 184 million
MAX_RATIO = 50  # unpacked bytes to packed ones: of pictures 1 to 6, of nothing but zeros 1,000
MAX_PARTS = 500  # gzip files one behind the other, which is one again
PIECE = 2**14  # bytes, which unpack to 2**24 at most
GZIP = 31  # tells zlib so


def unpack(path: Path, most: int | None = None) -> bytes:
    """Return what is in a gzip file, which is `most` bytes, MAX_BYTES if that is None.

    Raises UserError if that is more than a publisher's file has; OSError, EOFError, ValueError or zlib.error if it
    cannot be read, is cut off or is something else.
    """
    packed = path.stat().st_size
    limit = min(most or MAX_BYTES, MAX_RATIO * packed + 2**20)
    unpacked = io.BytesIO()
    with files.opened(path) as file:
        for content in _unpacked_pieces(file):
            if unpacked.tell() + len(content) > limit:
                raise refused(path, f"has {packed:,} bytes that unpack to more than {limit:,}, the most that is read")
            unpacked.write(content)
    return unpacked.getvalue()


def _unpacked_pieces(file: BinaryIO) -> Iterator[bytes]:
    parts, piece = 0, file.read(PIECE)
    while piece:
        parts, stream = parts + 1, zlib.decompressobj(GZIP)
        if parts > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} gzip files in one")
        while not stream.eof:
            if not piece:
                raise EOFError("its end is missing")
            yield stream.decompress(piece)
            piece = stream.unused_data or file.read(PIECE)
        while piece and not piece.lstrip(b"\0"):  # zeros fill blocks of tapes up
            piece = file.read(PIECE)
        piece = piece.lstrip(b"\0")


def refused(path: Path, what: str) -> UserError:
    """Return the error for an archive that is not as published."""
    return UserError(f"{path} {what}; put a whole copy of the publisher's file there")
