"""python -m batchwise advise: which batch size to use within a memory and a time."""

import argparse
from pathlib import Path

from batchwise.analysis import costs, equal_budgets, profile_summary, recommendation, run_metrics, study_tables
from batchwise.config import params
from batchwise.measuring.profiling import profile_files
from batchwise.report.sentences import costs as cost_sentences

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print the batch size to use and the price of the others; return 1 if none can be named."""
    name = arguments.study
    params.study(params.load(), name)  # a name that is not there is told as such
    folder = DATA / "tables" / name
    tables, study = study_tables.read(folder), study_tables.read_study(folder)
    about = tables.summary["data"]
    measured = costs.of_study(profile_summary.summary(profile_files.read(DATA / "profiles" / name)), study.dtype)
    by_run = run_metrics.read(DATA / "runs" / name, name, study, about)
    curves = equal_budgets.of_study(study, about["rows"]["train"], tables.metric, by_run)
    table = recommendation.advise(tables, curves, measured, arguments.memory, arguments.time)
    print(*cost_sentences.advice(table, tables.metric), "", *cost_sentences.lines(table, tables.metric), sep="\n")
    return 0 if table["chosen"].any() else 1
