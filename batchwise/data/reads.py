"""Which files a plug-in reads: one that params.yaml does not name is refused, for DVC would not see a change of it.

Python tells of each file that it opens, and of each folder that it lists, also where NumPy, pandas, Pillow or zipfile
do: audit events. What another program reads, or a library in C on its own (HDF5, TensorFlow), is not told.
"""

import os
import re
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import all_suffixes
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from batchwise.common.errors import UserError
from batchwise.common.messages import cut
from batchwise.common.repository import ROOT

CODE = tuple(all_suffixes())  # source files, which data/code lists, and what Python makes of them
# What is installed, of the system, and settings and caches of programs: no data of the user's.
LIBRARIES = (*sysconfig.get_paths().values(), *site.getsitepackages(), sys.prefix, sys.base_prefix)
SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/nix", "/proc", "/sys", "/usr", "/var/db", "/Library", "/System")
CACHES = ("XDG_CACHE_HOME", "SCIKIT_LEARN_DATA", "KERAS_HOME")  # variables that name folders of downloads
IN_HOME = ("Library", "scikit_learn_data")  # and what is hidden there


class _Watch:
    """What a plug-in may read, and the first that it read beside."""

    def __init__(self, declared: Iterable[Path]) -> None:
        self.start, home = os.getcwd(), os.path.expanduser("~")
        self.hidden = os.path.join(os.path.realpath(home), ".")
        self.watched = {os.path.realpath(folder) for folder in (str(ROOT), self.start, "/")}
        free = [os.environ.get(name) for name in CACHES] + [os.path.join(home, name) for name in IN_HOME]
        self.free = {os.path.realpath(folder) for folder in (*LIBRARIES, *SYSTEM, *free) if folder} - self.watched
        self.own: set[str] = set()  # declared, or made by the plug-in
        self.allow(*declared)
        self.above = {folder for path in self.own for folder in _upwards(path)}
        self.refused: UserError | None = None

    def allow(self, *paths: Path) -> None:
        """Let files, and what is in folders, be read."""
        self.own |= {each for path in paths for each in (os.path.abspath(path), os.path.realpath(path))}

    def opened(self, path: Any, _: Any, flags: int) -> None:
        """Look at a file that is opened; one that the plug-in begins is its own."""
        if (name := _text(path)) is None:
            return
        if flags & os.O_TRUNC or (flags & os.O_CREAT and not os.path.exists(name)):
            self.allow(Path(name))
        elif flags & os.O_ACCMODE != os.O_WRONLY and os.path.isfile(name) and not self._may_read(name):
            self._refuse("reads", name)

    def connected(self, database: Any) -> None:
        """Look at a database of SQLite: a file, or a URI of one, which is made if it is not there."""
        name = _text(database) or ""
        path = unquote(urlsplit(name).path) if name.startswith("file:") else name
        if path not in ("", ":memory:"):
            self.opened(path, None, os.O_RDWR | os.O_CREAT)

    def listed(self, path: Any = None) -> None:
        """Look at a folder that is listed; Python itself lists those in which it looks for modules."""
        name = "." if path is None else _text(path)
        if name is None or not os.path.isdir(name):
            return
        real = os.path.realpath(name)
        has_code = real in map(os.path.realpath, sys.path) or str(ROOT / "batchwise") in _upwards(real)
        if not (has_code or real in self.above or self._may_read(name)):
            self._refuse("lists the folder", name)

    def made(self, path: Any, *_: Any) -> None:
        """Take a folder that the plug-in makes for its own."""
        if (name := _text(path)) is not None and not os.path.exists(name):
            self.allow(Path(name))

    def renamed(self, source: Any, target: Any, *_: Any) -> None:
        """Take a file for the plug-in's own that was so before it had this name."""
        old, new = _text(source), _text(target)
        if old is not None and new is not None and self._is_own(os.path.abspath(old)):
            self.allow(Path(new))

    def _is_own(self, path: str) -> bool:
        return any(each in self.own for each in _upwards(path))

    def _may_read(self, name: str) -> bool:
        if self._is_own(os.path.abspath(name)):
            return True
        real = os.path.realpath(name)
        return self._is_own(real) or real.endswith(CODE) or self._is_free(real)

    def _is_free(self, real: str) -> bool:
        """Return whether the innermost of the folders that are known, watched or free, is a free one."""
        for folder in _upwards(real):
            if folder in self.watched:
                return False
            if folder in self.free or (folder.startswith(self.hidden) and os.sep not in folder[len(self.hidden) :]):
                return True
        return False

    def _refuse(self, what: str, name: str) -> None:
        path = os.path.relpath(os.path.realpath(name), self.start)
        key = re.sub("[^a-z0-9]+", "_", PurePath(path).stem.lower()).strip("_")[:64] or "mine"
        error = UserError(
            f"it {what} {cut(path, 200)}, which is not declared, so that no change of it would be seen; write `files: "
            f"{{ {key}: {cut(path, 200)} }}` in params.yaml, and take the path from an option of type File"
        )
        self.refused = self.refused or error
        raise error


def _text(path: Any) -> str | None:
    """Return a path as text, None for what is none, the number of an open file say."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        return None
    return None if "\0" in text else text


def _upwards(path: str) -> Iterator[str]:
    """Yield a path and the folders that it is in, up to the root."""
    yield path
    while (above := os.path.dirname(path)) != path:
        path = above
        yield path


_EVENTS: dict[str, Callable[..., None]] = {
    "open": _Watch.opened,
    "os.listdir": _Watch.listed,
    "os.mkdir": _Watch.made,
    "os.rename": _Watch.renamed,
    "os.scandir": _Watch.listed,
    "sqlite3.connect": _Watch.connected,
}
_watches: list[_Watch] = []  # one, while a plug-in prepares
_hooks: list[object] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _watches and (heard := _EVENTS.get(event)):
        heard(_watches[-1], *arguments)


@contextmanager
def watched(declared: Iterable[Path]) -> Iterator[None]:
    """Refuse meanwhile all reading of files of the user's beside those that are declared, and below such folders.

    Raises UserError where it happens, and in the end, since a plug-in may have caught that.
    """
    if not _hooks:  # there is no way to take one off
        sys.addaudithook(_hear)
        _hooks.append(_hear)
    watch = _Watch(declared)
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.pop()
        if watch.refused:
            raise watch.refused


def allow(*paths: Path) -> None:
    """Let a plug-in read what has been verified otherwise, as archives are by their checksums."""
    for watch in _watches:
        watch.allow(*paths)
