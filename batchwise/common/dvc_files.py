"""Files as git or dvc.lock has them: from the repository, from DVC's cache or from its remote."""

import posixpath
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


def reader(folder: Path, rev: str | None = None) -> Callable[[str], bytes | None]:
    """Return a function that reads a file below `folder`, as it is in the working tree or was at the commit `rev`.

    What cannot be had is None: a clone may have neither cache nor remote, a remote may not answer, a folder may be in
    no repository, and each has an exception of its own.
    """

    @cache
    def opened() -> tuple[Any, str]:
        from dvc.api import DVCFileSystem  # takes a second to import, in which workers can start

        here = folder.absolute()  # it may be absent: DVC removes a stage's outputs before it runs the stage
        root = next(path for path in (here, *here.parents) if (path / ".dvc").is_dir())
        return DVCFileSystem(root, rev=rev), here.relative_to(root).as_posix()

    @cache
    def listed(parent: str) -> set[str]:
        try:
            files, within = opened()
            return {posixpath.basename(path) for path in files.ls(posixpath.join(within, parent), detail=False)}
        except Exception:
            return set()

    def read(name: str) -> bytes | None:
        parent, base = posixpath.split(name)
        if base not in listed(parent):
            return None
        files, within = opened()
        try:
            return files.cat_file(posixpath.join(within, name))
        except Exception:
            return None

    return read
