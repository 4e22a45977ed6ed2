"""How long `dvc repro` should take after the stage that runs now, from what stages took before.

DVC cannot be asked: it waits for this process. What it will run follows from dvc.lock, which it writes after each
stage: what has no entry there, or reads what is or will be other than its entry says. That are all that could run, as
`python -m batchwise plan` counts them.
"""

import hashlib
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from batchwise.common.errors import UserError
from batchwise.common.repository import STORE
from batchwise.config import grid, params, yaml_file
from batchwise.config.params import Params
from batchwise.data import loading
from batchwise.execution import pool_size, run_store, run_times, stage_times
from batchwise.execution.run_store import Store

LOCK = Path("dvc.lock")
BEFORE = ("code", "check", "file", "preprocess")  # what is done before any study is trained
MOST_RUNS = 20_000  # of another study that are looked for in the store, a second's work
Stage = tuple[str, str]  # and its study, or nothing
Entry = Mapping[str, Any]  # of a stage in dvc.lock


def this_stage() -> str:
    """Return the name of the stage that this process is."""
    return Path(sys.argv[0]).stem if Path(sys.argv[0]).parent.name == "stages" else "train"


@cache  # nothing changes while a stage runs
def seconds_after_this() -> float | None:
    """Return how long `dvc repro` should take after this stage, None if that is not known.

    It is not where this process is no stage of a `dvc repro` of all or of reports, where a stage that will run was not
    timed with its model, or where dvc.lock cannot be read.
    """
    try:
        wanted = _asked_for()
        if wanted is None:
            return None
        studies = [target.removeprefix("report@") for target in wanted]
        all_params, measured = params.load(), stage_times.read()
        this = this_stage(), "".join(sys.argv[1:2])
        times = [
            _seconds(all_params, *stage, measured)
            for stage in will_run(all_params, this)
            if not studies or stage[1] in studies
        ]
        return None if None in times else sum(filter(None, times))
    except (UserError, OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError, psutil.Error):
        return None  # whatever is wrong with it, the stage itself is not concerned


def _asked_for() -> list[str] | None:
    """Return the targets of the `dvc repro` that runs this process; None for none that is understood."""
    for process in psutil.Process().parents():
        words = process.cmdline()
        if "repro" in words and any(Path(word).name == "dvc" for word in words[: words.index("repro")]):
            targets = words[words.index("repro") + 1 :]
            return targets if all(target.startswith("report@") for target in targets) else None
    return None


def will_run(all_params: Params, this: Stage) -> list[Stage]:
    """Return the stages that `dvc repro` could run after this one. Raises what _entries and yaml_file.read do."""
    entries = _entries()
    known = _stages(all_params)
    of_known = {stage: entries[_address(stage)] for stage in known if _address(stage) in entries}
    made = {out["path"]: out.get("md5") for entry in of_known.values() for out in entry.get("outs", ())}
    values = yaml_file.read(Path("params.yaml"))
    running = [stage for stage in known if stage == this or stage not in of_known]
    running += [stage for stage, entry in of_known.items() if stage != this and _is_other(entry, made, values)]
    for stage in running:  # which grows meanwhile
        outs = [out["path"] for out in of_known.get(stage, {}).get("outs", ())]
        running += [
            other
            for other, entry in of_known.items()
            if other not in running and any(_overlap(dep["path"], out) for dep in entry.get("deps", ()) for out in outs)
        ]
    return [stage for stage in running if stage != this]


def _stages(all_params: Params) -> list[Stage]:
    """Return the stages of this pipeline, but for those that are done before any study is trained."""
    bodies = yaml_file.read(Path("dvc.yaml"))["stages"]
    return [
        (name, study)
        for name, body in bodies.items()
        if name not in BEFORE
        for study in (all_params.studies if "foreach" in body else [""])
    ]


def _address(stage: Stage) -> str:
    return "@".join(filter(None, stage))


def _entries() -> dict[str, Entry]:
    """Return {stage: its entry} of dvc.lock. Raises OSError or YAMLError for one that cannot be read."""
    return YAML(typ="safe").load(LOCK.read_text(encoding="utf-8"))["stages"]


def _is_other(entry: Entry, made: Mapping[str, str | None], values: Any) -> bool:
    """Return whether something that a stage read is not what it was."""
    reads_other = any(_md5(dep["path"], made) not in (None, dep.get("md5")) for dep in entry.get("deps", ()))
    of_params = entry.get("params", {}).get("params.yaml", {})
    return reads_other or any(_value(values, name) != value for name, value in of_params.items())


def _value(values: Any, name: str) -> Any:
    for key in name.split("."):
        values = values[key]
    return values


def _md5(name: str, made: Mapping[str, str | None]) -> str | None:
    """Return the MD5 of a file, or what that of a folder is if a stage makes it as a whole; None if it is not known."""
    path = Path(name)
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() if path.is_file() else made.get(name)


def _overlap(one: str, other: str) -> bool:
    """Return whether two paths are the same, or one is in the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _seconds(all_params: Params, stage: str, name: str, measured: list[stage_times.StageTime]) -> float | None:
    """Return how long a stage should take, None if that depends on a model with which it was not timed."""
    if stage == "train":
        return _to_train(all_params, name)
    seconds, is_guess = stage_times.estimate(all_params, stage, name, measured)
    trains = stage == "confirm" and all_params.studies[name].confirmation
    return None if is_guess and (stage in stage_times.OF_THE_MODEL or trains) else seconds


def _to_train(all_params: Params, name: str) -> float | None:
    """Return the seconds of the runs of a study that the store lacks, and of the start before them."""
    study, timed = all_params.studies[name], run_times.read(stage_times.runs_file(all_params, name))
    data = loading.locate(Path("data/prepared"), name, study)
    runs = grid.all_runs(study, data.rows["train"])
    if not timed.seconds or len(runs) > MOST_RUNS or pool_size.cluster_address():  # of any size
        return None
    keys = run_store.keys(runs, run_store.inputs_of_study(data))
    known = Store(STORE).known(keys.values())
    left = [run for run, key in keys.items() if key not in known]
    workers = pool_size.number_of_workers(study.engine)
    training = run_times.seconds_left(study, data.rows["train"], left, workers, timed.coefficients())
    return (timed.start_up or stage_times.START_UP) + training
