"""The files of a study's runs, in shards (run_shard.py): how they are found, read and checked."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from batchwise.common import files
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.grid import Run
from batchwise.data.dataset import SPLITS
from batchwise.training import run_result, run_shard
from batchwise.training.run_result import RunResult
from batchwise.training.run_shard import Shard

INPUTS = {"data", "code", "recipe", "environment"}  # beside those of a Run
READ_WHOLE = 2**20  # bytes; of a longer file no more is read than is wanted


@dataclass(frozen=True)
class RunFile:
    """What the file of a run holds."""

    result: RunResult
    facts: dict[str, Any]  # of the run
    shared: dict[str, Any]  # inputs that decided the result too (run_store.py); one object for all runs of a shard
    sha256: str | None  # of the file, None if it was not read whole

    @property
    def inputs(self) -> dict[str, Any]:
        """All that decided the result."""
        return {**self.facts, **self.shared}


def place(folder: Path, run_name: str) -> Path:
    """Return where the file of a run is in the folder of its study's runs: a name in the archive that is its shard."""
    return folder / run_shard.name(run_name) / f"{run_name}{run_shard.RUN_ENDING}"


def run_names(folder: Path) -> list[str]:
    """Return the names of the runs in a folder, shard by shard. Raises ValueError, which names a damaged one."""
    names: list[str] = []
    for path in sorted(folder.glob(f"*{run_shard.ENDING}")):
        with _opened(path, missing=path) as shard:
            names += shard.run_names
    return names


def load(folder: Path, run_name: str, *, with_weights: bool = True) -> RunFile:
    """Return the file of a run, whatever it was trained with.

    Raises FileNotFoundError, or ValueError, which names the file, if it is damaged.
    """
    [(_, found)] = load_all(folder, [run_name], with_weights=with_weights)
    return found


def load_all(folder: Path, names: Iterable[str], *, with_weights: bool = True) -> Iterator[tuple[str, RunFile]]:
    """Yield the names of runs with their files, in the order given; a shard is opened once for those that follow.

    Raises as `load` does.
    """
    for shard_name, of_shard in groupby(names, run_shard.name):
        names_of_shard = list(of_shard)
        with _opened(folder / shard_name, missing=place(folder, names_of_shard[0])) as shard:
            for name in names_of_shard:
                yield name, _load(shard, folder, name, with_weights=with_weights)
            if with_weights and len(names_of_shard) == len(shard.run_names):
                with _naming(folder / shard_name):
                    shard.check()  # also what is between the files of runs, each of which was checked


@contextmanager
def _opened(path: Path, missing: Path) -> Iterator[Shard]:
    """Yield a shard, whose inputs are whole. Raises FileNotFoundError of `missing`, or ValueError, which names it."""
    try:
        file = files.opened(path)
    except FileNotFoundError:
        raise FileNotFoundError(missing) from None
    with file:
        with _naming(path):
            shard = Shard(file)
            shard.inputs  # noqa: B018
        yield shard


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let a ValueError name what is damaged."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error})") from None


def _load(shard: Shard, folder: Path, name: str, *, with_weights: bool) -> RunFile:
    if name not in shard.run_names:
        raise FileNotFoundError(place(folder, name))
    with _naming(place(folder, name)):
        if with_weights or shard.size(name) <= READ_WHOLE:
            content = shard.read(name)
            result, facts = run_result.load(content, with_weights=with_weights)
            return RunFile(result, facts, shard.inputs, hashlib.sha256(content).hexdigest())
        result, facts = run_result.load_part(shard.part(name))
        return RunFile(result, facts, shard.inputs, None)


def read(
    folder: Path, study: str, run: Run, inputs: dict[str, Any], *, with_weights: bool = True, stage: str = "train"
) -> RunFile:
    """Return the file of a run from the folder of a study's runs, which `stage` wrote.

    `inputs` are those beside the run's own that the reader knows: {"data": SHA-256, "recipe": model_dump()}, say.
    Raises UserError, which names the file, if it is missing, damaged, or made from others.
    """
    [(_, found)] = read_all(folder, study, [run], inputs, with_weights=with_weights, stage=stage)
    return found


def read_all(
    folder: Path,
    study: str,
    runs: Iterable[Run],
    inputs: dict[str, Any],
    *,
    with_weights: bool = True,
    stage: str = "train",
) -> Iterator[tuple[Run, RunFile]]:
    """Yield runs with their files, in the order given. Raises UserError as `read` does."""
    runs, train = list(runs), rerun_command(f"{stage}@{study}")
    loaded = load_all(folder, (run.name for run in runs), with_weights=with_weights)
    try:
        for run, (_, found) in zip(runs, loaded, strict=True):
            problem = _problem(found, run.facts, inputs)
            if problem:
                raise UserError(f"{place(folder, run.name)} {problem}; run {train}")
            yield run, found
    except FileNotFoundError as error:
        raise UserError(f"{error} is missing; run {train} or `dvc pull` first") from None
    except ValueError as error:
        raise UserError(f"{error}; run {train}") from None


def _problem(file: RunFile, of_run: dict[str, Any], shared: dict[str, Any]) -> str | None:
    """Return why a whole file is not the wanted one, None if it is."""
    result = file.result
    if missing := sorted(({*of_run} - {*file.facts}) | ({*shared} | INPUTS) - {*file.shared}):
        return f"does not say with which {', '.join(missing)} it was trained"
    for inputs, wanted in ((file.facts, of_run), (file.shared, shared)):
        for key, value in wanted.items():
            if inputs[key] != value:
                one = f"{key} {inputs[key]}, and {value} is wanted" if not isinstance(value, dict) else f"another {key}"
                return f"was trained with {one}"
    if any(values.shape != (result.evaluations, len(SPLITS)) for values in result.metrics.values()):
        return f"has metrics without a column for each of {', '.join(SPLITS)}"
    return None
