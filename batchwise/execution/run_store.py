"""The store of finished runs: a memo, keyed by everything that decides a run's bits. Deleting it costs time alone."""

import errno
import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from batchwise.common import files, plugins, source_closure
from batchwise.config.grid import Run
from batchwise.config.recipe import Recipe
from batchwise.data.loading import StudyData
from batchwise.data.local_files import LocalFile
from batchwise.data.task import of_recipe
from batchwise.runtime.environment import differences, environment
from batchwise.training import trainers

DIGEST_BYTES = 32
DATABASE = "runs.sqlite"
LARGE = 2**20  # bytes: a database would write them twice, and takes no more than a billion at once
SECONDS_TO_WAIT = 60  # while another process writes
# Readers and writers do not wait for each other, and what a killed process or a power cut leaves is whole (sqlite.org).
OPENING = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "CREATE TABLE IF NOT EXISTS entries (key TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, content BLOB NOT NULL)",
)
PRIMARY_CODE = 0xFF  # the bits of an error's code that say of which kind it is
# Errors that are not of the database: what the system says of the like.
OF_THE_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
}
# Another try may mend a run that ended for want of memory or of a worker; these two would come out the same.
FINAL = ("ok", "diverged")


def inputs(
    recipe: Recipe, task: str, data_sha256: str, metric: str | None = None, weights: LocalFile | None = None
) -> dict[str, Any]:
    """Return what decides the bits of every run of a study, without m, η and the seed.

    `task` is that of its data, `metric` the one that it names: some are recorded only then. `weights` is the file from
    which seeds start.
    """
    start = {"weights": weights.sha256} if weights else {}
    return {
        **start,
        "data": data_sha256,
        "code": code(recipe, task),
        "recipe": recipe.model_dump(),
        "metrics": [one.name for one in of_recipe(recipe, task).recorded(metric)],
        "environment": environment(recipe.engine),
    }


def inputs_of_study(data: StudyData) -> dict[str, Any]:
    """Return `inputs` of what a study trains on."""
    return inputs(data.study.recipe, data.task, data.sha256, data.study.metric, data.weights)


def code(recipe: Recipe, task: str) -> dict[str, str]:
    """Return {file: SHA-256} of the source that decides the bits of a run: of the trainer, the model and the task."""
    used = plugins.file("models", recipe.model.name), plugins.file("tasks", task)
    return source_closure.hashes(source_closure.closure(trainers.FILES[recipe.engine], *used))


def keys(runs: Iterable[Run], shared: dict[str, Any]) -> dict[Run, str]:
    """Return the names in the store of runs of a study, whose `inputs` these are."""
    of_study = key(shared)
    return {run: hashlib.sha256(json.dumps((of_study, *run.facts.values())).encode()).hexdigest() for run in runs}


def key(inputs: dict[str, Any]) -> str:
    """Return the name in a store of what is decided by some inputs."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return a line for each part of the inputs of a run that is not the same."""
    code_before, code_now = before["code"], now["code"]
    lines = [f"{file} changed" for file in sorted(code_now) if code_before.get(file) != code_now[file]]
    lines += [f"{file} is no longer used" for file in sorted({*code_before} - {*code_now})]
    lines += differences(before["environment"], now["environment"])
    lines += ["the data changed"] if before["data"] != now["data"] else []
    lines += ["the weights at the start changed"] if before.get("weights") != now.get("weights") else []
    lines += [f"{name} is recorded" for name in now.get("metrics", ()) if name not in before.get("metrics", ())]
    return lines + differences(_flat(before["recipe"]), _flat(now["recipe"]))


def _flat(section: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in section.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": str(value)}
    return flat


class Store:
    """A memo of finished runs: a database of their contents by key, and a file for each that is large.

    What is damaged is as if it was not here. Several processes may read and write at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / DATABASE
        self.database: sqlite3.Connection | None = None

    def put(self, key: str, content: bytes) -> None:
        """Keep the content of a run; whole or not at all. Raises OSError, which names the file."""
        digest = _digest(key, content)
        if len(content) > LARGE:
            files.write(self._path(key), lambda file: file.write(digest + content))
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._write(key, digest, content):
            self._remove()
            self._write(key, digest, content)

    def get(self, key: str) -> bytes | None:
        """Return the content of a run, or None if it is not here, was damaged, or is that of another key."""
        path = self._path(key)
        if path.is_file():
            stored = files.read(path)
            digest, content = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
        else:
            digest, content = self._find("digest, content", key) or (b"", b"")
        return content if _digest(key, content) == digest else None

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry, at no cost; only `get` reads it, and tells a whole one from a damaged one."""
        return bool(self._find("1", key)) or self._path(key).is_file()

    def known(self, keys: Iterable[str]) -> set[str]:
        """Return those of some keys of which there is an entry, whole or not."""
        inside: set[str] = set()
        if self.path.exists():
            try:
                inside = {key for (key,) in self._opened().execute("SELECT key FROM entries")}
            except sqlite3.DatabaseError:  # a page of it is damaged; others may not be
                return {key for key in keys if key in self}
        large = {path.parent.name + path.name for path in self.folder.glob("??/*")}  # one look, not one for each
        return {key for key in keys if key in inside or key in large}

    def _find(self, columns: str, key: str) -> Any:
        """Return columns of an entry of the database, None without one."""
        if not self.path.exists():
            return None
        try:
            return self._opened().execute(f"SELECT {columns} FROM entries WHERE key = ?", (key,)).fetchone()
        except sqlite3.DatabaseError:
            return None

    def _write(self, *row: str | bytes) -> bool:
        """Return whether the database took an entry, and gives it back: no damaged one does for all keys."""
        try:
            self._opened().execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", row)
            return self._find("key, digest, content", str(row[0])) == row
        except sqlite3.DatabaseError as error:
            number = OF_THE_DISK.get(error.sqlite_errorcode & PRIMARY_CODE)
            if number:
                raise OSError(number, str(error), str(self.path)) from None
            return False

    def _opened(self) -> sqlite3.Connection:
        if self.database and not self.path.exists():  # the folder was removed
            self.close()
        if not self.database:
            self.database = sqlite3.connect(self.path, SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False)
            for statement in OPENING:
                self.database.execute(statement)
        return self.database

    def close(self) -> None:
        """Leave a single file; what is asked for later opens it again."""
        if self.database:
            self.database.close()
            self.database = None

    def _remove(self) -> None:
        """Remove a damaged database: it costs time alone."""
        self.close()
        for ending in ("", "-wal", "-shm"):  # in this order: another process that has it open leaves the new ones alone
            Path(f"{self.path}{ending}").unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
