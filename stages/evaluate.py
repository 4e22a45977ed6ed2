"""DVC stage `evaluate`: the run files of a study, to its tables. `python -m stages.evaluate <study>`."""

from pathlib import Path

import stages
from batchwise.analysis import run_metrics
from batchwise.analysis.evaluate import evaluate
from batchwise.common import serialization
from batchwise.common.files import replace, write_bytes
from batchwise.config import grid, params
from batchwise.data import loading
from batchwise.training import checksums


def main(name: str) -> None:
    """Write data/tables/<study>/, what `dvc metrics` and `dvc plots` show, and for git checksums of the runs."""
    study = params.study(params.load(), name)
    manifest = loading.describe(Path("data/prepared"), study)
    names = [run.name for run in grid.runs(study, manifest["rows"]["train"])]
    found = checksums.of_files(Path("data/runs") / name, names)
    by_run = run_metrics.read(Path("data/runs") / name, name, study, manifest)
    files = evaluate(name, study, manifest, loading.metrics(study, manifest), by_run)
    numbers = files.pop("metrics.json")
    write_bytes(Path(f"data/metrics/{name}.json"), numbers)
    write_bytes(Path(f"data/plots/{name}.csv"), files["batch_sizes.csv"])
    replace(Path("data/tables") / name, files)
    write_bytes(Path(f"reports/checksums/{name}.json"), serialization.as_json(found))


if __name__ == "__main__":
    stages.run(main, "study")
