"""A study in one process: trained, kept, planned and reproduced through the functions that the commands call."""

import io
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from ruamel.yaml import YAML

from batchwise import __main__ as commands
from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config import grid, params
from batchwise.data import loading, prepared
from batchwise.data.loading import StudyData
from batchwise.execution import dispatcher, pool, stage_times
from batchwise.execution.run_folder import RunFolder
from batchwise.execution.run_store import Store
from batchwise.execution.session import Session
from batchwise.execution.study_runs import train_study
from batchwise.execution.workers import FinishedRun
from batchwise.training import run_result, run_shard
from batchwise.training.run_result import RunResult
from benchmarks import simulated_training
from tests import shards
from tests.project import PARAMS, STUDY

SMALL = {**STUDY, "budget": {"epochs": 2}, "grid": {**STUDY["grid"], "batch_sizes": [64, 2048], "seeds": 2}}
RUNS = 8


@contextmanager
def pool_of_threads() -> Iterator[Client]:
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> tuple[Path, str]:
    """The folder of a project whose study was trained by a worker of this process, and what that printed."""
    folder, printed = tmp_path_factory.mktemp("project"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.chdir(folder)
        patch.setattr(pool, "pool", pool_of_threads)
        with Path("params.yaml").open("w") as file:
            YAML(typ="safe").dump({**PARAMS, "studies": {"small": SMALL}}, file)
        options = PARAMS["data_sets"]["digits"]
        data = plugins.load("datasets", "digits").prepare(**options)
        prepared.save(data, Path("data/prepared"), "digits", options, prepared.code_of("digits"))
        prepared.save_part(data, Path("data/prepared"), "small", options, {"data_set": "digits", "subset": None})
        train()
    return folder, printed.getvalue()


@pytest.fixture
def trained(project, tmp_path, monkeypatch) -> str:
    """Go to a copy of that project; return what its training printed."""
    folder, printed = project
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setattr(pool, "pool", pool_of_threads)
    return printed


def train(earlier: Callable[[str], bytes | None] = lambda name: None) -> None:
    all_params = params.load()
    study, timings = all_params.studies["small"], stage_times.runs_file(all_params, "small")
    data, kept = loading.locate(Path("data/prepared"), "small", study), Store(Path("data/store"))
    train_study("small", data, Path("data/runs"), kept, timings, earlier)


def command(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["batchwise", *words])
    return commands.typed()()


def reproduce(monkeypatch, rate: str) -> int:
    return command(monkeypatch, "reproduce", "small", "--batch-size", "64", "--learning-rate", rate)


def test_a_study_is_trained_kept_planned_and_reproduced(trained, monkeypatch, capsys) -> None:
    assert f"{RUNS} trained now, 0 kept from before" in trained
    train()
    assert f"0 trained now, {RUNS} kept from before" in capsys.readouterr().out
    assert command(monkeypatch, "check") == 0
    assert command(monkeypatch, "plan") == 0
    assert f"{RUNS} runs, {RUNS} done, 0 to train" in capsys.readouterr().out
    assert reproduce(monkeypatch, "0.5") == 0
    assert capsys.readouterr().out == "seed 0: exact\nseed 1: exact\n"

    folder, name = Path("data/runs/small"), "m64_lr0.5_seed1"

    def edit(result: RunResult) -> None:
        result.metrics["loss"][1, 0] += 1
        result.weights["000_kernel"][0, 0] += 1

    shards.change(folder, name, edit)
    assert reproduce(monkeypatch, "0.5") == 1
    printed = capsys.readouterr().out
    assert "seed 1: differs" in printed
    assert "first epoch that differs: 1, train loss" in printed
    assert "first tensor that differs: 000_kernel (64, 8), by at most 1" in printed
    with pytest.raises(UserError, match="learning rate 3 is not in the grid at batch size 64"):
        reproduce(monkeypatch, "3")
    shards.remove(folder, name)
    with pytest.raises(UserError, match="is missing; run `dvc repro --force train@small`"):
        reproduce(monkeypatch, "0.5")


def entries() -> sqlite3.Connection:
    return sqlite3.connect("data/store/runs.sqlite", isolation_level=None)


def test_a_damaged_entry_of_the_store_is_trained_again(trained, capsys) -> None:
    before = {path.name: path.read_bytes() for path in Path("data/runs/small").iterdir()}
    with closing(entries()) as database:
        key, whole = database.execute("SELECT key, content FROM entries ORDER BY key").fetchone()
        for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), b""):
            database.execute("UPDATE entries SET content = ? WHERE key = ?", (damaged, key))
            train()
            printed = capsys.readouterr()
            assert f"1 trained now, {RUNS - 1} kept from before" in printed.out
            assert "small: made again, since their files" in printed.err and f": 1 of {RUNS} runs" in printed.err
            assert database.execute("SELECT content FROM entries WHERE key = ?", (key,)).fetchone() == (whole,)
            assert {path.name: path.read_bytes() for path in Path("data/runs/small").iterdir()} == before


