"""What `verify` says of run files here and in a commit, which is a dictionary."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchwise.execution.verify import Committed, verify
from batchwise.training import checksums, run_result, run_shard
from batchwise.training.run_result import RunResult
from tests import shards

INPUTS = {"data": "a", "code": {"trainer.py": "1"}, "recipe": {}, "environment": {"device": "one"}}
ELSEWHERE = {**INPUTS, "environment": {"device": "another"}}
M1, M2, M3, M4 = (f"m{m}_lr0.5_seed0" for m in (1, 2, 3, 4))
SEED_9 = "m1_lr0.5_seed9"
RECORD, RUNS = "reports/checksums/x.json", "data/runs/x"
LOCK = """stages:
  train@x:
    deps: [{{path: data/code/train.txt, md5: {code}}}]
  profile@x:
    outs: [{{path: data/profiles/x, md5: {times}}}]
"""


def result(seed: int) -> RunResult:
    random = np.random.default_rng(seed)
    metrics = {name: random.random((3, 3)) for name in ("accuracy", "loss")}
    return RunResult("ok", metrics, {"kernel": random.random((2, 2))})


def write(
    folder: Path, results: dict[str, RunResult], inputs: dict = INPUTS, code: str = "c", times: str = "t"
) -> None:
    """Write run files, the record of them, and a dvc.lock."""
    for name, content in results.items():
        shards.write(folder / RUNS, {name: run_result.dump(content, {})}, inputs)
    record = folder / RECORD
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(checksums.of_files(dict.fromkeys(results, folder / RUNS))))
    (folder / "dvc.lock").write_text(LOCK.format(code=code, times=times))


def changed(content: RunResult, epoch: int) -> RunResult:
    loss, kernel = content.metrics["loss"].copy(), content.weights["kernel"].copy()
    loss[epoch, 1] += 1
    kernel[1, 1] += 0.5
    return replace(content, metrics={**content.metrics, "loss": loss}, weights={"kernel": kernel})


@pytest.fixture
def here(tmp_path) -> Path:
    write(tmp_path / "here", {M1: result(1), M2: result(2)})
    return tmp_path / "here"


@pytest.fixture
def committed(here) -> Committed:
    """Read the files as they were before the test changed any."""
    files = {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file()}
    return files.get


@pytest.fixture
def without_runs(committed) -> Committed:
    """Read what git has alone: there is no cache and no remote."""
    return lambda name: None if name.startswith(RUNS) else committed(name)


def test_equal_results_with_times_of_here_or_not(here, committed) -> None:
    assert verify("x", here, committed) == (False, ["results equal byte for byte (2 runs)"])
    write(here, {M1: result(1), M2: result(2)}, times="u")
    assert verify("x", here, committed) == (False, ["results equal byte for byte (2 runs); times were measured here"])


def test_equal_results_that_were_made_from_something_else(here, committed) -> None:
    write(here, {M1: result(1), M2: result(2)}, inputs=ELSEWHERE, code="d")
    differs, lines = verify("x", here, committed)
    assert not differs
    assert lines[1:] == ["although made from other inputs: device: one → another; data/code/train.txt changed"]


def test_the_first_run_epoch_and_tensor_that_differ(here, committed) -> None:
    write(here, {M1: result(1), M2: changed(result(2), 1)}, inputs=ELSEWHERE)
    differs, lines = verify("x", here, committed)
    assert differs
    assert lines[:2] == ["results differ: 1 of 2 runs", "first run that differs: m2_lr0.5_seed0"]
    assert lines[2].startswith("first epoch that differs: 1, validation loss")
    assert lines[3:] == ["first tensor that differs: kernel (2, 2), by at most 0.5", "device: one → another"]


def test_without_the_committed_files_the_record_says_which_run_epoch_and_tensor(here, without_runs) -> None:
    write(here, {M1: result(1), M2: changed(result(2), 2)}, inputs={**ELSEWHERE, "data": "b"})
    differs, lines = verify("x", here, without_runs)
    assert differs
    assert lines == [
        "results differ: 1 of 2 runs",
        "first run that differs: m2_lr0.5_seed0",
        "the committed file is in no cache or remote of DVC: these are of all runs",
        "first epoch that differs: 2",
        "first tensor that differs: kernel",
        "the data changed",
        "device: one → another",
    ]


def test_another_grid_is_told_and_the_runs_of_both_are_compared(here, committed, without_runs) -> None:
    write(here, {M2: result(2), M3: result(3), M4: result(4)})
    shards.remove(here / RUNS, M1)
    sentence = "results equal byte for byte (1 run); 2 runs are here alone; 1 run is committed alone"
    assert verify("x", here, committed) == (False, [sentence])
    write(here, {M2: changed(result(2), 0)})
    differs, lines = verify("x", here, without_runs)
    assert differs
    assert lines[0] == "results differ: 1 of 1 run; 2 runs are here alone; 1 run is committed alone"
    assert lines[-1] == "the environments are the same"
    shards.remove(here / RUNS, M2)
    assert verify("x", here, committed) == (False, ["the runs here are none of those committed: another grid"])


def test_runs_of_fresh_seeds_are_verified_with_those_of_the_grid(here) -> None:
    """They have a folder of their own, in which a committed one is looked for too."""
    fresh = here / "data/confirmed/x"
    both = {M1: here / RUNS, M2: here / RUNS, SEED_9: fresh}
    shards.write(fresh, {SEED_9: run_result.dump(result(9), {})}, INPUTS)
    (here / RECORD).write_text(json.dumps(checksums.of_files(both)))
    committed = {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file()}.get
    assert verify("x", here, committed) == (False, ["results equal byte for byte (3 runs)"])
    shards.write(fresh, {SEED_9: run_result.dump(changed(result(9), 1), {})}, ELSEWHERE)
    differs, lines = verify("x", here, committed)
    assert differs and lines[:2] == ["results differ: 1 of 3 runs", "first run that differs: m1_lr0.5_seed9"]
    assert lines[2].startswith("first epoch that differs: 1, validation loss")
    shards.remove(fresh, SEED_9)
    equal = "results equal byte for byte (2 runs); 1 run is committed alone"
    assert verify("x", here, committed) == (False, [equal])


def test_what_is_not_here_or_not_committed_is_said(here, committed) -> None:
    assert verify("x", here, lambda name: None) == (False, [f"no results are committed: {RECORD} is not in git"])
    for path in (here / RUNS).iterdir():
        path.unlink()
    assert verify("x", here, committed) == (
        False,
        ["no results are here; `dvc repro --force train@x` makes them"],
    )


def test_a_damaged_file_differs(here, committed) -> None:
    (here / RUNS / run_shard.name(M2)).write_bytes(b"damaged")
    differs, lines = verify("x", here, committed)
    assert differs
    assert "m2_lr0.5-1_seed0-99.zip is damaged" in lines[0]
    assert lines[0].endswith("`dvc repro --force train@x confirm@x` makes it again")
