"""What is in published archives: members of a tar.gz, records of CIFAR, idx arrays. Nothing is extracted to disk."""

import io
import math
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from batchwise.common.messages import shown
from batchwise.data.dataset import Split
from batchwise.data.unpacking import MAX_BYTES, MAX_RATIO, refused, unpack

MAX_MEMBERS = 300  # of a tar; CIFAR has 8
MAX_ZIPPED = 10_000  # files of a zip that are read
MEAN_HEADER, MAX_HEADER = 1750, 2**11  # bytes of a header of a tar, mostly 512, over all members; and of one
# What tarfile and zlib raise, among them, for a file that is cut off or is something else.
DAMAGES = (tarfile.TarError, EOFError, OSError, OverflowError, RecursionError, ValueError, zlib.error)


def read_tar(path: Path, names: list[str]) -> dict[str, bytes]:
    """Return {name: content} of members of a tar.gz.

    Raises UserError as `read_members` does, and if the archive lacks one of them.
    """
    contents = read_members(path, names.__contains__)
    for name in names:
        if name not in contents:
            raise refused(path, f"has no file {name}")
    return contents


def read_members(
    path: Path, is_wanted: Callable[[str], Any], *, most_members: int = MAX_MEMBERS, most_bytes: int | None = None
) -> dict[str, bytes]:
    """Return {name: content} of the members of a tar.gz whose names are wanted.

    Raises UserError if the archive is damaged, has more members or bytes than any publisher's, or a member that no
    publisher would put there: a path that leads out of its folder, a link or a device, the same name twice, a size that
    it does not have.
    """
    contents: dict[str, bytes] = {}
    seen: set[str] = set()
    try:
        unpacked = unpack(path, most_bytes)
        with tarfile.open(fileobj=_Headers(unpacked, most_members), mode="r:") as archive:
            for member in archive:
                _check_member(path, member, seen, most_members, len(unpacked))
                seen.add(member.name)
                if member.isfile() and is_wanted(member.name):
                    contents[member.name] = unpacked[member.offset_data : member.offset_data + member.size]
    except DAMAGES as error:
        raise refused(path, f"is damaged or no tar.gz archive ({error})") from None
    return contents


class _Headers(io.BytesIO):
    """A tar of which headers are read, and no more or longer ones than a publisher's has: tarfile has no limit."""

    def __init__(self, unpacked: bytes, most_members: int) -> None:
        super().__init__(unpacked)
        self.most = self.left = MEAN_HEADER * most_members

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= min(self.left, MAX_HEADER):
            raise ValueError(f"headers of more than {self.most:,} bytes, or one of more than {MAX_HEADER:,}")
        self.left -= size
        return super().read(size)


def _check_member(path: Path, member: tarfile.TarInfo, seen: set[str], most: int, unpacked: int) -> None:
    place, name = PurePosixPath(member.name), shown(member.name)
    if place.is_absolute() or ".." in place.parts:
        raise refused(path, f"has the member {name}, whose path leads out of the archive")
    if not (member.isfile() or member.isdir()) or member.issparse():
        raise refused(path, f"has the member {name}, which is neither a file nor a folder")
    if member.name in seen:
        raise refused(path, f"has the member {name} twice")
    if len(seen) == most:
        raise refused(path, f"has more than {most} members, the most that are read")
    if not 0 <= member.size <= unpacked:
        raise refused(path, f"has the member {name} of {member.size:,} bytes, and {unpacked:,} bytes in all")