def test_what_is_missing_is_trained_before_what_is_kept_is_copied(trained, monkeypatch, capsys) -> None:
    """With a hundred thousand runs, workers would wait long for a hundred that are missing."""
    before = {path.name: path.read_bytes() for path in Path("data/runs/small").iterdir()}
    with closing(entries()) as database:
        assert database.execute("DELETE FROM entries WHERE rowid = 3").rowcount == 1
    copied: list[str] = []
    get, train_on_workers = Store.get, dispatcher.train

    def watched_get(store: Store, key: str) -> bytes | None:
        copied.append(key)
        return get(store, key)

    def watched_train(*arguments, some_ended: bool) -> None:
        assert not copied and some_ended
        train_on_workers(*arguments, some_ended=some_ended)

    monkeypatch.setattr(Store, "get", watched_get)
    monkeypatch.setattr(dispatcher, "train", watched_train)
    train()
    assert f"1 trained now, {RUNS - 1} kept from before" in capsys.readouterr().out
    assert len(copied) == RUNS - 1
    assert {path.name: path.read_bytes() for path in Path("data/runs/small").iterdir()} == before


def test_the_benchmark_of_many_runs_simulates_those_that_are_missing(trained, monkeypatch, capsys) -> None:
    with closing(entries()) as database:
        assert database.execute("DELETE FROM entries WHERE rowid = 3").rowcount == 1
    monkeypatch.setattr(simulated_training, "STORE", Path("data/store"))
    monkeypatch.setattr(sys, "argv", ["simulated_training", "small"])
    simulated_training.main()
    printed = capsys.readouterr().out
    assert "begun after" in printed and f"1 trained now, {RUNS - 1} kept from before" in printed


def test_a_damaged_store_is_made_again(trained, capsys) -> None:
    before = {path.name: path.read_bytes() for path in Path("data/runs/small").iterdir()}
    Path("data/store/runs.sqlite").write_bytes(b"no database" * 1000)
    for now in (RUNS, 0):
        train()
        assert f"{now} trained now, {RUNS - now} kept from before" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in Path("data/runs/small").iterdir()} == before


def test_a_plan_counts_a_run_of_which_no_whole_file_is_left(trained, monkeypatch, capsys) -> None:
    folder, name = Path("data/runs/small"), "m64_lr0.5_seed1"
    path, content = folder / run_shard.name(name), shards.content(folder, name)
    with closing(entries()) as database:
        assert database.execute("DELETE FROM entries WHERE content = ?", (content,)).rowcount == 1
    whole = path.read_bytes()
    path.write_bytes(whole.replace(content, content[:-1] + b"?"))
    capsys.readouterr()
    assert command(monkeypatch, "plan") == 0
    printed = capsys.readouterr().out
    assert f"{RUNS} runs, {RUNS - 1} done, 1 to train" in printed and "1 to train: its file is damaged" in printed
    train()
    assert path.read_bytes() == whole


