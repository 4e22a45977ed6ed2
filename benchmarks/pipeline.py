"""Seconds of the pipeline's stages: training a grid, nothing to do, the tables and the report of a large study."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from unittest import mock

from ruamel.yaml import YAML

from batchwise.common import plugins
from batchwise.config import grid, params
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data import loading, prepared
from batchwise.data.dataset import DataSet
from batchwise.execution import pool, run_store
from batchwise.execution.run_folder import RunFolder
from batchwise.execution.run_store import Store
from batchwise.execution.study_runs import train_study
from batchwise.training import run_result
from benchmarks import simulated_training
from benchmarks.job import STUDY

ROOT = Path(__file__).parent.parent
WORKERS = 2


def train(folder: Path) -> tuple[float, float, int]:
    """Return the seconds of start-up and of training each cell of the study with one seed, and the number of cells."""
    study, data = _study(seeds=1)
    prepared.save(data, folder / "prepared", study.data_set, {})
    prepared.save_part(loading.part(data, study.subset, study.task), folder / "prepared", STUDY, {}, {})
    with mock.patch.dict(os.environ, BATCHWISE_WORKERS=str(WORKERS)):
        start = perf_counter()
        with pool.pool() as client:
            client.wait_for_workers(WORKERS)
            client.run(importlib.import_module, "batchwise.training.trainer")
            started = perf_counter()
            os.environ["DASK_SCHEDULER_ADDRESS"] = client.scheduler.address  # there is nothing to preload
            kept, timings = Store(folder / "store"), folder / "timings.csv"
            located = loading.locate(folder / "prepared", STUDY, study)
            with mock.patch.object(pool, "pool", lambda: nullcontext(client)):
                train_study(STUDY, located, folder / "runs", kept, timings, earlier=lambda file: None)
            end = perf_counter()
    return started - start, end - started, len(grid.cells(study, data.rows["train"]))


def nothing_to_do() -> float | None:
    """Return the seconds of `dvc repro` where all is done; None where it is not."""
    dvc = (sys.executable, "-m", "dvc")
    with _bin_on_path():
        status = subprocess.run([*dvc, "status"], cwd=ROOT, capture_output=True, text=True)
        if "up to date" not in status.stdout:
            return None
        return _seconds(*dvc, "repro", folder=ROOT)


def reports(folder: Path, seeds: int) -> tuple[float, float, int]:
    """Return the seconds of the stages evaluate and report of a made-up study, and its number of runs."""
    study, data = _study(seeds)
    _write_params(folder / "params.yaml", seeds)
    (folder / "reports").mkdir()
    for path in (ROOT / "reports").iterdir():
        if path.name != "html":
            (folder / "reports" / path.name).symlink_to(path)
    stage = (sys.executable, "-m")
    _seconds(*stage, "stages.check", folder=folder)
    _seconds(*stage, "stages.preprocess", folder=folder)
    runs = grid.runs(study, data.rows["train"])
    _make_up_runs(folder / "data/runs" / STUDY, study, prepared.load(folder / "data/prepared", study.data_set), runs)
    with _bin_on_path():
        evaluate = _seconds(*stage, "stages.evaluate", STUDY, folder=folder)
        report = _seconds(*stage, "stages.report", STUDY, folder=folder)
    return evaluate, report, len(runs)


def _study(seeds: int) -> tuple[Study, DataSet]:
    everything = params.load(ROOT / "params.yaml")
    study = everything.studies[STUDY]
    data = plugins.load("datasets", study.data_set).prepare(**everything.data_sets[study.data_set])
    return study.model_copy(update={"grid": study.grid.model_copy(update={"seeds": seeds})}), data


def _write_params(path: Path, seeds: int) -> None:
    yaml = YAML()
    content = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["studies"] = {STUDY: content["studies"][STUDY]}
    content["studies"][STUDY]["grid"]["seeds"] = seeds
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _make_up_runs(folder: Path, study: Study, data: DataSet, runs: list[Run]) -> None:
    folder.mkdir(parents=True)
    shared = run_store.inputs(study.recipe, data.description.task, data.sha256, study.metric)
    made = RunFolder(folder, shared)
    for run in runs:
        made.add(run, run_result.dump(simulated_training.result(run, study.budget.epochs), run.facts))
    made.write()


def _seconds(*command: str, folder: Path) -> float:
    start = perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return seconds


@contextmanager
def _bin_on_path() -> Iterator[None]:
    """Let the stages' `python` be this one, also where the environment is not activated."""
    with mock.patch.dict(os.environ, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"):
        yield
