"""The store of finished runs: a memo, keyed by everything that decides a run's bits. Deleting it costs time alone."""

import hashlib
import json
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


def inputs_of(run: Run, shared: dict[str, Any]) -> dict[str, Any]:
    """Return what decides the bits of one run."""
    return {**run.facts, **shared}


def key(run_inputs: dict[str, Any]) -> str:
    """Return the name of a run in the store."""
    return hashlib.sha256(json.dumps(run_inputs, sort_keys=True).encode()).hexdigest()


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
    """A folder with a file for each finished run: the SHA-256 of its key and its content, then the content.

    `in` says whether there is an entry, at no cost; only `get` reads it, and tells a whole one from a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, content: bytes) -> None:
        """Keep the content of a run; whole or not at all."""
        files.write(self._path(key), lambda file: file.write(_digest(key, content) + content))

    def get(self, key: str) -> bytes | None:
        """Return the content of a run, or None if it is not here, was damaged, or is that of another key."""
        if key not in self:
            return None
        stored = files.read(self._path(key))
        digest, content = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
        return content if _digest(key, content) == digest else None

    def __contains__(self, key: str) -> bool:
        return self._path(key).is_file()

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