def test_a_clone_without_a_store_takes_whole_runs_from_what_dvc_has(trained, capsys) -> None:
    """A shard that is damaged costs its own runs alone, and a run of another study none."""
    folder = Path("data/runs/small")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    damaged = before | {run_shard.name("m64_lr0.5_seed1"): b"damaged"}
    for there, now in ((before, 0), (damaged, 2), ({}, RUNS)):
        shutil.rmtree("data/store")
        train(there.get)
        assert f"{now} trained now, {RUNS - now} kept from before" in capsys.readouterr().out
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    shards.change_inputs(folder, "m64_lr0.5_seed1", lambda inputs: inputs.update(data="other"))
    shutil.rmtree("data/store")
    train({path.name: path.read_bytes() for path in folder.iterdir()}.get)
    assert f"2 trained now, {RUNS - 2} kept from before" in capsys.readouterr().out


def test_a_study_that_cannot_be_trained_leaves_the_folder_of_its_runs_as_it_was(trained, monkeypatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise UserError("the model cannot be built")

    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in Path("data/runs").rglob("*") if path.is_file()}

    before = files()
    shutil.rmtree("data/store")
    monkeypatch.setattr(dispatcher, "train", fail)
    with pytest.raises(UserError):
        train()
    assert files() == before and [path.name for path in Path("data/runs").iterdir()] == ["small"]


def test_what_was_measured_says_what_the_next_runs_take(tmp_path, monkeypatch) -> None:
    study = params.check({**PARAMS, "studies": {"small": SMALL}}).studies["small"]
    runs = grid.runs(study, 1200)
    keys = {run: f"{number:064x}" for number, run in enumerate(runs)}
    folder = RunFolder(tmp_path, {})
    data = StudyData(study, "data/prepared", {"train": 1200}, "multiclass_classification", "")
    session = Session("small", data, keys, Store(tmp_path / "store"), tmp_path / "timings.csv", folder)
    assert session.expected_seconds(runs[1]) < 0.1
    assert session.left.total() == len(runs) and len(session.left) == len(study.grid.batch_sizes)  # a line asks these
    assert session.seconds_left() > 0
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tls://head:8786")
    assert session.seconds_left() is None  # of any number of workers
    content = run_result.dump(run_result.without_evaluations("ok"), {})
    session.finish(runs[0], FinishedRun("ok", content, compiled=True, seconds=17.0), running=1)
    assert session.expected_seconds(runs[1]) + session.compile_seconds() == pytest.approx(17, rel=0.1)
    assert session.expected_seconds(runs[1]) > session.compile_seconds()
    assert session.left.total() == len(runs) - 1 and session.seconds_left() > 0


@pytest.mark.tensorflow  # and JAX in another process
def test_a_plan_tries_new_studies_each_on_its_engine(trained, monkeypatch, capfd) -> None:
    """Each in a process of its own, of which Keras computes with one engine."""
    new = {**SMALL, "budget": {"epochs": 3}}
    studies = {"small": new, "together": {**new, "engine": "jax"}, "unlike": {**new, "weight_decay": 0.1}}
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump({**PARAMS, "studies": studies}, file)
    monkeypatch.setenv("BATCHWISE_WORKERS", "1")
    assert command(monkeypatch, "plan") == 0
    printed, told = capfd.readouterr()
    small, together, unlike = re.split("^[a-z]+: ", printed, flags=re.M)[1:]
    assert f"{RUNS} to train: budget.epochs: 2 → 3" in small and "trial" not in small and "memory" not in small
    assert "on 1 worker, in 2 programs of 8 lanes (none was timed yet: from a short trial)" in together
    assert re.search(r"a worker takes about 0\.\d+ GB of memory at m = 512, with 8 runs at once\n", together)
    assert "on 1 worker (none was timed yet: from a short trial)" in unlike
    assert re.search(r"a worker takes about \d\.\d+ GB of memory at m = 512\n", unlike)
    for plan in (together, unlike):
        assert f"{RUNS} to train: new in the grid" in plan and "MB of disk" in plan
    assert not told
    assert json.loads(Path("data/prepared/digits.json").read_text())["rows"]["train"] == 1200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_is_not_lost_where_exceptions_are_only_printed() -> None:
    class Callback:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with dispatcher._interrupts() as interrupts:
        callback = Callback()
        del callback
        assert interrupts == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is before
