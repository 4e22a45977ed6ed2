"""Files that hold a checksum of themselves: a bit that changed, anywhere, is seen before anything is made of them."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

import numpy as np

CHECKSUM = "checksum"  # the key of a JSON file
DIGITS = 64  # of a SHA-256 in hexadecimal: the comment of an archive, which is its end
CHUNK = 2**20


def archive(file: IO[bytes], arrays: Mapping[str, Any]) -> None:
    """Write named arrays to a file that can be read too: a NumPy archive, whose comment is the SHA-256 of the rest."""
    np.savez(file, allow_pickle=False, **arrays)
    seal(file)


def seal(file: IO[bytes]) -> None:
    """Give an archive, which can be read too, the SHA-256 of the rest as its comment."""
    with zipfile.ZipFile(file, "a") as opened:
        opened.comment = bytes(DIGITS)
    digest = _digest_of_rest(file)
    file.seek(-DIGITS, 2)
    file.write(digest)


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
