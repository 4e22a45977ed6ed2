"""A study on machines that share nothing: one is cut off, one killed, one stopped, one of another kind."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import prepared
from batchwise.execution.study_workers import StudyWorkers
from tests.cluster import Cluster
from tests.project import HANG, PARAMS, STUDY, Project

SMALL = {**STUDY, "budget": {"epochs": 20}, "grid": {**STUDY["grid"], "batch_sizes": [4, 64], "seeds": 4}}
RUNS = 16


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project whose data are there, and of which nothing was trained."""
    made = Project.new(tmp_path_factory.mktemp("client") / "project", {**PARAMS, "studies": {"small": SMALL}})
    folder, options = made.folder / "data/prepared", PARAMS["data_sets"]["digits"]
    data = plugins.load("datasets", "digits").prepare(**options)
    prepared.save(data, folder, "digits", options, prepared.code_of("digits"))
    prepared.save_part(data, folder, "small", options, {"data_set": "digits", "subset": None})
    return made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A cluster with a worker that computes by other kernels."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.add("other", TF_ENABLE_ONEDNN_OPTS="0")
        yield made
    finally:
        made.close()


def train(cluster: Cluster, project: Project, **environment: str) -> subprocess.Popen:
    """Start the stage that trains, on the workers of the cluster."""
    variables = cluster.variables(DASK_SCHEDULER_ADDRESS=cluster.address, **environment)
    command = cluster.inside("scheduler", "python", "-m", "stages.train", "small")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=project.folder, env=variables, **pipes)


def sums(project: Project) -> dict[str, str]:
    """Return {file: SHA-256} of the runs."""
    return {file: hashlib.sha256(content).hexdigest() for file, content in project.bytes_of("data/runs/small").items()}


@pytest.mark.parametrize("choice", ["", "leave_out"])
def test_a_machine_of_another_kind_is_named(cluster, project, choice) -> None:
    process = train(cluster, project, BATCHWISE_OTHER_WORKERS=choice)
    printed, _ = process.communicate(timeout=HANG)
    assert process.returncode == 1 and "Traceback" not in printed
    told = {
        "": "TF_ENABLE_ONEDNN_OPTS: nothing → 0; use workers with",
        "leave_out": "error: all workers are left out: worker tcp://",
    }
    assert told[choice] in printed and project.stored() == 0


def test_a_choice_of_other_workers_that_is_none_is_told(monkeypatch) -> None:
    monkeypatch.setenv("BATCHWISE_OTHER_WORKERS", "perhaps")
    with pytest.raises(UserError, match="BATCHWISE_OTHER_WORKERS is 'perhaps'; allowed are refuse and leave_out"):
        StudyWorkers(SimpleNamespace(cluster=None), None, {})


def test_workers_are_cut_off_killed_and_stopped_and_the_bytes_are_those_of_a_plain_run(
    cluster, project, tmp_path
) -> None:
    plain = project.copy(tmp_path / "plain")
    alone = plain.start("python", "-m", "stages.train", "small", BATCHWISE_WORKERS="1")
    folders = [cluster.add(name) for name in ("cut", "killed", "stopped")]
    process = train(cluster, project, BATCHWISE_OTHER_WORKERS="leave_out")
    while project.stored() < 2:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    cluster.cut("cut")
    cluster.kill("killed")
    cluster.signal("stopped", signal.SIGSTOP)
    printed, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0, printed
    assert "left out: worker tcp://" in printed and f"{RUNS} runs (" in printed and "failed" not in printed
    assert f"{RUNS} trained now" in printed
    assert alone.communicate(timeout=HANG)[1] is None and alone.returncode == 0
    assert sums(project) == sums(plain) and sums(plain)
    sent = [{path.name for path in folder.glob("data/received/*/*")} for folder in folders]
    assert {"digits.json", "digits.npz"} in sent and not list(Path(cluster.folder, "other").glob("data/received"))
    assert os.listdir(folders[1] / "data") == ["received"]
