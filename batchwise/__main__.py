"""The commands beside `dvc repro`: python -m batchwise check | plan | advise | reproduce."""

import argparse
import os
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ByteSize, TypeAdapter, ValidationError

from batchwise.analysis import costs, equal_budgets, profile_summary, recommendation, run_metrics
from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import exit_with
from batchwise.common.repository import STORE
from batchwise.config import params
from batchwise.data import loading, prepared
from batchwise.data.dataset import DataSet
from batchwise.execution import plan, workers
from batchwise.execution.progress import duration
from batchwise.execution.reproduce import find_cell, reproduce
from batchwise.execution.run_store import Store
from batchwise.measuring.profiling import profile_files
from batchwise.report.sentences import costs as cost_sentences

DATA = Path("data")


def main() -> int:
    """Run the command that was typed; return the exit status."""
    arguments = _parser().parse_args()
    try:
        os.chdir(arguments.folder)
    except OSError as error:
        raise UserError(f"--folder {arguments.folder}: {error.strerror}; give a folder with a params.yaml") from None
    return arguments.command(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m batchwise", description="Look at a study, or test its exactness.")
    parser.add_argument("--folder", default=".", help="the folder of params.yaml, paper/small say")
    commands = parser.add_subparsers(required=True, metavar="command")
    check = commands.add_parser("check", help="check params.yaml")
    check.set_defaults(command=_check)
    plan = commands.add_parser("plan", help="say what dvc repro would train, for how long, and why")
    plan.set_defaults(command=_plan)
    use = commands.add_parser("advise", help="say which batch size to use for a memory and a time")
    use.add_argument("study")
    use.add_argument("--memory", type=_bytes, metavar="SIZE", help="8GB, say; otherwise without a limit")
    use.add_argument("--time", type=_seconds, metavar="TIME", help="10min, say; otherwise as long as the study trains")
    use.set_defaults(command=_advise)
    again = commands.add_parser("reproduce", help="train a cell again and compare it bit by bit")
    again.add_argument("study")
    again.add_argument("--batch-size", type=int, required=True, metavar="M")
    again.add_argument("--learning-rate", type=float, required=True, metavar="RATE", help="η, not the base rate")
    again.set_defaults(command=_reproduce)
    return parser


def _check(arguments: argparse.Namespace) -> int:
    studies = params.load().studies
    print(f"params.yaml is valid: {', '.join(studies)}")
    return 0


def _plan(arguments: argparse.Namespace) -> int:
    all_params, number = params.load(), workers.number_of_workers()
    used = {study.data_set for study in all_params.studies.values()}
    data_sets = {name: _data_set(name, options) for name, options in all_params.data_sets.items() if name in used}
    for name, study in all_params.studies.items():
        data = loading.part(data_sets[study.data_set], study)
        timings = DATA / "timings" / f"{name}.csv"
        found = plan.plan(study, data, DATA / "runs" / name, Store(STORE), timings, number)
        print(f"{name}: {found.runs} runs, {found.runs - len(found.left)} done, {len(found.left)} to train", flush=True)
        if found.left:
            print(
                f"  about {duration(found.seconds)} on {number} workers beside start-up, "
                f"{found.bytes / 1e6:.1f} MB of disk"
            )
        for reason, count in found.reasons.most_common():
            print(f"  {count} to train: {reason}")
        for note in found.notes:
            print(f"  note: {note}")
    return 0


def _advise(arguments: argparse.Namespace) -> int:
    all_params, name = params.load(), arguments.study
    study = params.study(all_params, name)
    measured = costs.of_study(profile_summary.summary(profile_files.read(DATA / "profiles" / name)), study)
    about = loading.describe(DATA / "prepared", study)
    runs = run_metrics.read(DATA / "runs" / name, name, study, about)
    curves = equal_budgets.of_study(study, about["rows"]["train"], runs)
    table = recommendation.advise(curves, measured, arguments.memory, arguments.time)
    print(*cost_sentences.advice(table), "", *cost_sentences.lines(table), sep="\n")
    return 0 if table["chosen"].any() else 1


def _bytes(text: str) -> int:
    try:
        given = TypeAdapter(ByteSize).validate_python(text)
    except ValidationError:
        given = 0
    if given < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory; allowed are 500MB, 8GB, 16GiB and the like")
    return given


def _seconds(text: str) -> float:
    try:
        given = pd.Timedelta(text).total_seconds()
    except ValueError:
        given = 0
    if not given > 0 or text.replace(".", "").isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no time; allowed are 20ms, 90s, 10min, 2h and the like")
    return given


def _reproduce(arguments: argparse.Namespace) -> int:
    all_params, name = params.load(), arguments.study
    study = params.study(all_params, name)
    data = loading.load(DATA / "prepared", study)
    cell = find_cell(study, data.rows["train"], arguments.batch_size, arguments.learning_rate)
    differing = 0
    for run, differences in reproduce(study, data, cell, DATA / "runs" / name):
        print(f"seed {run.seed}: {'differs' if differences else 'exact'}", flush=True)
        for line in differences:
            print(f"  {line}")
        differing += bool(differences)
    return 1 if differing else 0


def _data_set(name: str, options: dict[str, Any]) -> DataSet:
    """Return a data set as `preprocess` wrote it, or as it would."""
    try:
        if prepared.options(DATA / "prepared", name) == options:
            return prepared.load(DATA / "prepared", name)
    except UserError:
        pass
    return plugins.load("datasets", name).prepare(**options)


if __name__ == "__main__":
    exit_with(main)
