"""python -m batchwise suggest: the learning rates that a study should have, found by short runs."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batchwise.analysis import rate_search, suggested_grid
from batchwise.analysis.rate_search import Range, Trial
from batchwise.analysis.suggested_grid import Suggestion
from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.common.repository import STORE
from batchwise.config import grid, params, params_file, yaml_file
from batchwise.config.study import Study
from batchwise.data import folds, loading, local_files, prepared, task
from batchwise.data.asked import Asked
from batchwise.data.dataset import DataSet
from batchwise.data.local_files import LocalFile
from batchwise.data.metric import Metric
from batchwise.execution import pool_size, run_times, stage_times
from batchwise.execution.progress_text import duration
from batchwise.execution.run_store import Store
from batchwise.execution.short_runs import ShortRuns
from batchwise.report.number_format import rate, size
from batchwise.report.sentences import suggestion as sentences

DATA, PARAMS = Path("data"), Path("params.yaml")
# Of a run, on a machine that is only thought of (training/run_cost.py): at the first call, and refined.
SECONDS, REFINED_SECONDS = 0.5, 2.0


def run(arguments: argparse.Namespace) -> int:
    """Print the grid that short runs suggest, and what it costs; write it into params.yaml if that is asked for."""
    all_params, name = params.load(), arguments.study
    study = params.study(all_params, name)
    timings = stage_times.runs_file(all_params, name)
    asked = Asked(all_params.data_sets, {}, local_files.now(all_params.files))
    whole = asked.kept(DATA / "prepared", study.data_set) or asked.prepare(study.data_set)
    data = of_study(name, study, whole)
    found = suggest(name, study, data, Store(STORE), timings, asked.files.get(study.weights or ""))
    print(*sentences.findings(name, study, found), sentences.grid_line(found), sep="\n")
    print(sentences.cost(study, found, data.rows["train"]), flush=True)
    print(f"about {_duration(study, found, data.rows['train'], timings)}", file=sys.stderr, flush=True)
    if arguments.write:
        write(name, found)
        print(f"params.yaml has it now, as studies.{name}.grid.base_learning_rates")
    print(*sentences.next_steps(name, found, written=arguments.write), sep="\n")
    return 0


def of_study(name: str, study: Study, whole: DataSet) -> DataSet:
    """Return what short runs of a study train on: its part of a data set, with folds the rows of seed 0.

    Raises UserError as loading.part_of does.
    """
    return folds.of_seed(loading.part_of(name, whole, study.subset, study.task, study.folds), 0)


def suggest(
    name: str,
    study: Study,
    data: DataSet,
    kept: Store,
    timings: Path,
    weights: LocalFile | None = None,
    *,
    refine: bool = True,
) -> Suggestion:
    """Return the learning rates that a study should have, whatever its own are.

    Runs that are not `kept` are trained here, from `weights` if there are some. Where all were kept, `refine` has
    longer ones tell more precisely. Raises UserError if no rate trains, or all rates do alike, if the model cannot be
    trained, or has no memory.
    """
    metrics = _metrics(study, data)
    short = ShortRuns(study, data, SECONDS, kept, timings, weights)
    first = _search(name, short, metrics, step=2)
    if short.trained or not refine:
        return _suggestion(short, metrics, first, step=2, refined=False)
    longer = ShortRuns(study, data, REFINED_SECONDS, kept, timings, weights)
    around = {m: {*range(one.low - 2, one.high + 3, 2)} for m, one in first.items() if one}
    return _suggestion(longer, metrics, _search(name, longer, metrics, step=1, first=around), step=1, refined=True)


def write(name: str, found: Suggestion, path: Path = PARAMS) -> None:
    """Write the grid into params.yaml. Raises UserError, and changes nothing, if that would not be valid."""
    keys = ["studies", name, "grid", "base_learning_rates"]
    text = params_file.set_value(yaml_file.text_of(path), keys, found.base_learning_rates)
    params.check(yaml_file.values(text, path.name))
    params_file.write(path, text)


def _metrics(study: Study, data: DataSet) -> tuple[Metric, ...]:
    of_task = task.of_recipe(study.recipe, data.description.task)
    facts: dict[str, Any] = {"metrics": [asdict(metric) for metric in prepared.metrics_on(of_task, data)]}
    return loading.metrics(study, facts)


def _search(
    name: str,
    runs: ShortRuns,
    metrics: tuple[Metric, ...],
    *,
    step: int,
    first: dict[int, set[int]] | None = None,
) -> dict[int, Range | None]:
    """Return the rates that train well at each m. Raises UserError if there are none, or if all do."""
    study = runs.study
    by, split = rate_search.criterion(metrics, runs.whole.rows["validation"])
    margin, ranges = by.margin / by.scale, {}
    for m in first or suggested_grid.tried_sizes(study, runs.rows):
        print(f"{name}: short runs at m = {size(m)}", file=sys.stderr, flush=True)

        def trials_of(exponents: list[int], m: int = m) -> list[Trial]:
            results = runs.results(m, [2.0**exponent for exponent in exponents])
            return [rate_search.trial(result, metrics, study.statistic, split, by) for result in results]

        start = first[m] if first else rate_search.first_exponents(m, study.learning_rate_scaling)
        trials = rate_search.search(trials_of, start, step, margin)
        ranges[m] = rate_search.range_of(m, trials, margin)
    _check(study, ranges)
    return ranges


def _check(study: Study, ranges: dict[int, Range | None]) -> None:
    low, high = rate_search.BOUNDS
    ends = f"from {rate(2.0**low)} to {rate(2.0**high)}"
    found = [one for one in ranges.values() if one]
    if not found:
        raise UserError(
            f"no learning rate {ends} trains {shown(study.model.name)} on {study.data_set} in short runs: look at the "
            "scale of the inputs, at the model and its output, or give it a longer budget"
        )
    if all(one.low <= low + 1 and one.high >= high - 1 for one in found):
        raise UserError(
            f"every learning rate {ends} trains {shown(study.model.name)} on {study.data_set} equally well, so there "
            "is none to choose: keep one, or see whether the metric or the labels can tell models apart"
        )


def _suggestion(
    runs: ShortRuns, metrics: tuple[Metric, ...], ranges: dict[int, Range | None], *, step: int, refined: bool
) -> Suggestion:
    by, split = rate_search.criterion(metrics, runs.whole.rows["validation"])
    shares = {m: runs.share(m) for m in ranges}
    exponents = suggested_grid.recommended([one for one in ranges.values() if one], step, shares)
    return Suggestion(ranges, exponents, by, split, shares, refined, runs.trained)


def _duration(study: Study, found: Suggestion, rows: int, timings: Path) -> str:
    """Return how long training takes, of what was timed: the clock decides it, so that it is no part of the result."""
    asked, workers = sentences.with_grid(study, found), pool_size.number_of_workers(study.engine)
    runs, coefficients = grid.runs(asked, rows), run_times.read(timings).coefficients()
    seconds = stage_times.START_UP + run_times.seconds_left(asked, rows, runs, workers, coefficients)
    return f"{duration(seconds)} to train on {workers} workers"
