"""Files as a dvc.lock names them, or as git has them: from DVC's cache or remote."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


def reader(folder: Path, rev: str | None = None) -> Callable[[str], bytes | None]:
    """Return a function that reads a file below `folder` of the working tree, or of the commit `rev`.

    What cannot be had is None: a clone may have neither cache nor remote, a remote may not answer, a folder may be in
    no repository, and each has an exception of its own.
    """
    folder = folder.absolute()

    @cache
    def opened() -> tuple[Any, str]:
        from dvc.api import DVCFileSystem  # takes a second to import

        root = _root(folder)
        return DVCFileSystem(root, rev=rev), folder.relative_to(root).as_posix()

    def read(name: str) -> bytes | None:
        try:
            files, within = opened()
            return files.cat_file(f"{within}/{name}")
        except Exception:
            return None

    return read


def _root(folder: Path) -> Path:
    """Return the root of the DVC project that a folder, which may be absent, is in. Raises StopIteration if in none."""
    return next(path for path in (folder, *folder.parents) if (path / ".dvc").is_dir())
