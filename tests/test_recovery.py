"""Killed processes, for real: what was done is kept, and the end is the same as without the kill."""

import copy
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

from batchwise.training import random_streams, run_result
from tests.project import HANG, PARAMS, STUDY, Project

# Enough work for a kill to come in the middle of it.
LONG = {**STUDY, "budget": {"epochs": 200}, "grid": {**STUDY["grid"], "batch_sizes": [2, 4], "seeds": 8}}
RUNS = 32


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Project:
    """A project that was trained without a kill."""
    project = Project.new(tmp_path_factory.mktemp("undisturbed") / "project", {**PARAMS, "studies": {"small": LONG}})
    project.repro("train@small")
    return project


@pytest.fixture
def project(tmp_path) -> Project:
    """A project of which nothing has run."""
    return Project.new(tmp_path / "project", {**PARAMS, "studies": {"small": LONG}})


def train_until_more_runs_are_kept(project: Project) -> subprocess.Popen:
    """Start `dvc repro`, and return it in the middle of training."""
    process, before = project.start("dvc", "repro", "train@small"), project.stored()
    while project.stored() < before + 3:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return process


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
    server, *workers = descendants(process, "forkserver")  # they are copies of it, and have its name
    assert {worker.ppid() for worker in workers} == {server.pid}
    workers[0].send_signal(signal.SIGKILL)
    printed = process.communicate(timeout=HANG)[0]
    assert process.returncode == 0, printed  # a new worker took the place of the killed one
    assert f"{RUNS - kept} trained now, {kept} kept from before" in printed
    assert project.lock() == undisturbed.lock()


@pytest.mark.parametrize("which", [slice(1), slice(None)], ids=["what workers are copies of", "it and all workers"])
def test_what_dies_is_replaced_and_nothing_hangs(project, undisturbed, which) -> None:
    process = train_until_more_runs_are_kept(project)
    for victim in descendants(process, "forkserver")[which]:
        victim.kill()
    printed = process.communicate(timeout=HANG)[0]
    assert process.returncode == 0, printed
    assert project.lock() == undisturbed.lock()


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


def test_a_run_that_kills_its_workers_fails_and_the_others_go_on(tmp_path) -> None:
    study = copy.deepcopy(STUDY) | {"model": {"name": "deadly", "deadly_seed": first_keras_seed(1)}}
    study["grid"] = {"batch_sizes": [64], "base_learning_rates": [0.0078125], "seeds": 3}
    project = Project.new(tmp_path / "project", {**PARAMS, "studies": {"small": study}})
    (project.folder / "batchwise/models/deadly.py").write_text(DEADLY)
    printed = project.repro("train@small")
    assert "3 runs (1 failed, 2 ok)" in printed
    assert "its worker died 3 times" in printed
    folder = Path(project.folder, "data/runs/small")
    statuses = {path.stem[-1]: run_result.load(path.read_bytes())[0].status for path in folder.iterdir()}
    assert statuses == {"0": "ok", "1": "failed", "2": "ok"}


def test_workers_that_all_die_are_no_result(tmp_path) -> None:
    """The machine lacks something, memory say: what would be kept of the runs would stay when it has it."""
    study = copy.deepcopy(STUDY) | {"model": {"name": "deadly", "deadly_seed": 0}}
    project = Project.new(tmp_path / "project", {**PARAMS, "studies": {"small": study}})
    (project.folder / "batchwise/models/deadly.py").write_text(DEADLY)
    process = project.start("dvc", "repro", "train@small")
    printed = process.communicate(timeout=HANG)[0]
    assert process.returncode != 0
    assert "the workers died with each run that they had, " in printed
    assert "Traceback" not in printed and not Path(project.folder, "data/runs/small").exists()
