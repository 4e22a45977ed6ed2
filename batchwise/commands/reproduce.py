"""python -m batchwise reproduce: a cell trained again, and compared bit by bit."""

import argparse
from pathlib import Path

from batchwise.config import params
from batchwise.data import loading, prepared
from batchwise.execution.reproduce import find_cell, reproduce

DATA = Path("data")


def run(arguments: argparse.Namespace) -> int:
    """Print for each seed whether it is exact, or what differs; return 1 if one differs."""
    all_params, name = params.load(), arguments.study
    study = params.study(all_params, name)
    data = loading.load(DATA / "prepared", study)
    weights = prepared.weights_of(prepared.read_part(DATA / "prepared", name)) if study.weights else None
    if weights:
        weights.check_unchanged()
    cell = find_cell(study, data.rows["train"], arguments.batch_size, arguments.learning_rate)
    differing = 0
    for run, differences in reproduce(name, study, data, cell, DATA, weights):
        branch = f", branch {run.branch.name}" if run.branch else ""
        print(f"seed {run.seed}{branch}: {'differs' if differences else 'exact'}", flush=True)
        for line in differences:
            print(f"  {line}")
        differing += bool(differences)
    return 1 if differing else 0
