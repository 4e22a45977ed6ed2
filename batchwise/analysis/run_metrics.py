"""The run files of a study, read once and stacked: what every table is made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.analysis import last_epochs
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config import grid, phases
from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.config.recipe import Recipe
from batchwise.config.study import Study
from batchwise.data import loading
from batchwise.data.dataset import SPLITS
from batchwise.training import run_files
from batchwise.training.run_files import RunFile
from batchwise.training.run_result import Status

# More points than a figure can show; it bounds the size of the curves for any budget.
CURVE_EPOCHS = 200


@dataclass(frozen=True)
class RunMetrics:
    """What one run gave: for each metric of the task, values for train, validation and test rows, NaN for none."""

    sha256: str | None  # of the run's file; None if it was not read whole
    status: Status
    diverged_epoch: int | None
    epochs: int  # epochs that were trained, with the bad one
    parameters: int  # trainable weights of the network
    draws_by_pass: bool  # whether layers draw for each pass, and not by row
    result: dict[str, np.ndarray]  # {metric: [3]}, by the study's statistic, never of epoch 0; NaN if the run is not ok
    final: dict[str, np.ndarray]  # {metric: [3]}, at the final weights; NaN if the run is not ok
    by_class: dict[str, np.ndarray]  # {metric: [3, classes]}, at the final weights; none if the run is not ok
    by_row: dict[str, np.ndarray]  # {metric: [test rows]}, what each adds to it then; none if the run is not ok
    curve_epochs: np.ndarray  # [points], at most 200, from 0 to the last
    curve: dict[str, np.ndarray]  # {metric: [points, 3] float32}: for figures
    xla: bool | None  # whether XLA compiled the programs; None if the run ended before its first evaluation
    code: str  # canonical JSON of {file: sha256}
    environment: str  # canonical JSON


def read(
    folder: Path,
    name: str,
    study: Study,
    manifest: dict[str, Any],
    on_file: Callable[[str, RunFile], None] | None = None,
    runs: Sequence[Run] | None = None,
    stage: str = "train",
) -> dict[Run, RunMetrics]:
    """Return the metrics of each distinct run of the grid, sorted by run; other files of the folder are not looked at.

    `runs` are read in place of those of the grid: branches, or those that `stage` confirm wrote. `on_file` is given the
    name of each run, and its file with the weights, which are not read otherwise.
    Raises UserError, which names the file, if one is missing, damaged or not the run that its name says.
    """
    names = [metric.name for metric in loading.metrics(study, manifest)]
    by_run: dict[Run, RunMetrics] = {}
    inputs = {"data": manifest["sha256"], "recipe": study.recipe.model_dump()}
    rows = manifest["rows"]["train"]
    wanted_runs = grid.runs(study, rows) if runs is None else sorted(runs)
    evaluations, points = cache(partial(_evaluations, study, rows)), cache(partial(_points, study.recipe))
    with_weights, shared, texts = on_file is not None, None, ("", "")
    for run, file in run_files.read_all(folder, name, wanted_runs, inputs, with_weights=with_weights, stage=stage):
        wanted = evaluations(run.effective_batch_size, run.branch)
        if file.result.status == "ok" and file.result.evaluations != wanted:
            raise UserError(
                f"{run_files.place(folder, run.name)} has {file.result.evaluations} evaluations where {wanted} belong; "
                f"run {rerun_command(f'{stage}@{name}')}"
            )
        if file.shared is not shared:
            shared, texts = file.shared, (canonical(file.shared["code"]), canonical(file.shared["environment"]))
        by_run[run] = _run_metrics(file, names, study, points(file.result.evaluations), *texts)
        if on_file:
            on_file(run.name, file)
    return by_run


def _evaluations(study: Study, rows: int, batch_size: int, branch: Branch | tuple[()]) -> int:
    """Return how often a run that ends ok is evaluated."""
    return 1 + phases.of_run(study, rows, batch_size, branch or None)[-1].end_epoch


def canonical(content: Any) -> str:
    """Return JSON that is the same for equal contents."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _run_metrics(
    file: RunFile, names: list[str], study: Study, points: np.ndarray, code: str, environment: str
) -> RunMetrics:
    result, ok = file.result, file.result.status == "ok"
    evaluated = result.evaluations
    values = np.full((len(names), evaluated, len(SPLITS)), np.nan)  # float64
    for place, name in enumerate(names):
        values[place] = result.metrics.get(name, np.nan)
    none = np.full((len(names), len(SPLITS)), np.nan)

    def by_name(stacked: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, stacked, strict=True))

    return RunMetrics(
        sha256=file.sha256,
        status=result.status,
        diverged_epoch=result.diverged_epoch,
        epochs=max(evaluated - 1, 0),
        parameters=result.parameters,
        draws_by_pass=result.draws_by_pass,
        result=by_name(last_epochs.result(values[:, 1:].transpose(0, 2, 1), study.statistic) if ok else none),
        final=by_name(values[:, -1].copy() if ok else none),
        by_class=result.by_class,
        by_row=result.by_row,
        curve_epochs=points,
        curve=by_name(_float32(values[:, points])),
        xla=result.xla if evaluated else None,
        code=code,
        environment=environment,
    )


def _points(recipe: Recipe, evaluated: int) -> np.ndarray:
    """Return the epochs of the curves of a run that was evaluated so often.

    They are some of those after which all metrics are known; after the others the loss is alone.
    """
    scored = np.flatnonzero([recipe.scores(epoch, evaluated - 1) for epoch in range(evaluated)])
    return scored[_evenly(len(scored))]


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # the loss of a diverged run; infinite is as good
        return values.astype("float32")


def _evenly(length: int) -> np.ndarray:
    return np.linspace(0, max(length - 1, 0), min(length, CURVE_EPOCHS)).round().astype(int)
