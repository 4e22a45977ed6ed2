"""DVC stage `evaluate`: the run files of a study, to its tables. `python -m stages.evaluate <study>`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

import stages
from batchwise.analysis import confirmation, run_metrics, tabulate
from batchwise.analysis.evaluate import evaluate
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.common import serialization, stage_outputs
from batchwise.common.files import write_bytes
from batchwise.config import checked, grid, study_files
from batchwise.config.grid import Run
from batchwise.data import loading, prepared
from batchwise.training import run_files
from batchwise.training.checksums import Checksums


def main(name: str) -> None:
    """Write data/tables/<study>/, what `dvc metrics` and `dvc plots` show, and for git checksums of the runs."""
    study = study_files.read(checked.STUDIES / f"{name}.json")
    manifest = prepared.read_part(Path("data/prepared"), name)
    checksums = Checksums()
    by_run, metrics = (
        run_metrics.read(Path("data/runs") / name, name, study, manifest, checksums.add),
        loading.metrics(study, manifest),
    )
    folder, choice = Path("data/confirmed") / name, tabulate.choose(study, manifest["rows"], metrics, by_run)
    measure = partial(confirmation.measured, folder, name, study, manifest, metrics[0])
    runs = confirmation.fresh_runs(study, choice, metrics[0], measure)
    fresh = run_metrics.read(folder, name, study, manifest, checksums.add, runs, "confirm")
    branches = grid.branch_runs(study, manifest["rows"]["train"])
    branched = run_metrics.read(Path("data/runs") / name, name, study, manifest, checksums.add, branches)
    predictions = partial(_predictions, name, by_run)
    files = evaluate(name, study, manifest, metrics, by_run, fresh, branched, predictions)
    numbers = files.pop("metrics.json")
    write_bytes(Path(f"data/metrics/{name}.json"), numbers)
    write_bytes(Path(f"data/plots/{name}.csv"), files.pop("plot.csv"))
    stage_outputs.write(Path("data/tables") / name, files)
    write_bytes(Path(f"reports/checksums/{name}.json"), serialization.as_json(checksums.as_facts()))


def _predictions(name: str, by_run: Mapping[Run, RunMetrics], run: Run) -> np.ndarray:
    """Return the boxes that a run found in test rows: one of the grid, or of the confirmation."""
    folder = "runs" if run in by_run else "confirmed"
    return run_files.load(Path(f"data/{folder}") / name, run.name, with_weights=False).result.predictions


if __name__ == "__main__":
    stages.run(main, "study")
