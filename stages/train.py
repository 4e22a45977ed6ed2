"""Stage train: every run of a study's grid, from the store or trained now."""

import signal
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from batchwise import params, study_data
from batchwise.code import ROOT
from batchwise.environment import check_pins
from batchwise.errors import exit_with
from batchwise.store import Store
from batchwise.training import train_study


def main() -> None:
    """Write data/runs/<study>/, with exactly the runs of the grid."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the workers are closed
    name = sys.argv[1]
    study = params.study(params.load(), name)
    check_pins((ROOT / "requirements-train.in").read_text(encoding="utf-8"))
    data = study_data.load(Path("data/prepared"), study)
    timings, earlier = Path(f"data/timings/{name}.csv"), partial(read_last_time, Path(f"data/runs/{name}"))
    train_study(name, study, data, Path("data/runs"), Store(Path("data/store")), timings, earlier)


def read_last_time(folder: Path, name: str) -> bytes | None:
    """Return a file of an output folder as dvc.lock has it, or None if it cannot be had."""
    return last_time(folder)(name)


@cache
def last_time(folder: Path) -> Callable[[str], bytes | None]:
    """Return a function that reads a file of an output folder as dvc.lock has it, from DVC's cache or remote.

    DVC removes a stage's outputs before it runs the stage. What cannot be had is trained: a clone may have neither
    cache nor remote, a remote may not answer, and each has an exception of its own.
    """
    from dvc.api import DVCFileSystem  # takes a second to import, in which workers can start

    try:
        files, within = DVCFileSystem(ROOT), folder.absolute().relative_to(ROOT).as_posix()
        names = {Path(path).name for path in files.ls(within, detail=False)}
    except Exception:
        return lambda name: None

    def read(name: str) -> bytes | None:
        try:
            return files.cat_file(f"{within}/{name}") if name in names else None
        except Exception:
            return None

    return read


if __name__ == "__main__":
    exit_with(main)