def read_zip(path: Path, is_wanted: Callable[[str], Any]) -> dict[str, bytes]:
    """Return {name: content} of the members of a zip whose names are wanted.

    Raises UserError as `read_members` does, but for what is not wanted, which is not looked at.
    """
    contents: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = [member for member in archive.infolist() if not member.is_dir() and is_wanted(member.filename)]
            size = sum(member.file_size for member in wanted)
            if len(wanted) > MAX_ZIPPED or size > min(MAX_BYTES, MAX_RATIO * path.stat().st_size):
                raise refused(path, f"has {len(wanted):,} files of {size:,} bytes, more than any publisher's")
            for member in wanted:
                if member.filename in contents:
                    raise refused(path, f"has the member {shown(member.filename)} twice")
                contents[member.filename] = _content_of(archive, member)
    except (*DAMAGES, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # one with a password, say
        raise refused(path, f"is damaged or no zip archive ({error})") from None
    return contents


def _content_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return what is in a file of a zip: no more than it says, for `read` would unpack all that there is.

    Its sum is compared. Raises ValueError for other methods than the usual ones, which would unpack it all, too.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{shown(member.filename)} is neither stored nor deflated")
    with archive.open(member) as file:
        return file.read(member.file_size)


def cifar_records(path: Path, contents: dict[str, bytes], names: list[str], *, label_bytes: int, classes: int) -> Split:
    """Return uint8 images [N, 32, 32, 3] and int32 labels [N] of CIFAR's binary files, one after the other.

    A record has `label_bytes` labels, of which the last counts, and 3,072 pixels, channel by channel. The contents are
    taken out of `contents`, so that they need no memory afterwards. Raises UserError for other bytes.
    """
    size = label_bytes + 3 * 32 * 32
    for name in names:
        length = len(contents[name])
        if not length or length % size:
            raise refused(path, f"has {length:,} bytes in {name}; records of {size:,} bytes are needed, one at least")
    records = np.frombuffer(b"".join(contents.pop(name) for name in names), "uint8").reshape(-1, size)
    pixels = records[:, label_bytes:].reshape(-1, 3, 32, 32)  # [N, channels, height, width]
    labels = records[:, label_bytes - 1].astype("int32")
    _check_labels(path, labels, classes)
    return Split(np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), labels)


def class_names(path: Path, content: bytes, classes: int) -> tuple[str, ...]:
    """Return the names in a text with one on each line. Raises UserError if they are not as many as classes."""
    lines = content.decode("utf-8", errors="replace").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != classes:
        raise refused(path, f"names {len(names)} classes; {classes} are needed")
    return names


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Return the uint8 array in a gzipped idx file, the format of MNIST (LeCun, Cortes & Burges).

    Raises UserError if the file is damaged, or holds an array of another type, of other dimensions or without values.
    """
    magic, start = bytes([0, 0, 8, dimensions]), 4 + 4 * dimensions  # 8 is uint8
    try:
        content = unpack(path)
    except DAMAGES as error:
        raise refused(path, f"is damaged or no gzip file ({error})") from None
    if len(content) < start or not content.startswith(magic):
        raise refused(path, f"starts with {content[:4].hex()}; {magic.hex()} and a shape are needed")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    size, found = math.prod(shape), len(content) - start
    if not 0 < size <= MAX_BYTES:
        raise refused(path, f"has the shape {shape}; 1 to {MAX_BYTES:,} values are needed")
    if found != size:
        few = "more" if found > size else "fewer"
        raise refused(path, f"has {found:,} values, {few} than the {size:,} of its shape {shape}")
    return np.frombuffer(content, "uint8", offset=start).reshape(shape)


def idx_images(images: Path, labels: Path, *, shape: tuple[int, int], classes: int) -> Split:
    """Return uint8 images [N, *shape, 1] and int32 labels [N] of two idx files. Raises UserError for other files."""
    pixels, numbers = read_idx(images, 3), read_idx(labels, 1)
    if pixels.shape != (len(numbers), *shape):
        raise refused(images, f"has the shape {pixels.shape}; {(len(numbers), *shape)} goes with {labels.name}")
    _check_labels(labels, numbers, classes)
    return Split(pixels[..., np.newaxis], numbers.astype("int32"))


def _check_labels(path: Path, labels: np.ndarray, classes: int) -> None:
    if labels.max() >= classes:
        raise refused(path, f"has the label {labels.max()}; the {classes} classes are labelled 0 to {classes - 1}")
