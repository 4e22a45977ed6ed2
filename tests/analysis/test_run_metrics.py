"""Run files, read: what is taken from them, and what is said of files that are not what they should be."""

import dataclasses
import functools
import json
import subprocess
import zipfile
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.analysis import run_metrics
from batchwise.analysis.evaluate import checksum
from batchwise.common.errors import UserError
from batchwise.config import grid
from batchwise.config.study import Study
from batchwise.data import prepared
from batchwise.training import run_files, run_result
from batchwise.training.run_result import RunResult
from tests import shards
from tests.damage import damaged
from tests.fabricated import MANIFEST, ROWS, diverged, random_result, shared_inputs, study, write_runs

STUDY = study([4, 100], [0.25], seeds=2)
RUN = grid.runs(STUDY, ROWS["train"])[0]


def metrics_of(result: RunResult, made: Study = STUDY, **changes: object) -> run_metrics.RunMetrics:
    """Write one run with its neighbours, and read it back."""
    with TemporaryDirectory() as folder:
        write_runs(Path(folder), made, lambda run: random_result(run, made))
        content = run_result.dump(result, RUN.facts)
        shards.write(Path(folder), {RUN.name: content}, shared_inputs(made, **changes))
        return run_metrics.read(Path(folder), "made_up", made, MANIFEST)[RUN]


