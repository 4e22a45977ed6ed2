"""The files of a study's runs, one for each: their names, and how they are read and checked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchwise.common import files
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.grid import Run
from batchwise.data.dataset import SPLITS
from batchwise.training import run_result
from batchwise.training.run_result import RunResult

ENDING = ".npz"
INPUTS = {"data", "code", "recipe", "environment"}  # beside those of a Run


@dataclass(frozen=True)
class RunFile:
    """What the file of a run holds."""

    result: RunResult
    inputs: dict[str, Any]  # that decided the result (run_store.py)
    sha256: str  # of the file


def name(run_name: str) -> str:
    """Return the name of the file of a run, in the folder of its study's runs."""
    return f"{run_name}{ENDING}"


def run_names(folder: Path) -> list[str]:
    """Return the names of the runs that have a file in a folder, sorted."""
    return sorted(path.stem for path in folder.glob(f"*{ENDING}"))


def load(folder: Path, run_name: str, *, with_weights: bool = True) -> RunFile:
    """Return the file of a run, whatever it was trained with.

    Raises FileNotFoundError, or ValueError, which names the file, if it is damaged.
    """
    file = folder / name(run_name)
    content = files.read(file)
    try:
        result, inputs = run_result.load(content, with_weights=with_weights)
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error})") from None
    return RunFile(result, inputs, hashlib.sha256(content).hexdigest())


def read(
    folder: Path, study: str, run: Run, inputs: dict[str, Any], *, with_weights: bool = True, stage: str = "train"
) -> RunFile:
    """Return the file of a run from the folder of a study's runs, which `stage` wrote.

    `inputs` are those beside the run's own that the reader knows: {"data": SHA-256, "recipe": model_dump()}, say.
    Raises UserError, which names the file, if it is missing, damaged, or made from others.
    """
    file, train = folder / name(run.name), rerun_command(f"{stage}@{study}")
    try:
        found = load(folder, run.name, with_weights=with_weights)
    except FileNotFoundError:
        raise UserError(f"{file} is missing; run {train} or `dvc pull` first") from None
    except ValueError as error:
        raise UserError(f"{error}; run {train}") from None
    problem = _problem(found, {**run.facts, **inputs})
    if problem:
        raise UserError(f"{file} {problem}; run {train}")
    return found


def _problem(file: RunFile, wanted: dict[str, Any]) -> str | None:
    """Return why a whole file is not the wanted one, None if it is."""
    result, inputs = file.result, file.inputs
    missing = sorted({*wanted, *INPUTS} - set(inputs))
    if missing:
        return f"does not say with which {', '.join(missing)} it was trained"
    for key, value in wanted.items():
        if inputs[key] != value:
            one = f"{key} {inputs[key]}, and {value} is wanted" if not isinstance(value, dict) else f"another {key}"
            return f"was trained with {one}"
    if any(values.shape != (result.evaluations, len(SPLITS)) for values in result.metrics.values()):
        return f"has metrics without a column for each of {', '.join(SPLITS)}"
    return None
