"""Stage train: every run of a study's grid, from the store or trained now."""

import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from batchwise.common.messages import exit_with
from batchwise.common.repository import ROOT, STORE
from batchwise.config import params
from batchwise.data import loading
from batchwise.execution.run_store import Store
from batchwise.execution.study_runs import train_study
from batchwise.runtime.environment import check_pins


def main() -> None:
    """Write data/runs/<study>/, with exactly the runs of the grid."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the workers are closed
    name = sys.argv[1]
    study = params.study(params.load(), name)
    check_pins((ROOT / "requirements-train.in").read_text(encoding="utf-8"))
    data = loading.load(Path("data/prepared"), study)
    timings, earlier = Path(f"data/timings/{name}.csv"), last_time(Path(f"data/runs/{name}"))
    train_study(name, study, data, Path("data/runs"), Store(STORE), timings, earlier)


def last_time(folder: Path) -> Callable[[str], bytes | None]:
    """Return a function that reads a file of an output folder as dvc.lock has it, from DVC's cache or remote.

    DVC removes a stage's outputs before it runs the stage. What cannot be had is trained: a clone may have neither
    cache nor remote, a remote may not answer, and each has an exception of its own.
    """

    @cache
    def opened() -> tuple[Any, str, set[str]]:
        from dvc.api import DVCFileSystem  # takes a second to import, in which workers can start

        try:
            files, within = DVCFileSystem(Path.cwd()), folder.as_posix()  # the project that the stage is of
            return files, within, {Path(path).name for path in files.ls(within, detail=False)}
        except Exception:
            return None, "", set()

    def read(name: str) -> bytes | None:
        files, within, known = opened()
        try:
            return files.cat_file(f"{within}/{name}") if name in known else None
        except Exception:
            return None

    return read


if __name__ == "__main__":
    exit_with(main)