@pytest.mark.parametrize("updates", [5, 10, 20, 50, 60, 300])  # at m = 4 an epoch has 10
@pytest.mark.parametrize(("statistic", "number"), [("last_epoch", 1), ("median_of_last_5_epochs", 5)])
def test_the_result_is_of_the_last_epochs_and_never_of_epoch_0(updates: int, statistic: str, number: int) -> None:
    made = study([4, 100], [0.25], seeds=2, budget={"updates": updates}, statistic=statistic)
    result = random_result(RUN, made)
    found, epochs = metrics_of(result, made), -(-updates // 10)
    last = range(max(1, epochs - number + 1), epochs + 1)
    for column in range(len(ROWS)):
        for name, values in result.metrics.items():
            expected = median(float(values[epoch, column]) for epoch in last)
            assert found.result[name][column] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("epochs", [1, 2, 5, 30])
def test_by_default_the_result_is_the_last_row(epochs: int) -> None:
    made = study([4, 100], [0.25], seeds=2, budget={"epochs": epochs})
    result = random_result(RUN, made)
    found = metrics_of(result, made)
    for name, values in result.metrics.items():
        assert found.result[name].tolist() == found.final[name].tolist() == values[-1].tolist()


def test_final_numbers_are_those_of_the_last_evaluation() -> None:
    result = random_result(RUN, STUDY)
    found = metrics_of(result)
    assert {name: values.tolist() for name, values in found.final.items()} == {
        name: values[-1].tolist() for name, values in result.metrics.items()
    }
    assert (found.epochs, found.status, found.parameters, found.xla) == (7, "ok", 12, True)


def test_a_run_that_did_not_end_ok_has_a_curve_and_no_numbers() -> None:
    found = metrics_of(diverged(random_result(RUN, STUDY), 3))
    assert (found.status, found.diverged_epoch, found.epochs) == ("diverged", 3, 3)
    assert {name: len(values) for name, values in found.curve.items()} == {"accuracy": 4, "loss": 4}
    assert all(np.isnan([found.result[name], found.final[name]]).all() for name in ("accuracy", "loss"))


def test_a_run_without_evaluations_is_read() -> None:
    found = metrics_of(run_result.without_evaluations("out_of_memory", "8 GB"))
    assert (found.status, found.epochs, found.xla) == ("out_of_memory", 0, None)
    assert [len(values) for values in found.curve.values()] == [0, 0]


@pytest.mark.parametrize("epochs", [1, 198, 199, 200, 1000])
def test_a_curve_has_at_most_200_points_with_the_first_and_the_last(epochs: int) -> None:
    made = study([4, 100], [0.25], seeds=2, budget={"epochs": epochs})
    points = metrics_of(random_result(RUN, made), made).curve_epochs
    assert len(points) == min(epochs + 1, 200) and (points[0], points[-1]) == (0, epochs)
    assert np.ptp(np.diff(points)) <= 1


def unscored(result: RunResult, made: Study) -> RunResult:
    """Return the run as if all predictions were looked at after the epochs of the study alone."""
    end = result.evaluations - 1
    accuracy = result.metrics["accuracy"].copy()
    accuracy[[not made.recipe.scores(epoch, end) for epoch in range(end + 1)]] = np.nan
    return dataclasses.replace(result, metrics=result.metrics | {"accuracy": accuracy})


@pytest.mark.parametrize(
    ("every", "epochs", "kept"),
    [
        (1, 3, [0, 1, 2, 3]),
        (3, 7, [3, 6, 7]),
        (3, 6, [3, 6]),
        (100, 7, [7]),
        ("doubling", 1, [1]),
        ("doubling", 8, [1, 2, 4, 8]),
        ("doubling", 16, [1, 2, 4, 8, 16]),
        ("doubling", 13, [1, 2, 4, 8, 13]),
    ],
)
def test_a_curve_has_the_epochs_with_scores_and_the_last(every: int | str, epochs: int, kept: list[int]) -> None:
    made = study([4, 100], [0.25], seeds=2, budget={"epochs": epochs}, scores_every=every)
    result = unscored(random_result(RUN, made), made)
    found = metrics_of(result, made)
    assert found.curve_epochs.tolist() == kept
    for name, values in result.metrics.items():
        np.testing.assert_array_equal(found.curve[name], values[kept].astype("float32"))
        assert np.isfinite(found.curve[name]).all()
        assert found.result[name].tolist() == found.final[name].tolist() == values[-1].tolist()


@given(st.integers(1, 40), st.one_of(st.just("doubling"), st.integers(1, 50)))
def test_scores_are_there_at_the_end_and_as_seldom_as_is_asked(end: int, every: int | str) -> None:
    made = study([4], [0.25], seeds=1, scores_every=every)
    scored = [epoch for epoch in range(end + 1) if made.recipe.scores(epoch, end)]
    assert scored[-1] == end and (0 in scored) == (every == 1)
    between = [epoch for epoch in scored if 0 < epoch < end]
    expected = [2**k for k in range(7)] if every == "doubling" else [k * every for k in range(1, 50)]
    assert between == [epoch for epoch in expected if epoch < end]


@pytest.mark.parametrize("every", [5, "doubling"])
def test_a_diverged_run_keeps_its_last_epoch_which_is_bad(every: int | str) -> None:
    made = study([4, 100], [0.25], seeds=2, scores_every=every)
    found = metrics_of(diverged(random_result(RUN, made), 3), made)
    assert found.curve_epochs.tolist() == ([3] if every == 5 else [1, 2, 3])
    assert np.isinf(found.curve["loss"][-1]).all() and found.diverged_epoch == 3


def shortened() -> RunResult:
    """A run that ended ok, one epoch too early."""
    result = random_result(RUN, STUDY)
    return RunResult("ok", {name: values[:-1] for name, values in result.metrics.items()})


@pytest.mark.parametrize(
    ("result", "changes", "problem"),
    [
        (random_result(RUN, STUDY), {"seed": 1}, "was trained with seed 1, and 0 is wanted"),
        (random_result(RUN, STUDY), {"data": "other"}, "was trained with data other, and ddd"),
        (random_result(RUN, STUDY), {"recipe": {}}, "was trained with another recipe"),
        (random_result(RUN, STUDY), {"code": object}, "does not say with which code"),
        (shortened(), {}, "7 evaluations where 8 belong"),
        (RunResult("ok", {"loss": np.ones(8), "accuracy": np.ones(8)}), {}, "a column for each of train"),
    ],
)
def test_a_file_that_is_not_the_run_of_its_name_is_named(result: RunResult, changes: dict, problem: str) -> None:
    with TemporaryDirectory() as folder:
        write_runs(Path(folder), STUDY, lambda run: random_result(run, STUDY))
        path = run_files.place(Path(folder), RUN.name)
        facts = RUN.facts | {name: value for name, value in changes.items() if name in RUN.facts}
        shared = {name: value for name, value in changes.items() if name not in RUN.facts}
        given = {name: value for name, value in shared_inputs(STUDY, **shared).items() if value is not object}
        shards.write(Path(folder), {RUN.name: run_result.dump(result, facts)}, given)
        with pytest.raises(UserError) as error:
            run_metrics.read(Path(folder), "made_up", STUDY, MANIFEST)
    message = str(error.value)
    assert str(path) in message and problem in message and "`dvc repro --force train@made_up`" in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_runs(tmp_path, STUDY, lambda run: random_result(run, STUDY))
    shards.remove(tmp_path, RUN.name)
    with pytest.raises(UserError, match=rf"{RUN.name}.npz is missing; run `dvc repro --force train@made_up`"):
        run_metrics.read(tmp_path, "made_up", STUDY, MANIFEST)


ONE = study([4], [0.25], seeds=2)


@functools.cache
def shard() -> tuple[str, bytes]:
    """The name and the content of a shard of two runs."""
    with TemporaryDirectory() as folder:
        write_runs(Path(folder), ONE, lambda run: random_result(run, ONE))
        (path,) = Path(folder).iterdir()
        return path.name, path.read_bytes()


@settings(max_examples=200)
@given(st.data())
def test_damage_is_reported_with_the_shard_and_the_command(data: st.DataObject) -> None:
    name, content = shard()
    with TemporaryDirectory() as folder:
        (path := Path(folder) / name).write_bytes(data.draw(damaged(content)))
        with pytest.raises(UserError, match=rf"{path}.* is damaged .*; run `dvc repro --force train@made_up`"):
            run_metrics.read(Path(folder), "made_up", ONE, MANIFEST, on_file=lambda *_: None)


def test_the_checksum_is_what_the_shell_prints(tmp_path: Path) -> None:
    write_runs(tmp_path, STUDY, lambda run: random_result(run, STUDY))
    for path in tmp_path.iterdir():
        zipfile.ZipFile(path).extractall(tmp_path)
    command = "LC_ALL=C; export LC_ALL; sha256sum *.npz | sha256sum"
    printed = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert checksum(run_metrics.read(tmp_path, "made_up", STUDY, MANIFEST)) == printed.split()[0]


@pytest.mark.parametrize("read", [prepared.read, prepared.read_part])
@pytest.mark.parametrize("text", [None, "{", "[]", "3", json.dumps({"rows": ROWS})])
def test_a_manifest_that_is_missing_or_damaged_is_named(tmp_path: Path, text: str | None, read) -> None:
    (tmp_path / "studies").mkdir()
    for path in (tmp_path / "digits.json", tmp_path / "studies/digits.json"):
        if text is not None:
            path.write_text(text)
    told = r"is damaged .*" if text else r"cannot be read \(No such file or directory\)"
    with pytest.raises(UserError, match=rf"digits\.json {told}; run `dvc repro --force preprocess`"):
        read(tmp_path, "digits")
