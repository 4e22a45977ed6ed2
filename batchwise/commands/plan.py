"""python -m batchwise plan: what `dvc repro` would do, for how long, and why."""

import argparse
from pathlib import Path
from time import perf_counter

from batchwise.commands import chosen
from batchwise.commands.changed_stages import changed_stages
from batchwise.common.errors import UserError
from batchwise.common.repository import STORE
from batchwise.config import measured_part, params
from batchwise.config.params import Params
from batchwise.config.study import Study
from batchwise.data import loading, local_files
from batchwise.data.asked import Asked
from batchwise.data.dataset import DataSet
from batchwise.execution import pool_size, stage_times
from batchwise.execution.plan import Plan, plan
from batchwise.execution.progress_text import duration
from batchwise.execution.run_store import Store
from batchwise.measuring.profiling import profiler
from batchwise.measuring.profiling.profiler import Profiler

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print the runs to train of each study, or of one, then the stages that would run, and how long all takes."""
    all_params, number = params.load(), pool_size.number_of_workers()
    studies, plans, shares = chosen(all_params, arguments.study), {}, {}
    asked = Asked(all_params.data_sets, {}, local_files.now(all_params.files))
    data_sets = {name: _data_set(asked, name) for name in {study.data_set for study in studies.values()}}
    for name, study in studies.items():
        data = loading.part_of(name, data_sets[study.data_set], study.subset, study.task, study.folds)
        timings = stage_times.runs_file(all_params, name)
        plans[name] = plan(
            study, data, DATA / "runs" / name, Store(STORE), timings, number, asked.files.get(study.weights or "")
        )
        shares[name] = _share(study, data)
        _print_runs(name, plans[name], number)
    try:
        _print_stages(all_params, plans, shares, arguments.study)
    except UserError as error:
        print(error)
    return 0


def _print_runs(name: str, found: Plan, number: int) -> None:
    print(f"{name}: {found.runs} runs, {found.runs - len(found.left)} done, {len(found.left)} to train", flush=True)
    if found.left:
        basis = "" if found.timed else " (none was timed yet: from a short trial)"
        print(f"  about {duration(found.seconds)} on {number} workers{basis}, {found.bytes / 1e6:.1f} MB of disk")
    for reason, count in found.reasons.most_common():
        print(f"  {count} to train: {reason}")
    for note in found.notes:
        print(f"  note: {note}")


def _share(study: Study, data: DataSet) -> float:
    """Return the share of its points that stage profile would measure: it keeps those that it has measured."""
    return Profiler(data, measured_part.of_study(study), Store(profiler.FOLDER)).share()


def _print_stages(all_params: Params, plans: dict[str, Plan], shares: dict[str, float], only: str | None) -> None:
    """Print how long each stage should take, and all of them. DVC itself takes as long as it takes to name them."""
    command, start = f"`dvc repro{f' report@{only}' if only else ''}`", perf_counter()
    stages = [found for found in changed_stages(all_params) if not only or _needed(*found, only)]
    total = of_dvc = perf_counter() - start
    if not stages:
        print(f"{command} has nothing to do")
        return
    print(f"{command} would run, at most:")
    measured = stage_times.read()
    for stage, name in stages:
        seconds, basis = _expected(all_params, stage, name, plans.get(name), shares.get(name, 1.0), measured)
        total += seconds
        print(f"  {f'{stage}@{name}' if name else stage}: {duration(seconds)}{basis}")
    print(f"  in all about {duration(total)}, of which DVC itself {duration(of_dvc)}")


def _needed(stage: str, name: str, study: str) -> bool:
    """Return whether the report of a study needs a stage."""
    if not name:
        return stage in ("code", "check", "preprocess")
    return stage == "file" or name == study


def _expected(
    all_params: Params,
    stage: str,
    name: str,
    found: Plan | None,
    share: float,
    measured: list[stage_times.StageTime],
) -> tuple[float, str]:
    """Return the seconds of a stage, and what they rest on if it is not the last time."""
    if stage == "train" and found:
        guess = "" if found.start_up else ", a first guess"
        start_up = found.start_up or stage_times.START_UP
        return start_up + found.seconds, f" ({duration(start_up)} to start{guess}, {duration(found.seconds)} to train)"
    seconds, is_guess = stage_times.estimate(all_params, stage, name, measured, share)
    return seconds, " (a first guess)" if is_guess else ""


def _data_set(asked: Asked, name: str) -> DataSet:
    """Return a data set as `preprocess` wrote it, or as it would."""
    return asked.kept(DATA / "prepared", name) or asked.prepare(name)
