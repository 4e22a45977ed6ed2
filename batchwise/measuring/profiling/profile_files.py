"""What was measured of a study's time and memory: the files of data/profiles/<study>."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import stage_outputs
from batchwise.common.serialization import as_csv, as_json
from batchwise.common.tables import keep_identified

POINTS = {
    "batch_size": "m, rows; a batch size above the number of training rows N is measured once, as N",
    "dtype": "number type of weights, inputs and gradients",
    "purpose": "why it was measured: grid (a batch size of the study), neighbour (of a power of two) or dtype (another "
    "number type); in lengths.csv point (of the fit), end (to find the largest m that fits into the study's limit) or "
    "evaluation (of m rows together, which runs need at every m)",
    "status": "ok, out_of_memory (also if the system ended the process for want of memory) or failed, also by a fault "
    "of the machine, twice; in doubling.csv fits, out_of_memory, failed or stopped: not finished in time, so that the "
    "last m that fits is a lower bound",
    "message": "why it is not ok; else empty",
    "occasion": "number, from 0, of the occasion in machine.json on which it was measured: times of one compare best. "
    "On a later one, the nearest batch size of before (compared_at) was measured once more; slowdown is its time then, "
    "divided by its time here",
    "input_shape": "shape of the inputs of an update, rows first: '32 30'",
    "compile_seconds": "time of the first call of the program of whole batches, which compiles and trains nothing, in "
    "the first process, while others compile on the other cores; seconds",
    "ragged_compile_seconds": "the same for the last batch of an epoch; empty if N is a multiple of m, or m is not of "
    "the grid",
    "updates_per_epoch": "updates that the optimiser counted in an epoch of training; empty if m is not of the grid, "
    "or an epoch takes more than a second",
    "ragged_rows": "rows of the last batch of an epoch, N mod m; 0 if all are whole",
    "memory_start_bytes": "peak memory of the first process before the model was built; bytes",
    "memory_peak_bytes": "peak memory of a process after its programs were compiled and called, the largest of those "
    "of the point, in doubling.csv after the update, with all runs that it trains at once: resident set on a CPU, "
    "memory of the device on a GPU; bytes",
}
REPETITIONS = {
    "batch_size": POINTS["batch_size"],
    "dtype": POINTS["dtype"],
    "part": "whole: updates of m rows; ragged: of N mod m rows, as the last of an epoch; side_by_side: of m rows, in "
    "as many processes at the same time as there are cores, or as half of the memory has room for",
    "round": "of the process, from 0; in each, all batch sizes have one repetition, in a new random order: that of the "
    "file's rows",
    "process": "number, from 0, of the process of this point: all points have a first one, then all their others; side "
    "by side there may be more",
    "seconds": "mean time of an update in the repetition, of a run its share where several are trained at once (lanes "
    "in machine.json); in doubling.csv of an update of all of them with its compilation, in lengths.csv the median of "
    "a few, of which those in which others had the processor do not count; seconds",
}
DOUBLING = {
    "batch_size": "m: the largest of the grid times powers of 2, up to the end of memory; above N, rows repeat",
    **{name: POINTS[name] for name in ("status", "message", "memory_peak_bytes")},
    "seconds": REPETITIONS["seconds"],
}
# Why a row of lengths.csv was measured: for the fit, to find the end of memory, or since runs are evaluated at every m.
POINT, END, EVALUATION = "point", "end", "evaluation"
LENGTHS = {
    "length": "T, tokens of a row, to which rows were cut or repeated; of images the pixels they were resized to",
    "dtype": POINTS["dtype"],
    "accumulation": "parts of a batch, one after the other, whose gradients are accumulated; 1 of whole batches",
    "batch_size": POINTS["batch_size"],
    **{name: POINTS[name] for name in ("purpose", "status", "message", "memory_peak_bytes")},
    "seconds": REPETITIONS["seconds"],
}
TABLES = {"points": POINTS, "repetitions": REPETITIONS, "doubling": DOUBLING, "lengths": LENGTHS}
COLUMNS = LENGTHS | POINTS | REPETITIONS | {"column": "name of a column, in any table of this folder"}
COLUMNS |= {"description": "what the column holds, with its unit"}
TEXTS = ("dtype", "purpose", "status", "message", "input_shape", "part")
_SIZE: dict[str, str | None] = {"batch_size": "int64"}
KEYS = {
    "points": {**_SIZE, "dtype": None, "purpose": None, "status": None},
    "repetitions": {**_SIZE, "dtype": None, "part": None, "seconds": None},
    "doubling": {**_SIZE, "status": None},
    "lengths": {**_SIZE, "length": "int64", "dtype": None, "accumulation": "int64", "purpose": None, "status": None},
}


@dataclass(frozen=True)
class Profile:
    """The tables points.csv, repetitions.csv, doubling.csv and lengths.csv, and machine.json."""

    points: pd.DataFrame
    repetitions: pd.DataFrame
    doubling: pd.DataFrame
    machine: dict[str, Any]
    lengths: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LENGTHS)))

    def __post_init__(self) -> None:
        """Leave out rows that do not say what they are of. Any other row may be missing too."""
        keep_identified(self, KEYS)


def files(profile: Profile) -> dict[str, bytes]:
    """Return {file name: bytes} of a profile, with columns.csv, which says what each column holds."""
    tables = {f"{name}.csv": as_csv(getattr(profile, name)[list(columns)]) for name, columns in TABLES.items()}
    columns = pd.DataFrame(COLUMNS.items(), columns=["column", "description"])
    return tables | {"machine.json": as_json(profile.machine), "columns.csv": as_csv(columns)}


def read(folder: Path) -> Profile:
    """Read the profile of a study. Raises UserError if a file is missing or damaged."""
    machine, tables = stage_outputs.read(
        folder, "profile", "machine", {name: [*used] for name, used in TABLES.items()}, TEXTS
    )
    return Profile(machine=machine, **tables)
