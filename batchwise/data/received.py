"""Files that a machine lacks come to it in pieces, and are kept there in `data/received/<SHA-256 of their list>/`.

A piece is written at its place in a file with a temporary name. The whole file must have the SHA-256 of the list before
it gets its own; what a transfer left that was cut is where the next one goes on. Several processes may write the same
file: they write the same bytes at the same places.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from batchwise.common import files
from batchwise.common.repository import ROOT

RECEIVED = "data/received"  # seen from the root of the project, which is another path on another machine
PIECE = 2**23  # bytes: Dask warns of messages of more than 10 MB


@dataclass(frozen=True)
class FileList:
    """Files of a folder, which is seen from the root of the project: {name: (bytes, SHA-256)}."""

    folder: str
    files: dict[str, tuple[int, str]]

    @property
    def received(self) -> str:
        """The folder in which they are kept where they had to be sent."""
        lines = "".join(f"{sha256}  {name}\n" for name, (_, sha256) in sorted(self.files.items()))
        return f"{RECEIVED}/{hashlib.sha256(lines.encode()).hexdigest()}"

    def found(self) -> str | None:
        """Return the folder here that has all of the files, whole; None if there is none."""
        return next((folder for folder in (self.folder, self.received) if self._are_in(ROOT / folder)), None)

    def _are_in(self, folder: Path) -> bool:
        return all(_is_whole(folder / name, *facts) for name, facts in self.files.items())

    def missing(self) -> dict[str, int]:
        """Return {name: from which byte on it is to be sent} of the files that are not whole in `received`."""
        folder = ROOT / self.received
        lacking = [name for name, facts in self.files.items() if not _is_whole(folder / name, *facts)]
        return {name: _bytes(_part(folder / name)) for name in lacking}


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file, and where in it they begin."""

    of: FileList
    name: str
    start: int
    content: bytes


def listed(folder: Path, names: Iterable[str]) -> FileList:
    """Return the list of files of a folder. Raises OSError for one that cannot be read."""
    return FileList(os.path.relpath(folder, ROOT), {name: _facts(folder / name) for name in names})


def pieces(of: FileList, missing: dict[str, int]) -> Iterator[Piece]:
    """Yield what a machine that lacks files is to get, one at a time in memory. Raises OSError as `listed` does."""
    for name, start in missing.items():
        with files.opened(ROOT / of.folder / name) as file:
            file.seek(start)
            while content := file.read(PIECE):
                yield Piece(of, name, file.tell() - len(content), content)
        if start >= of.files[name][0]:  # an empty file, or one that was whole but for its name
            yield Piece(of, name, start, b"")


def receive(piece: Piece) -> None:
    """Write a piece; with the last of a file, give it its name, or remove it if it is another.

    Raises OSError, which names the file, where that is not possible: a disk that is full, say.
    """
    path = ROOT / piece.of.received / piece.name
    size, sha256 = piece.of.files[piece.name]
    with files.naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(_part(path), os.O_CREAT | os.O_RDWR, 0o644), "r+b") as file:
            file.seek(piece.start)
            file.write(piece.content)
        if piece.start + len(piece.content) >= size:
            _finish(path, size, sha256)


def _finish(path: Path, size: int, sha256: str) -> None:
    part = _part(path)
    with suppress(FileNotFoundError):  # another process was first
        with part.open("rb") as file:
            os.fsync(file.fileno())
        if _is_whole(part, size, sha256):
            part.replace(path)
        else:
            part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_whole(path: Path, size: int, sha256: str) -> bool:
    try:
        return path.stat().st_size == size and _facts(path) == (size, sha256)
    except OSError:
        return False


def _facts(path: Path) -> tuple[int, str]:
    with files.opened(path) as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
