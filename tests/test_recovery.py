"""Killed processes, for real: what was done is kept, and the end is the same as without the kill."""

import os
import random
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from batchwise.training import random_streams, run_files
from tests.project import HANG, PARAMS, STUDY, Project

# Enough work for a kill to come in the middle of it, of one program, which each process compiles anew.
LONG = {**STUDY, "budget": {"epochs": 60}, "grid": {**STUDY["grid"], "batch_sizes": [4], "seeds": 20}}
RUNS = 40
TWO_WORKERS = {"BATCHWISE_WORKERS": "2"}

DEADLY = '''"""A perceptron whose process dies when it is built with a certain seed; 0 stands for any."""
import os
import signal

import keras

from batchwise.common.option_types import Seed


def build(input_shape: tuple[int, ...], outputs: int, *, deadly_seed: Seed) -> keras.Model:
    """Return the model, or die."""
    inputs = keras.Input(input_shape)
    layer = keras.layers.Dense(outputs)
    if deadly_seed in (0, layer.kernel_initializer.seed):
        os.kill(os.getpid(), signal.SIGKILL)
    return keras.Model(inputs, layer(inputs))
'''


def first_keras_seed(seed: int) -> int:
    """Return the seed that Keras draws for the first initialiser of a model built for a run's seed."""
    return random.Random(int(random_streams.generator(seed, "weights").integers(2**31))).randint(1, int(1e9))


def deadly(seed: int, **grid) -> dict:
    """Return a study whose processes die when they build the model with this seed of Keras."""
    return {**STUDY, "model": {"name": "deadly", "deadly_seed": seed}, "grid": {**STUDY["grid"], **grid}}


OF_ONE_CELL = {"batch_sizes": [4], "base_learning_rates": [0.0078125], "seeds": 2}
STUDIES = {
    "small": LONG,
    "in_memory": {**LONG, "grid": OF_ONE_CELL},
    "from_disk": {**LONG, "data_set": "streamed", "budget": {"epochs": 60}, "grid": OF_ONE_CELL},
    "one": deadly(first_keras_seed(1), batch_sizes=[64], base_learning_rates=[0.0078125]),
    "all": deadly(0),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    """A project whose data are there, and of which nothing was trained."""
    streamed = {"name": "digits", "streamed": True, **PARAMS["data_sets"]["digits"]}
    params = {"data_sets": {**PARAMS["data_sets"], "streamed": streamed}, "studies": STUDIES}
    project = Project.new(tmp_path_factory.mktemp("prepared") / "project", params)
    (project.folder / "batchwise/models/deadly.py").write_text(DEADLY)
    project.repro("preprocess")
    return project


@pytest.fixture
def project(prepared, tmp_path) -> Project:
    """A copy of it, to train."""
    return prepared.copy(tmp_path / "project")


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory) -> Project:
    """A copy of it that was trained without a kill."""
    project = prepared.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    project.repro("train@small", BATCHWISE_WORKERS="1")
    return project


def train_until_more_runs_are_kept(project: Project) -> subprocess.Popen:
    """Start `dvc repro`, and return it in the middle of training."""
    process = project.start("dvc", "repro", "train@small", **TWO_WORKERS)
    wait_for_more_runs(project, process)
    return process


def wait_for_more_runs(project: Project, process: subprocess.Popen) -> None:
    """Wait until three runs more are kept."""
    before = project.stored()
    while project.stored() < before + 3:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def descendants(process: subprocess.Popen, name: str) -> list[psutil.Process]:
    """Return the Python processes below a process whose command has `name`; a shell between them has it too."""
    python, found = psutil.Process().exe(), []
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            if child.exe() == python and name in " ".join(child.cmdline()):
                found.append(child)
    return found


def test_repro_goes_on_after_ctrl_c_and_kills_and_ends_with_the_same_bytes(project, undisturbed) -> None:
    process = train_until_more_runs_are_kept(project)
    os.killpg(process.pid, signal.SIGINT)
    printed = process.communicate(timeout=HANG)[0]
    assert process.returncode != 0
    assert "Traceback" not in printed
    assert re.search(
        rf"kept: {project.stored()} of the \d+ runs of small that are to be trained; `dvc repro` goes on", printed
    )

    process = train_until_more_runs_are_kept(project)
    descendants(process, "stages.train")[0].send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode != 0

    process = train_until_more_runs_are_kept(project)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    kept = project.stored()
    assert 9 <= kept < RUNS
    process = train_until_more_runs_are_kept(project)
    kill_what_trains(project, process)
    printed = process.communicate(timeout=HANG)[0]
    assert process.returncode == 0, printed  # others took the place of the killed ones
    assert f"{RUNS - kept} trained now, {kept} kept from before" in printed
    assert project.lock() == undisturbed.lock()


def kill_what_trains(project: Project, process: subprocess.Popen) -> None:
    """Kill a worker, then what workers are copies of with all of them, then its successor, with runs in between."""
    server, *workers = descendants(process, "forkserver")  # they are copies of it, and have its name
    assert {worker.ppid() for worker in workers} == {server.pid}
    workers[0].kill()
    wait_for_more_runs(project, process)
    server, *workers = descendants(process, "forkserver")
    for victim in (server, *workers):
        with suppress(psutil.NoSuchProcess):  # workers may end with what they are copies of
            victim.kill()
    wait_for_more_runs(project, process)
    successor, *_ = descendants(process, "forkserver")
    assert workers and successor != server
    successor.kill()


def test_a_run_that_kills_its_workers_fails_and_the_others_go_on(project) -> None:
    printed = project.repro("train@one", **TWO_WORKERS)
    assert "3 runs (1 failed, 2 ok)" in printed
    assert "its worker died 3 times" in printed
    folder = Path(project.folder, "data/runs/one")
    statuses = {name[-1]: run_files.load(folder, name).result.status for name in run_files.run_names(folder)}
    assert statuses == {"0": "ok", "1": "failed", "2": "ok"}


def test_workers_that_all_die_are_no_result(project) -> None:
    """The machine lacks something, memory say: what would be kept of the runs would stay when it has it."""
    process = project.start("dvc", "repro", "train@all", **TWO_WORKERS)
    printed = process.communicate(timeout=HANG)[0]
    assert process.returncode != 0
    assert "the workers died with each run that they had, " in printed
    assert "Traceback" not in printed and not Path(project.folder, "data/runs/all").exists()


def test_a_streamed_run_that_was_killed_has_the_bits_of_one_in_memory(project) -> None:
    """After the kill in the middle of the second run it is trained again, and then in memory, and compared."""
    process = project.start("dvc", "repro", "train@from_disk", BATCHWISE_WORKERS="1")
    while project.stored() < 1:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "1 trained now, 1 kept from before" in project.repro("train@from_disk", BATCHWISE_WORKERS="1")
    assert "0 trained now, 2 kept from before" in project.repro("train@in_memory")  # their keys are the same
    cell = ("--batch-size", "4", "--learning-rate", "0.03125")
    printed = project.run("python", "-m", "batchwise", "reproduce", "in_memory", *cell)
    assert printed.splitlines() == ["seed 0: exact", "seed 1: exact"]
