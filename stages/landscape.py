"""Stage landscape: gradient noise and the shape of the loss at chosen cells of a study.

`python -m stages.landscape <study>`. The cells are those of the study's key `landscape`, which may be empty.
"""

from pathlib import Path
from typing import Any

import stages
from batchwise.analysis import study_tables
from batchwise.common import stage_outputs
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data import loading, prepared
from batchwise.execution.progress import Progress
from batchwise.measuring.landscape.output import Rows, files
from batchwise.runtime import engine
from batchwise.training import run_files
from batchwise.training.run_result import STATUSES, RunResult

PREPARED = Path("data/prepared")


def main(name: str) -> None:
    """Write data/landscapes/<study>/."""
    study = study_tables.read_study(Path("data/tables") / name)
    metric, *_ = loading.metrics(study, prepared.read_part(PREPARED, name))
    found = measured(name, study) if study.landscape else ({}, {})
    stage_outputs.write(Path("data/landscapes") / name, files(name, metric, study.landscape, *found))


def measured(name: str, study: Study) -> tuple[dict[str, Any], Rows]:
    """Return the settings and the rows of the tables of a study that asks for some."""
    engine.use(study.engine)
    from batchwise.measuring.landscape.cells import chosen
    from batchwise.measuring.landscape.measurement import measure, settings  # TensorFlow takes seconds to import

    data = loading.load(PREPARED, study)
    start = loading.locate(PREPARED, name, study).start()
    cells = chosen(Path("data/tables") / name, study.landscape)
    folder, inputs = Path("data/runs") / name, {"data": data.sha256, "recipe": study.recipe.model_dump()}

    progress = Progress("landscape", name, sum(len(grid.runs_of(cell, study)) for cell in cells), STATUSES)
    statuses: list[str] = []  # of the runs that were begun

    def read(run: Run) -> RunResult:
        if statuses:
            progress.add(statuses[-1])
        progress.show(f"m {run.effective_batch_size:,} seed {run.seed}")
        result = run_files.read(folder, name, run, inputs).result
        statuses.append(result.status)
        return result

    try:
        if progress.kind != "quiet":
            from batchwise.execution import remaining_stages  # decides nothing, and reads what trains

            progress.seconds_after = remaining_stages.seconds_after_this()
        progress.begin()
        rows = measure(data, study, cells, read, start)
        for status in statuses[-1:]:
            progress.add(status)
    finally:
        progress.close()
    return settings(study), rows


if __name__ == "__main__":
    stages.run(main, "study")
