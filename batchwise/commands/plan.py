"""python -m batchwise plan: what `dvc repro` would do, for how long, and why."""

import argparse
from pathlib import Path
from typing import Any

from batchwise.commands import chosen
from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.repository import STORE
from batchwise.config import params
from batchwise.data import loading, prepared
from batchwise.data.dataset import DataSet
from batchwise.execution import plan, workers
from batchwise.execution.progress import duration
from batchwise.execution.run_store import Store

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan of each study, or of one."""
    all_params, number = params.load(), workers.number_of_workers()
    studies = chosen(all_params, arguments.study)
    used = {study.data_set for study in studies.values()}
    data_sets = {name: _data_set(name, options) for name, options in all_params.data_sets.items() if name in used}
    for name, study in studies.items():
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


def _data_set(name: str, options: dict[str, Any]) -> DataSet:
    """Return a data set as `preprocess` wrote it, or as it would."""
    try:
        if prepared.options(DATA / "prepared", name) == options:
            return prepared.load(DATA / "prepared", name)
    except UserError:
        pass
    return plugins.load("datasets", name).prepare(**options)
