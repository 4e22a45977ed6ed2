"""python -m batchwise repair: what DVC cannot read, after a crash say, is put aside, so that it can go on."""

import argparse
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

# Where DVC reads: it would wait for a pipe for ever, and not get past a link to nothing.
READ = ("batchwise", "stages", "data", "reports", ".dvc", "dvc.lock", "dvc.yaml", "requirements-train.in")
LOCK, RUNNING = Path("dvc.lock"), Path(".dvc/tmp/rwlock")


def run(_: argparse.Namespace) -> int:
    """Put aside what DVC cannot read, and say so."""
    for path in [found for name in READ for found in _without_content(Path(name))]:
        path.unlink()
        print(f"{path} was a pipe, a device or a link to nothing, which DVC cannot read, not a file; it was removed")
    if RUNNING.is_file() and not _readable(RUNNING, _running):
        RUNNING.unlink()
        print(f"{RUNNING}, which says what DVC was doing when it was killed, could not be read; it was removed")
    if LOCK.is_file() and not _readable(LOCK, _lock):
        aside = LOCK.with_suffix(".lock.damaged")
        os.replace(LOCK, aside)
        print(
            f"{LOCK} could not be read; it is {aside} now. `git restore {LOCK}` brings the committed one back; without "
            "it all stages run again, but what data/store has is not trained again"
        )
    return 0


def _without_content(path: Path) -> Iterator[Path]:
    """Yield the pipes and devices at a path and below, and links to nothing, but not to a disk that may return."""
    below = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    for each in (path, *below):
        try:
            kind = each.stat().st_mode
        except OSError:
            if each.is_symlink() and Path(os.path.realpath(each)).is_relative_to(os.path.realpath(".")):
                yield each
        else:
            if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
                yield each


def _readable(path: Path, read: Callable[[bytes], Any]) -> bool:
    from voluptuous import Invalid  # of DVC, which takes a second to import

    try:
        read(path.read_bytes())
        return True
    except (ValueError, TypeError, YAMLError, RecursionError, Invalid):
        return False


def _running(content: bytes) -> None:
    from dvc.rwlock import SCHEMA

    SCHEMA(json.loads(content))


def _lock(content: bytes) -> None:
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA

    stages = COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(content.decode())).get("stages", {})
    entries = [entry for stage in stages.values() for kind in ("deps", "outs") for entry in stage.get(kind, ())]
    if any(entry.get("hash", "md5") != "md5" for entry in entries):
        raise ValueError("a checksum of a kind that DVC does not know")
