"""How long stages took: a line each time one ends, apart from results, for `plan` to say how long the next take."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from batchwise.common import source_closure
from batchwise.common.files import append_line, matching_lines
from batchwise.config.params import Params

FILE = Path("data/timings/stages.csv")
# A whole line: the stage, its study or file, the key of what decides its time, seconds.
LINE = r"(\w+),(\w*),([0-9a-f]*),(\d+\.\d\d)"
KEY_DIGITS = 12
# These compute with the model: how long they take is known of one model alone. (What train takes, run_times.py says.)
OF_THE_MODEL = ("profile", "landscape")
# Seconds of a stage of a small study on two cores, until one was timed.
FIRST_GUESS = {"code": 2, "check": 1, "file": 1, "preprocess": 2, "evaluate": 3, "costs": 3, "report": 8, "summary": 8}
START_UP = 6  # of TensorFlow and of workers
SIZE = {"profile": 2, "landscape": 5}  # each batch size


@dataclass(frozen=True)
class StageTime:
    """How long a stage took, or should take; `name` is its study or file."""

    stage: str
    name: str
    key: str
    seconds: float


def key(params: Params, name: str) -> str:
    """Return a short hash of what decides how long an update of a study takes: model, data, recipe without budget."""
    study = params.studies[name]
    recipe = study.recipe.model_dump(exclude={"budget"})
    source = source_closure.hashes([f"batchwise/models/{study.model.name}.py"])
    data = [study.data_set, params.data_sets[study.data_set], study.subset and study.subset.model_dump()]
    return _hash([recipe, source, data])


def runs_file(params: Params, name: str) -> Path:
    """Return the file of how long the runs of a study took (run_times.py), with this model."""
    return FILE.parent / name / f"{key(params, name)}.csv"


def stage_key(params: Params, stage: str, name: str) -> str:
    """Return a short hash of what decides how long a stage takes; empty where the model does not."""
    if stage not in OF_THE_MODEL:
        return ""
    return _hash([key(params, name), params.studies[name].landscape if stage == "landscape" else None])


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]


def seconds_of_process() -> float:
    """Return for how long this process has run, with the start of Python and the imports."""
    return max(0, time.time() - psutil.Process().create_time())


def append(done: StageTime, path: Path = FILE) -> None:
    """Keep how long a stage took."""
    append_line(path, f"{done.stage},{done.name},{done.key},{done.seconds:.2f}")


def read(path: Path = FILE) -> list[StageTime]:
    """Return how long stages took, the last one last; none if there is no file."""
    return [StageTime(stage, name, key, float(seconds)) for stage, name, key, seconds in matching_lines(path, LINE)]


def estimate(
    params: Params, stage: str, name: str, measured: list[StageTime], share: float = 1.0
) -> tuple[float, bool]:
    """Return the seconds that a stage should take, and whether that is a guess: it was not timed with this model.

    A stage takes what it took last; otherwise, where the model does not matter, what that of another study took.
    profile keeps what it has measured: it takes that `share` of its longest time in which it measures points anew.
    """
    wanted = stage_key(params, stage, name)
    of_stage = [done for done in measured if done.stage == stage and done.key == wanted]
    own = [done.seconds for done in of_stage if done.name == name]
    if stage == "profile":
        return FIRST_GUESS["check"] + share * max(own, default=_first_guess(params, stage, name)), share > 0 and (
            share < 1 or not own
        )
    if own:
        return own[-1], False
    if of_stage and not wanted:
        return of_stage[-1].seconds, True
    return _first_guess(params, stage, name), True


def _first_guess(params: Params, stage: str, name: str) -> float:
    if stage not in OF_THE_MODEL:
        return FIRST_GUESS.get(stage, START_UP)
    study = params.studies[name]
    sizes = study.grid.batch_sizes if stage == "profile" else study.landscape
    return START_UP + SIZE[stage] * len(sizes) if sizes else FIRST_GUESS["check"]
