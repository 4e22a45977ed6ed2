"""python -m batchwise advise: which batch size to use within a memory and a time."""

import argparse
from pathlib import Path

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
