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
from batchwise.measuring.profiling.profiler import FOLDER, Profiler
from batchwise.report.number_format import memory

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print the runs to train of each study, or of one, then the stages that would run, and how long all takes."""
    all_params = params.load()
    studies, plans, shares = chosen(all_params, arguments.study), {}, {}
    asked = Asked(all_params.data_sets, {}, local_files.now(all_params.files))
    data_sets = {name: _data_set(asked, name) for name in {study.data_set for study in studies.values()}}
    for name, study in studies.items():
        data = loading.part_of(name, data_sets[study.data_set], study.subset, study.task, study.folds)
        timings, number = stage_times.runs_file(all_params, name), pool_size.number_of_workers(study.engine)
        plans[name] = plan(
            study, data, DATA / "runs" / name, Store(STORE), timings, number, asked.files.get(study.weights or "")
        )
        profiler = _profiler(study, data)
        shares[name] = profiler.share()
        _print_runs(name, study, plans[name], number, profiler)
    try:
        _print_stages(all_params, plans, shares, arguments.study)
    except UserError as error:
        print(error)
    return 0


def _print_runs(name: str, study: Study, found: Plan, workers: int, profiler: Profiler) -> None:
    print(f"{name}: {found.runs} runs, {found.runs - len(found.left)} done, {len(found.left)} to train", flush=True)
    if found.left:
        lanes = study.recipe.runs_at_once
        in_lanes = f", in {_count(found.calls, 'program')} of {lanes} lanes" if lanes > 1 else ""
        basis = " (none was timed yet: from a short trial)" if found.trial else ""
        time = f"about {duration(found.seconds)} on {_count(workers, 'worker')}{in_lanes}{basis}"
        print(f"  {time}, {found.bytes / 1e6:.1f} MB of disk")
        if told := _memory(study, found, profiler):
            print(f"  {told}")
    for reason, count in found.reasons.most_common():
        print(f"  {count} to train: {reason}")
    for note in found.notes:
        print(f"  note: {note}")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _memory(study: Study, found: Plan, profiler: Profiler) -> str:
    """Return how much memory a worker takes, as stage profile has measured it, or a trial; nothing if none has."""
    peak, tried = profiler.memory_peak(), found.trial
    largest = max(point.batch_size for point in profiler.asked)
    if peak is None and tried:
        peak, largest = tried.memory_bytes, tried.batch_size
    if peak is None:
        return ""
    lanes = study.recipe.runs_at_once
    runs = f", with {lanes} runs at once" if lanes > 1 else ""
    return f"a worker takes about {memory(peak)} of memory at m = {largest:,}{runs}"


def _profiler(study: Study, data: DataSet) -> Profiler:
    """Return what knows which points stage profile would measure: it keeps those that it has measured."""
    return Profiler(data, measured_part.of_study(study), Store(FOLDER))


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
