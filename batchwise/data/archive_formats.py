"""What is in published archives: members of a tar.gz, records of CIFAR, idx arrays. Nothing is extracted to disk."""

import gzip
import math
import struct
import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data.dataset import Split

MAX_BYTES = 2**30  # of one member; the largest that is read, Fashion-MNIST's training images, has 47 million
# What tarfile and gzip raise, among them, for a file that is cut off or is something else.
DAMAGES = (tarfile.TarError, EOFError, OSError, OverflowError, ValueError, zlib.error)


def read_tar(path: Path, names: list[str]) -> dict[str, bytes]:
    """Return {name: content} of members of a tar.gz.

    Raises UserError if the archive is damaged, lacks one of them, or has a member that no publisher would put there: a
    path that leads out of its folder, a link or a device, the same name twice, a size over MAX_BYTES.
    """
    contents: dict[str, bytes] = {}
    seen: set[str] = set()
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                _check_member(path, member, seen)
                seen.add(member.name)
                if member.name in names and (file := archive.extractfile(member)):  # None for a folder
                    contents[member.name] = file.read()
    except DAMAGES as error:
        raise _refused(path, f"is damaged or no tar.gz archive ({error})") from None
    for name in names:
        if name not in contents:
            raise _refused(path, f"has no file {name}")
    return contents


def _check_member(path: Path, member: tarfile.TarInfo, seen: set[str]) -> None:
    place = PurePosixPath(member.name)
    if place.is_absolute() or ".." in place.parts:
        raise _refused(path, f"has the member {member.name!r}, whose path leads out of the archive")
    if not (member.isfile() or member.isdir()):
        raise _refused(path, f"has the member {member.name!r}, which is neither a file nor a folder")
    if member.name in seen:
        raise _refused(path, f"has the member {member.name!r} twice")
    if not 0 <= member.size <= MAX_BYTES:
        raise _refused(path, f"has the member {member.name!r} of {member.size:,} bytes; at most {MAX_BYTES:,} are read")


def cifar_records(path: Path, contents: dict[str, bytes], names: list[str], *, label_bytes: int, classes: int) -> Split:
    """Return uint8 images [N, 32, 32, 3] and int32 labels [N] of CIFAR's binary files, one after the other.

    A record has `label_bytes` labels, of which the last counts, and 3,072 pixels, channel by channel. The contents are
    taken out of `contents`, so that they need no memory afterwards. Raises UserError for other bytes.
    """
    size = label_bytes + 3 * 32 * 32
    for name in names:
        length = len(contents[name])
        if not length or length % size:
            raise _refused(path, f"has {length:,} bytes in {name}; records of {size:,} bytes are needed, one at least")
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
        raise _refused(path, f"names {len(names)} classes; {classes} are needed")
    return names


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Return the uint8 array in a gzipped idx file, the format of MNIST (LeCun, Cortes & Burges).

    Raises UserError if the file is damaged, or holds an array of another type, of other dimensions or without values.
    """
    magic = bytes([0, 0, 8, dimensions])  # 8 is uint8
    try:
        with gzip.open(path) as file:
            header = file.read(4 + 4 * dimensions)
            if len(header) < 4 + 4 * dimensions or not header.startswith(magic):
                raise _refused(path, f"starts with {header[:4].hex()}; {magic.hex()} and a shape are needed")
            shape = struct.unpack(f">{dimensions}I", header[4:])
            size = math.prod(shape)
            if not 0 < size <= MAX_BYTES:
                raise _refused(path, f"has the shape {shape}; 1 to {MAX_BYTES:,} values are needed")
            content = file.read(size + 1)
    except DAMAGES as error:
        raise _refused(path, f"is damaged or no gzip file ({error})") from None
    if len(content) != size:
        few = "more" if len(content) > size else "fewer"
        raise _refused(path, f"has {few} values than the {size:,} of its shape {shape}")
    return np.frombuffer(content, "uint8").reshape(shape)


def idx_images(images: Path, labels: Path, *, shape: tuple[int, int], classes: int) -> Split:
    """Return uint8 images [N, *shape, 1] and int32 labels [N] of two idx files. Raises UserError for other files."""
    pixels, numbers = read_idx(images, 3), read_idx(labels, 1)
    if pixels.shape != (len(numbers), *shape):
        raise _refused(images, f"has the shape {pixels.shape}; {(len(numbers), *shape)} goes with {labels.name}")
    _check_labels(labels, numbers, classes)
    return Split(pixels[..., np.newaxis], numbers.astype("int32"))


def _check_labels(path: Path, labels: np.ndarray, classes: int) -> None:
    if labels.max() >= classes:
        raise _refused(path, f"has the label {labels.max()}; the {classes} classes are labelled 0 to {classes - 1}")


def _refused(path: Path, what: str) -> UserError:
    return UserError(f"{path} {what}; put a whole copy of the publisher's file there")
