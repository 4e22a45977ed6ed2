"""Seconds and peak memory of a CSV file of a million rows and 30 columns: looked at, and prepared as a data set.

`python -m benchmarks.csv_file` writes it, does each in a process of its own, and prints a line for each.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from batchwise.data import local_files, preparation
from batchwise.data.csv import columns
from benchmarks.network_memory import peak

ROWS, NUMBERS, CATEGORIES = 1_000_000, 24, 5
STEPS = ("look", "prepare")


def write(path: Path, rows: int) -> None:
    """Write a file of numbers with 6 decimals or none, categories of 8 levels, and a target of two classes."""
    random = np.random.default_rng(0)
    levels = [f"level {number}" for number in range(8)]
    columns: dict[str, object] = {
        f"number_{number}": random.normal(size=rows).round(6) if number % 4 else random.integers(10_000, size=rows)
        for number in range(NUMBERS)
    }
    for number in range(CATEGORIES):
        columns[f"category_{number}"] = pd.Categorical.from_codes(random.integers(8, size=rows), levels)
    pd.DataFrame({**columns, "target": random.integers(2, size=rows)}).to_csv(path, index=False)


def look(path: Path) -> None:
    """Find out what the file, its columns and its target are."""
    columns.target(columns.look(path), ["target"])


def prepare(path: Path) -> None:
    """Read, split, scale, check and hash it, as stage preprocess does before it writes."""
    options = {
        "name": "csv",
        "file": "rows",
        "target": "target",
        "task": "binary_classification",
        "numbers": [f"number_{number}" for number in range(NUMBERS)],
        "categories": [f"category_{number}" for number in range(CATEGORIES)],
        "test_rows": 100_000,
        "validation_rows": 100_000,
    }
    data = preparation.prepare("rows", options, {"file": local_files.now({"rows": str(path)})["rows"]})
    preparation.warnings(data)
    assert data.sha256


def measure(step: str, path: Path) -> None:
    """Print how long a step takes, and the most memory that this process had."""
    start, worked = time.perf_counter(), time.process_time()
    {"look": look, "prepare": prepare}[step](path)
    seconds, processor = time.perf_counter() - start, time.process_time() - worked
    print(f"{step}: {seconds:.1f} s, of which {processor:.1f} s of the processor, {peak():,.0f} MiB at most")


def main() -> None:
    """Write the file and measure each step, or measure one step of a file that is given."""
    if len(sys.argv) > 2:
        measure(sys.argv[1], Path(sys.argv[2]))
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path, ROWS)
        for step in STEPS:
            subprocess.run([sys.executable, "-m", "benchmarks.csv_file", step, str(path)], check=True)


if __name__ == "__main__":
    main()
