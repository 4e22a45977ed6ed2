"""How long stages took: lines that survive kills, junk and other writers, and estimates that belong to one model."""

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common import source_closure
from batchwise.config import params
from batchwise.config.params import Params
from batchwise.execution import run_times, stage_times
from batchwise.execution.run_times import Work
from batchwise.execution.stage_times import StageTime
from tests.project import PARAMS

DONE = StageTime("profile", "small", "0123456789ab", 12.5)


def changed(**changes) -> Params:
    """Return the parameters with changes of the study `small`, or of a part of it."""
    content = copy.deepcopy(PARAMS)
    study = content["studies"]["small"]
    for key, value in changes.items():
        study[key] = {**study[key], **value} if isinstance(study.get(key), dict) else value
    return params.check(content)


def test_a_file_is_read_as_written(tmp_path) -> None:
    path = tmp_path / "new" / "stages.csv"
    assert stage_times.read(path) == []
    written = [DONE, StageTime("summary", "", "", 3.25)]
    for done in written:
        stage_times.append(done, path)
    assert stage_times.read(path) == written


@given(st.binary(max_size=40))
def test_junk_between_lines_is_passed_over(tmp_path_factory, junk) -> None:
    path = tmp_path_factory.mktemp("times") / "stages.csv"
    stage_times.append(DONE, path)
    with path.open("ab") as file:
        file.write(junk)
    stage_times.append(DONE, path)
    assert stage_times.read(path)[0] == stage_times.read(path)[-1] == DONE
    run_times.append(path, Work(1, 2, 0), 1.5)
    assert run_times.read(path).seconds == {Work(1, 2, 0): [1.5]}


@pytest.mark.parametrize("size", range(1, len("profile,small,0123456789ab,12.50")))
def test_a_line_that_a_kill_left_unfinished_is_passed_over(tmp_path, size) -> None:
    path = tmp_path / "stages.csv"
    path.write_bytes(b"\nprofile,small,0123456789ab,12.50"[: 1 + size])
    stage_times.append(DONE, path)
    assert stage_times.read(path) == [DONE]


def test_lines_of_writers_at_the_same_time_do_not_mix(tmp_path) -> None:
    path = tmp_path / "stages.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: stage_times.append(DONE, path), range(400)))
    assert stage_times.read(path) == [DONE] * 400


def test_the_time_of_a_run_belongs_to_model_recipe_and_data_and_not_to_the_grid(monkeypatch) -> None:
    key = stage_times.key(changed(), "small")
    assert key == stage_times.key(changed(grid={"seeds": 9, "batch_sizes": [1]}, budget={"epochs": 1}), "small")
    others = [
        changed(model={"hidden_units": [9]}),
        changed(optimizer={"name": "adam"}),
        changed(dtype="float64"),
        changed(subset={"train_rows": 100}),
    ]
    keys = {key, *(stage_times.key(other, "small") for other in others)}
    monkeypatch.setattr(source_closure, "hashes", lambda files: dict.fromkeys(files, "another source"))
    keys.add(stage_times.key(changed(), "small"))
    assert len(keys) == 2 + len(others)


def test_the_landscape_belongs_to_its_batch_sizes_and_what_profile_took_to_the_model() -> None:
    one, more = changed(), changed(landscape=[4])
    assert stage_times.stage_key(one, "landscape", "small") != stage_times.stage_key(more, "landscape", "small")
    others = changed(grid={"seeds": 9, "base_learning_rates": [0.1], "batch_sizes": [4, 64]})
    assert stage_times.stage_key(one, "profile", "small") == stage_times.stage_key(others, "profile", "small")
    assert stage_times.stage_key(one, "report", "small") == ""


def test_a_stage_takes_as_long_as_the_last_time() -> None:
    given = changed()
    key = stage_times.stage_key(given, "landscape", "small")
    measured = [StageTime("landscape", "small", key, seconds) for seconds in (30.0, 20.0)]
    measured += [StageTime("landscape", "small", "other", 99.0), StageTime("evaluate", "small", key, 98.0)]
    assert stage_times.estimate(given, "landscape", "small", measured) == (20.0, False)


@pytest.mark.parametrize(("share", "seconds"), [(0, 1), (0.5, 21), (1, 41)])
def test_profile_takes_as_long_as_what_it_does_not_keep(share, seconds) -> None:
    key = stage_times.stage_key(changed(), "profile", "small")
    measured = [StageTime("profile", "small", key, taken) for taken in (40.0, 3.0)]  # nothing was new the second time
    assert stage_times.estimate(changed(), "profile", "small", measured, share) == (seconds, share == 0.5)
    guessed, is_guess = stage_times.estimate(changed(), "profile", "small", [], share)
    assert is_guess == (share > 0) and 1 <= guessed <= 60


def test_of_another_model_nothing_is_known() -> None:
    measured = [StageTime("profile", "small", stage_times.stage_key(changed(), "profile", "small"), 1000.0)]
    seconds, is_guess = stage_times.estimate(changed(model={"hidden_units": [9]}), "profile", "small", measured)
    assert is_guess and seconds < 60


def test_what_does_not_compute_with_the_model_takes_what_it_took_for_another_study() -> None:
    measured = [StageTime("report", "other", "", 7.0)]
    assert stage_times.estimate(changed(), "report", "small", measured) == (7.0, True)
    for stage in ("code", "check", "preprocess", "evaluate", "profile", "landscape", "costs", "report", "summary"):
        seconds, is_guess = stage_times.estimate(changed(), stage, "" if stage == "code" else "small", [])
        assert is_guess and 0 < seconds < 60


def test_each_model_has_its_file_of_run_times() -> None:
    files = {stage_times.runs_file(given, "small") for given in (changed(), changed(dtype="float64"))}
    assert {path.parent for path in files} == {Path("data/timings/small")} and len(files) == 2
