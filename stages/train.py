"""Stage train: every run of a study's grid, from the store or trained now."""

import signal
import sys
from pathlib import Path

from batchwise import manifest, params
from batchwise.environment import check_pins
from batchwise.errors import exit_with
from batchwise.store import Store
from batchwise.training import train_study


def main() -> None:
    """Write data/runs/<study>/, with exactly the runs of the grid."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the workers are closed
    name = sys.argv[1]
    study = params.study(params.load(), name)
    check_pins(Path("requirements-train.in").read_text(encoding="utf-8"))
    data = manifest.load(Path("data/prepared"), study.data_set)
    train_study(name, study, data, Path("data/runs"), Store(Path("data/store")), Path(f"data/timings/{name}.csv"))


if __name__ == "__main__":
    exit_with(main)
