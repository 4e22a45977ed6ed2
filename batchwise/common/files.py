"""Files that are whole or absent: written under a temporary name, then renamed."""

import errno
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO


def opened(path: Path) -> BufferedReader:
    """Return an open file. Raises OSError, which names it, for what is none: a pipe may never end, or never begin."""
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # of a folder the system tells
        raise OSError(errno.EINVAL, "Is a pipe or a device, not a file", str(path))
    return path.open("rb")


def read(path: Path) -> bytes:
    """Return the content of a file. Raises OSError as `opened` does."""
    with opened(path) as file:
        return file.read()


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Let `fill` write the file, then give it its name. A reader never sees a part of it, also after a crash.

    Raises OSError, which names the file, if that is not possible.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except BaseException:
                with suppress(FileNotFoundError):  # its folder is gone
                    os.unlink(file.name)
                raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the file: Python does not where a disk is full."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file of which the whole content is known, as `write` does."""
    write(path, lambda file: file.write(content))


def replace(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a folder, each whole or not at all, and remove whatever else is in it."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()


def append_line(path: Path, line: str) -> None:
    """Add a line with its checksum to a file. It starts with a new one, also after one that a kill left unfinished."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path), path.open("ab", buffering=0) as file:  # one call of the system: lines of processes do not mix
        file.write(f"\n{line},{_checksum(line)}\n".encode())


def matching_lines(path: Path, pattern: str) -> list[tuple[str, ...]]:
    """Return the groups of each line of `append_line` that matches a pattern, none if there is no file.

    What has another checksum is ignored: it was not finished, or is damaged.
    """
    content = read(path).decode(errors="replace").split("\n") if path.exists() else ()
    lines = [line for line, _, checksum in (each.rpartition(",") for each in content) if checksum == _checksum(line)]
    return [found.groups() for line in lines if (found := re.fullmatch(pattern, line, re.ASCII))]


def _checksum(line: str) -> str:
    return f"{zlib.crc32(line.encode()):08x}"
