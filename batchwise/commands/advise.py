"""python -m batchwise advise: which batch size to use within a memory and a time."""

import argparse
from pathlib import Path

from batchwise.analysis import (
    costs,
    equal_budgets,
    length_advice,
    profile_summary,
    recommendation,
    run_metrics,
    study_tables,
)
from batchwise.analysis.study_results import StudyResults, other_length
from batchwise.config import params
from batchwise.config.params import Params
from batchwise.measuring.profiling import profile_files
from batchwise.report.sentences import costs as cost_sentences
from batchwise.report.sentences import engines
from batchwise.report.sentences import lengths as length_sentences
from batchwise.report.sentences import memory as memory_sentences

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print the batch size to use and the price of the others; return 1 if none can be named."""
    name = arguments.study
    given = params.load()
    params.study(given, name)  # a name that is not there is told as such
    folder = DATA / "tables" / name
    tables, study = study_tables.read(folder), study_tables.read_study(folder)
    about = tables.summary["data"]
    profile = profile_files.read(DATA / "profiles" / name)
    results = StudyResults(tables, profile=profile)
    others = _of_other_lengths(given, results)
    of_updates = costs.of_study(profile_summary.summary(profile), study.dtype)
    measured = length_advice.with_evaluation(of_updates, results, others)
    by_run = run_metrics.read(DATA / "runs" / name, name, study, about)
    curves = equal_budgets.of_study(study, about["rows"]["train"], tables.metric, by_run)
    table = recommendation.advise(tables, curves, measured, arguments.memory, arguments.time)
    print(*cost_sentences.advice(table, tables.metric), "", *cost_sentences.lines(table, tables.metric), sep="\n")
    print("", " ".join([*engines.of_times(profile.machine), engines.of_memory(profile.machine)]), sep="\n")
    if arguments.memory:
        print(*_by_length(results, others, arguments.memory), sep="\n")
    return 0 if table["chosen"].any() else 1


def _of_other_lengths(given: Params, study: StudyResults) -> list[StudyResults]:
    """Return the studies that have results and are alike but for their length."""
    own = given.studies[study.name].recipe
    alike = [name for name, one in given.studies.items() if name != study.name and one.recipe == own]
    there = [name for name in alike if all((DATA / kind / name).exists() for kind in ("tables", "profiles"))]
    known = [
        StudyResults(study_tables.read(DATA / "tables" / name), profile=profile_files.read(DATA / "profiles" / name))
        for name in there
    ]
    return [one for one in known if other_length(study, one) and one.metric.name == study.metric.name]


def _by_length(study: StudyResults, others: list[StudyResults], memory: float) -> list[str]:
    """Return what fits at which length; nothing if no study had its memory measured by length."""
    found = length_advice.measured_by_length([study, *others])
    if found is None:
        return []
    table = length_advice.advise(study, others, memory)
    if table.empty:
        return ["", memory_sentences.NO_FIT]
    saving = [memory_sentences.saves(found, other) for other in found.others]
    return ["", *length_sentences.lines(table, study.metric, memory), *saving]
