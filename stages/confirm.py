"""Stage confirm: fresh seeds of the chosen cells of a study, from the store or trained now.

`python -m stages.confirm <study>`. A study without the key `confirmation` has none.
"""

import signal
from pathlib import Path

import stages
from batchwise.common import dvc_files
from batchwise.common.repository import ROOT, STORE, text_of
from batchwise.config import params
from batchwise.config.grid import Run
from batchwise.config.params import Params
from batchwise.execution.run_folder import replacing

RUNS, CONFIRMED, PREPARED = Path("data/runs"), Path("data/confirmed"), Path("data/prepared")


def main(name: str) -> None:
    """Write data/confirmed/<study>/."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the workers are closed
    all_params = params.load()
    if params.study(all_params, name).confirmation:
        confirm(all_params, name)
    else:
        with replacing(CONFIRMED / name, shared_inputs={}):
            print(f"{name} has no confirmation")


def confirm(all_params: Params, name: str) -> None:
    """Train fresh seeds of the chosen cells of a study that has a confirmation."""
    from batchwise.execution import stage_times, study_runs  # what is imported here takes a while
    from batchwise.runtime.environment import check_pins

    check_pins(text_of(ROOT / "requirements-train.in"))
    study_runs.preload()  # takes seconds, in which the others are imported and the choice is made
    from batchwise.analysis import confirmation, run_metrics, tabulate
    from batchwise.data import loading, prepared
    from batchwise.execution.run_store import Store

    study = all_params.studies[name]
    data, manifest = loading.locate(PREPARED, name, study), prepared.read_part(PREPARED, name)
    metrics = loading.metrics(study, manifest)
    choice = tabulate.choose(study, manifest["rows"], metrics, run_metrics.read(RUNS / name, name, study, manifest))
    kept, timings = Store(STORE), stage_times.runs_file(all_params, name)
    with study_runs.making(name, data, CONFIRMED / name, kept, timings, dvc_files.reader(CONFIRMED / name)) as made:

        def measure(cells: list[list[Run]]) -> confirmation.Values:
            made.make(sorted({run for runs in cells for run in runs}))
            return confirmation.measured(made.folder.folder, name, study, manifest, metrics[0], cells)

        confirmation.fresh_runs(study, choice, metrics[0], measure)


if __name__ == "__main__":
    stages.run(main, "study")
