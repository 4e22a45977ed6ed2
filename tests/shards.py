"""The files of runs in their shards, written and changed for tests."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchwise.training import run_files, run_result, run_shard
from batchwise.training.run_result import RunResult
from batchwise.training.run_shard import Shard


def write(folder: Path, contents: Mapping[str, bytes], inputs: dict[str, Any]) -> None:
    """Write the files of runs, {name: content}, in place of those of the same names."""
    folder.mkdir(parents=True, exist_ok=True)
    shards: dict[str, dict[str, bytes]] = {}
    for name, content in contents.items():
        shards.setdefault(run_shard.name(name), {})[name] = content
    for shard, of_shard in shards.items():
        _write(folder / shard, {**_contents(folder / shard), **of_shard}, inputs)


def content(folder: Path, name: str) -> bytes:
    """Return the file of a run."""
    return _contents(folder / run_shard.name(name))[name]


def remove(folder: Path, name: str) -> None:
    """Remove the file of a run."""
    path = folder / run_shard.name(name)
    _write(path, {other: content for other, content in _contents(path).items() if other != name}, inputs(path))


def change(folder: Path, name: str, edit: Callable[[RunResult], object]) -> None:
    """Change what a run gave, in place."""
    file = run_files.load(folder, name)
    edit(file.result)
    write(folder, {name: run_result.dump(file.result, file.facts)}, file.shared)


def change_inputs(folder: Path, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change what decided the runs of a shard, in place."""
    path = folder / run_shard.name(name)
    changed = inputs(path)
    edit(changed)
    _write(path, _contents(path), changed)


def inputs(path: Path) -> dict[str, Any]:
    """Return what decided the runs of a shard."""
    with path.open("rb") as file:
        return Shard(file).inputs


def split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return of the inputs of a run those that are its own, and those that it shares."""
    own = ("effective_batch_size", "learning_rate", "seed", "branch")
    return {k: v for k, v in given.items() if k in own}, {k: v for k, v in given.items() if k not in own}


def _contents(path: Path) -> dict[str, bytes]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        shard = Shard(file)
        return {name: shard.content(name) for name in shard.run_names}


def _write(path: Path, contents: Mapping[str, bytes], inputs: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)  # it may be a link to DVC's cache
    with path.open("w+b") as file:
        run_shard.write(file, inputs, contents.items())
