"""What a folder has, compared with what is committed: the results bit by bit, and whether times were measured here."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.execution import run_store
from batchwise.execution.reproduce import compare
from batchwise.runtime.environment import differences
from batchwise.training import checksums, run_files, run_result, run_shard
from batchwise.training.run_files import RunFile
from batchwise.training.run_shard import Shard

MEASURED = ("profile", "costs", "report")  # stages whose outputs hold times
# Returns the content of a file at the last commit, or None.
Committed = Callable[[str], bytes | None]


def verify(study: str, folder: Path, committed: Committed) -> tuple[bool, list[str]]:
    """Return whether the results of a study differ from those committed, and lines that say what was found.

    `folder` is that of params.yaml. Runs are compared by their checksums in the record that `evaluate` writes for git;
    where the committed file of a run that differs can be had from DVC, the two are compared number by number.
    """
    path, places = (
        f"reports/checksums/{study}.json",
        [folder / kind / study for kind in ("data/confirmed", "data/runs")],
    )
    content, stages = committed(path), " ".join(f"{stage}@{study}" for stage in ("train", "confirm"))
    try:
        here = {name: place for place in places for name in run_files.run_names(place)}
    except ValueError as error:
        return True, [f"{error}; {rerun_command(stages)} makes it again"]
    if not here:
        return False, [f"no results are here; {rerun_command(f'train@{study}')} makes them"]
    if content is None:
        return False, [f"no results are committed: {path} is not in git"]
    try:
        before = json.loads(content)
        names = [name for name in before["runs"] if name in here]
    except (ValueError, LookupError, TypeError):
        return False, [f"no results are committed: {path} is damaged in git"]
    if not names:
        return False, ["the runs here are none of those committed: another grid"]
    try:
        now = checksums.of_files({name: here[name] for name in names})
    except ValueError as error:
        return True, [f"{error}; {rerun_command(stages)} makes it again"]
    differing = [name for name in names if now["runs"][name] != before["runs"][name]]
    others = _others(len(here) - len(names), len(before["runs"]) - len(names)) + _times(study, folder, committed)
    if not differing:
        sentence = f"results equal byte for byte ({_runs(len(names))}){others}"
        return False, [sentence, *_inputs(study, folder, committed, before, now)]
    place = here[differing[0]]
    before_that = committed((place / run_shard.name(differing[0])).relative_to(folder).as_posix())
    where = _exactly(run_files.load(place, differing[0]), differing[0], before_that) or _roughly(before, now)
    sentence = f"results differ: {len(differing)} of {_runs(len(names))}{others}"
    return True, [sentence, f"first run that differs: {differing[0]}", *where]


def _runs(number: int) -> str:
    return f"{number:,} run{'s' if number != 1 else ''}"


def _others(new: int, absent: int) -> str:
    """Return what is to be said of runs that are here alone or committed alone: another grid."""
    parts = [(new, "here alone"), (absent, "committed alone")]
    return "".join(f"; {_runs(count)} {'is' if count == 1 else 'are'} {where}" for count, where in parts if count)


def _exactly(here: RunFile, name: str, committed: bytes | None) -> list[str]:
    """Return the first epoch and tensor that differ, and what differs in the inputs; nothing without the two files.

    `committed` is the content of the shard of the run.
    """
    try:
        shard = Shard(BytesIO(committed or b""))
        before, _ = run_result.load(shard.content(name))
        found = compare(before, here.result)
        return found and found + (run_store.changes(shard.inputs, here.shared) or ["their inputs are the same"])
    except (ValueError, KeyError):
        return []


def _roughly(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what checksums of all runs say: the first epoch and the first tensor in which one differs."""
    lines = ["the committed file is in no cache or remote of DVC: these are of all runs"]
    if before["runs"].keys() == now["runs"].keys():
        for kind in ("epoch", "tensor"):
            old, new = before[f"{kind}s"], now[f"{kind}s"]
            unequal = [name for name in {**old, **new} if old.get(name) != new.get(name)]
            lines += [f"first {kind} that differs: {name}" for name in unequal[:1]]
    lines += ["the data changed"] if before["data"] != now["data"] else []
    return lines + (differences(before["environment"], now["environment"]) or ["the environments are the same"])


def _times(study: str, folder: Path, committed: Committed) -> str:
    """Return what is to be said of times: nothing where they are those committed."""
    before, now = _locks(folder, committed)
    names = [f"{stage}@{study}" for stage in MEASURED]
    same = all(_md5s(before, name, "outs") == _md5s(now, name, "outs") for name in names)
    return "" if same else "; times were measured here"


def _inputs(study: str, folder: Path, committed: Committed, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return a line on what runs that are equal were made from, if it was something else than what is committed."""
    old, new = (_md5s(stages, f"train@{study}", "deps") for stages in _locks(folder, committed))
    changed = differences(before["environment"], now["environment"])
    changed += [f"{path} changed" for path, md5 in new.items() if old.get(path) != md5]
    return [f"although made from other inputs: {'; '.join(changed)}"] if changed else []


def _locks(folder: Path, committed: Committed) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the stages of the committed dvc.lock and of the one here; none where there is no such file."""
    here = folder / "dvc.lock"
    return _stages(committed("dvc.lock") or b""), _stages(here.read_bytes() if here.is_file() else b"")


def _stages(lock: bytes) -> dict[str, Any]:
    try:
        return (YAML(typ="safe").load(lock) or {}).get("stages", {})
    except (YAMLError, ValueError, AttributeError):
        raise UserError("dvc.lock is damaged; `python -m batchwise repair` puts it aside") from None


def _md5s(stages: dict[str, Any], stage: str, kind: str) -> dict[str, str]:
    return {entry["path"]: entry["md5"] for entry in stages.get(stage, {}).get(kind, ())}
