"""python -m batchwise advise: which batch size to use within a memory and a time."""

import argparse
from pathlib import Path

import pandas as pd
from pydantic import ByteSize, TypeAdapter, ValidationError

from batchwise.analysis import costs, equal_budgets, profile_summary, recommendation, run_metrics
from batchwise.config import params
from batchwise.data import loading, prepared
from batchwise.measuring.profiling import profile_files
from batchwise.report.sentences import costs as cost_sentences

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print the batch size to use and the price of the others; return 1 if none can be named."""
    all_params, name = params.load(), arguments.study
    study = params.study(all_params, name)
    measured = costs.of_study(profile_summary.summary(profile_files.read(DATA / "profiles" / name)), study)
    about = prepared.read_part(DATA / "prepared", name)
    by_run = run_metrics.read(DATA / "runs" / name, name, study, about)
    metric = loading.metrics(study, about)[0]
    curves = equal_budgets.of_study(study, about["rows"]["train"], metric, by_run)
    table = recommendation.advise(curves, measured, arguments.memory, arguments.time)
    print(*cost_sentences.advice(table, metric), "", *cost_sentences.lines(table, metric), sep="\n")
    return 0 if table["chosen"].any() else 1


def memory(text: str) -> int:
    """Return bytes. Raises ArgumentTypeError, with what is allowed, for a text that is no amount of memory."""
    try:
        given = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError:
        given = 0
    if given < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory; allowed are 500MB, 8GB, 16GiB and the like")
    return given


def seconds(text: str) -> float:
    """Return seconds. Raises ArgumentTypeError, with what is allowed, for a text that is no time."""
    try:
        given = pd.Timedelta(text).total_seconds()
    except ValueError:
        given = 0
    if not given > 0 or text.replace(".", "").isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no time; allowed are 20ms, 90s, 10min, 2h and the like")
    return given
