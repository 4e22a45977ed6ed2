"""Files that are whole or absent: written under a temporary name, then renamed."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Let `fill` write the file, then give it its name. A reader never sees a part of it, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def replace(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a folder, each whole or not at all, and remove whatever else is in it."""
    for name, content in files.items():
        write(folder / name, lambda file, content=content: file.write(content))
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
