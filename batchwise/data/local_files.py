"""Files and folders of the user's that params.yaml names under `files`, for data sets and studies: what is in them.

`data/files/<name>.json` holds the SHA-256 of each as it was when DVC last looked at it.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchwise.common import files, sealed
from batchwise.common.errors import UserError
from batchwise.common.messages import cut
from batchwise.common.repository import rerun_command
from batchwise.config import checked
from batchwise.config.file_paths import is_line

FOLDER = checked.FILES.parent
UNWATCHED = ("__pycache__", ".git", ".hg", ".dvc")  # folders that DVC passes over


@dataclass(frozen=True)
class LocalFile:
    """A file or folder of the user's: its name in params.yaml, its path, and the SHA-256 of what is in it."""

    name: str
    path: Path
    sha256: str

    @property
    def label(self) -> str:
        """What the manifest of a data set, and with it a report, calls it."""
        return f"{self.name} ({self.path})"

    def check_unchanged(self) -> None:
        """Raise UserError if another content is there now."""
        try:
            same = facts(self.path)["sha256"] == self.sha256
        except OSError:
            same = False
        if not same:
            raise UserError(f"{_short(self.path)} has changed since DVC looked at it; {_again(self.name)}")


def check(paths: Mapping[str, str]) -> None:
    """Raise UserError, with a line for each {name: path} that is no file or folder that can be read."""
    problems = {name: problem for name, path in paths.items() if (problem := _problem(Path(path)))}
    if problems:
        raise UserError("\n       ".join(f"params.yaml: files.{name}: {told}" for name, told in problems.items()))


def _problem(path: Path) -> str:
    try:
        found = list(contents(path))
    except FileNotFoundError as error:
        return f"there is no {_short(error.filename)} in {Path.cwd()}; put it there, or write where it is"
    except OSError as error:
        return f"{_short(error.filename)} cannot be read ({error.strerror})"
    except UserError as error:
        return str(error)
    if unreadable := [file for file in found if not os.access(file, os.R_OK)]:
        return f"{_short(unreadable[0])} cannot be read (Permission denied); make it readable for you"
    empty = not any(file.stat().st_size for file in found)
    return f"{_short(path)} is empty; give a file, or a folder of files, with something in it" if empty else ""


def contents(path: Path) -> Iterator[Path]:
    """Yield a file, or all files in a folder and below.

    Raises OSError for what is not there, UserError for what DVC would wait for, or would not look into.
    """
    kind = path.stat().st_mode
    if stat.S_ISREG(kind):
        yield path
    elif not stat.S_ISDIR(kind):
        raise UserError(f"{_short(path)} is a pipe or a device; give a file, or a folder of files")
    else:
        with os.scandir(path) as found:
            entries = list(found)
        for entry in entries:
            if not is_line(entry.name):
                raise UserError(f"{_short(path)} has {cut(repr(entry.name), 200)}, whose name is no text; rename it")
            if entry.is_dir() and entry.is_symlink():
                raise UserError(f"{_short(entry.path)} is a link to a folder, into which DVC does not look; copy it")
            if entry.name not in UNWATCHED:
                yield from contents(Path(entry.path))


def facts(path: Path) -> dict[str, Any]:
    """Return the SHA-256 and the bytes of a file or of a folder, and then those of each of its files.

    The SHA-256 of a folder is that of the lines that `sha256sum` prints of its files, sorted by their paths in it.
    Raises OSError and UserError as `contents` does.
    """
    if not path.is_dir():
        return _of_file(path)
    found = {file.relative_to(path).as_posix(): _of_file(file) for file in contents(path)}
    listed = {name: found[name] for name in sorted(found)}
    lines = "".join(f"{of_file['sha256']}  {name}\n" for name, of_file in listed.items())
    total = sum(of_file["bytes"] for of_file in listed.values())
    return {"sha256": hashlib.sha256(lines.encode()).hexdigest(), "bytes": total, "files": listed}


def _of_file(path: Path) -> dict[str, Any]:
    with files.opened(path) as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": file.tell()}


def _again(name: str) -> str:
    return f"run {rerun_command(f'file@{name}')}, and then `dvc repro` again"


def place(name: str) -> Path:
    """Return where stage file writes what is known of a file."""
    return FOLDER / f"{name}.json"


def now(paths: Mapping[str, str]) -> dict[str, LocalFile]:
    """Return {name: what is there now}. Raises UserError as `check` does."""
    return {name: from_record(name, record(name, path)) for name, path in paths.items()}


def record(name: str, path: str) -> bytes:
    """Return what stage file writes of a file. Raises UserError as `check` does."""
    check({name: path})
    return sealed.as_json({"path": path, **facts(Path(path))})


def from_record(name: str, content: bytes) -> LocalFile:
    """Return the file of a record. Raises ValueError if it is damaged."""
    about = sealed.from_json(content)
    return LocalFile(name, Path(about["path"]), about["sha256"])


def recorded() -> dict[str, LocalFile]:
    """Return {name: what was there when DVC looked}. Raises UserError where a file of FOLDER is missing or damaged."""
    return {name: _recorded(name) for name in checked.read(checked.FILES)["files"]}


def _recorded(name: str) -> LocalFile:
    try:
        return from_record(name, files.read(place(name)))
    except (OSError, ValueError) as error:
        raise UserError(f"{place(name)} cannot be read ({error}); {_again(name)}") from None


def _short(path: object) -> str:
    return cut(str(path), 200)
