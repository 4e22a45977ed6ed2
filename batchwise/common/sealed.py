"""Files that hold a checksum of themselves: a bit that changed, anywhere, is seen before anything is made of them."""

import hashlib
import json
import math
import struct
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import IO, Any, Literal

import numpy as np

CHECKSUM = "checksum"  # the key of a JSON file
DIGITS = 64  # of a SHA-256 in hexadecimal: the comment of an archive, which is its end
CHUNK = 2**20
VERSION, SIZES = 4, 18  # where the local header of a file in an archive says how to read it, and its sizes
LENGTHS = 26  # where the local header of a file in an archive says how long its name is, and what follows
NPY_START = 10  # bytes of a .npy file before its header, whose length the last two of them are


def archive(file: IO[bytes], arrays: Mapping[str, Any]) -> None:
    """Write named arrays to a file that can be read too: a NumPy archive, whose comment is the SHA-256 of the rest."""
    np.savez(file, allow_pickle=False, **arrays)
    seal(file, of_numpy=True)


def seal(file: IO[bytes], *, of_numpy: bool = False) -> None:
    """Give an archive, which can be read too, the SHA-256 of the rest as its comment.

    One that is `of_numpy` gets the same bytes from every Python.
    """
    with zipfile.ZipFile(file, "a") as opened:
        opened.comment = bytes(DIGITS)
        if of_numpy:
            _write_headers(file, opened.filelist)
    digest = _digest_of_rest(file)
    file.seek(-DIGITS, 2)
    file.write(digest)


def _write_headers(file: IO[bytes], entries: list[zipfile.ZipInfo]) -> None:
    """Say of each entry that its sizes are where those of large ones are: NumPy asks for this.

    Before 3.11.4, Python wrote both there and where those of small ones are (cpython#103861).
    """
    for entry in entries:
        entry.create_version = entry.extract_version = zipfile.ZIP64_VERSION
        file.seek(entry.header_offset + VERSION)
        file.write(struct.pack("<H", entry.extract_version))
        file.seek(entry.header_offset + SIZES)
        file.write(b"\xff" * 8)


def check_archive(file: IO[bytes]) -> None:
    """Leave a file at its start. Raises ValueError if it is not as `seal` left it, bit for bit."""
    digest = _digest_of_rest(file)
    if file.read() != digest:
        raise ValueError("its checksum is not that of its content")
    file.seek(0)


def _digest_of_rest(file: IO[bytes]) -> bytes:
    """Return the SHA-256 of all but the last DIGITS bytes, behind which the file is left."""
    left, digest = max(0, file.seek(0, 2) - DIGITS), hashlib.sha256()
    file.seek(0)
    while left and (chunk := file.read(min(left, CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()


def archive_bytes(arrays: Mapping[str, Any]) -> bytes:
    """Return what `archive` writes."""
    buffer = BytesIO()
    archive(buffer, arrays)
    return buffer.getvalue()


class Archive:
    """The arrays of what `archive_bytes` wrote, by name; others are not made. Raises ValueError for other bytes.

    They are what numpy.load gives, in a third of its time: a hundred thousand files have arrays of the same few kinds.
    """

    def __init__(self, content: bytes) -> None:
        file = BytesIO(content)
        check_archive(file)
        self.content = content
        with zipfile.ZipFile(file) as opened:
            self.starts = {member.filename: member.header_offset for member in opened.infolist()}

    def __getitem__(self, name: str) -> np.ndarray:
        header = self.starts[f"{name}.npy"]
        start = header + LENGTHS + 4 + sum(struct.unpack_from("<HH", self.content, header + LENGTHS))
        values = start + NPY_START + int.from_bytes(self.content[start + NPY_START - 2 : start + NPY_START], "little")
        dtype, shape, order = _header(self.content[start:values])
        array = np.frombuffer(self.content, dtype, math.prod(shape), values)
        return array.reshape(shape, order=order).copy(order)


@lru_cache(1000)
def _header(header: bytes) -> tuple[np.dtype, tuple[int, ...], Literal["C", "F"]]:
    """Return type, shape and order of an array."""
    file = BytesIO(header)
    np.lib.format.read_magic(file)
    shape, in_fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    return dtype, shape, "F" if in_fortran_order else "C"


def as_json(content: Mapping[str, Any]) -> bytes:
    """Return a JSON file with a checksum of its content."""
    sealed = {**content, CHECKSUM: _checksum(content)}
    return (json.dumps(sealed, indent=2, ensure_ascii=False) + "\n").encode()


def from_json(text: bytes) -> dict[str, Any]:
    """Return the content that `as_json` was given. Raises ValueError if the bytes hold another, or none."""
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    if not isinstance(content, dict) or content.pop(CHECKSUM, None) != _checksum(content):
        raise ValueError("its checksum is not that of its content")
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
