"""Stage train: every run of a study's grid, from the store or trained now."""

import signal
from pathlib import Path

import stages
from batchwise.common import dvc_files
from batchwise.common.repository import ROOT, STORE, text_of
from batchwise.config import params
from batchwise.data import loading
from batchwise.execution import stage_times
from batchwise.execution.run_store import Store
from batchwise.execution.study_runs import train_study
from batchwise.runtime.environment import check_pins


def main(name: str) -> None:
    """Write data/runs/<study>/, with exactly the runs of the grid."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the workers are closed
    all_params = params.load()
    study = params.study(all_params, name)
    check_pins(text_of(ROOT / "requirements-train.in"))
    data, timings = loading.locate(Path("data/prepared"), name, study), stage_times.runs_file(all_params, name)
    earlier = dvc_files.reader(Path(f"data/runs/{name}"))
    train_study(name, data, Path("data/runs"), Store(STORE), timings, earlier)


if __name__ == "__main__":
    stages.run(main, "study")
