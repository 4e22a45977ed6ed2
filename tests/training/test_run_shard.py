"""Shards of runs: which run is in which, and what is read of one."""

import io
import math
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.execution.run_folder import RunFolder
from batchwise.training import run_files, run_result, run_shard
from batchwise.training.run_result import RunResult

INPUTS = {"data": "d", "recipe": {}, "code": {}, "environment": {}}
RATES = st.floats(1e-300, 1e300)
RUNS = st.builds(
    Run, st.integers(1, 10**9), RATES, st.integers(0, 10**6), st.just(()) | st.builds(Branch, *[st.just(1)] * 3, RATES)
)


def content(run: Run) -> bytes:
    random = np.random.default_rng([run.effective_batch_size, run.seed])
    loss, kernel = random.random((3, 3), "float32"), random.random((5, 2), "float32")
    return run_result.dump(RunResult("ok", {"loss": loss}, {"000_kernel": kernel}), run.facts)


def shards(runs: list[Run], stops: int = 0) -> dict[str, bytes]:
    """Return the shards of runs that were added in this order, and written now and then."""
    with TemporaryDirectory() as folder:
        made = RunFolder(Path(folder), INPUTS)
        for number, run in enumerate(runs):
            made.add(run, content(run))
            if stops and number % stops == 0:
                made.write()
        made.write()
        assert made.statuses == {"ok": len(runs)}
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@given(run=RUNS)
def test_the_name_of_a_shard_says_what_is_in_it(run) -> None:
    found = run_shard.RUN_NAME.fullmatch(run.name)
    assert (int(found[1]), float(found[2]), int(found[3])) == (run.effective_batch_size, run.learning_rate, run.seed)
    size, rates, seeds = run_shard.name(run.name).removesuffix(".zip").split("_")
    low = float(rates[2:].replace("e-", "E").split("-")[0].replace("E", "e-"))
    assert size == f"m{run.effective_batch_size}" and low <= run.learning_rate * 1.005
    assert math.log2(run.learning_rate) - math.log2(low) < 1.01
    first, last = map(int, seeds[4:].split("-"))
    assert first <= run.seed <= last == first + 99


GRID = [Run(m, rate, seed) for m in (1, 16) for rate in (0.5, 0.75, 1.0) for seed in (0, 99, 100)]


@settings(max_examples=25)
@given(order=st.permutations(GRID), stops=st.integers(0, 5))
def test_shards_do_not_depend_on_the_order_of_runs_or_on_how_often_they_were_written(order, stops) -> None:
    assert shards(order, stops) == shards(GRID)


def test_a_new_rate_or_seed_changes_few_shards() -> None:
    before, rate, seed = shards(GRID), Run(16, 0.25, 0), Run(16, 0.6, 100)
    assert len(before) == 8  # batch sizes × octaves × hundreds of seeds
    assert shards([*GRID, rate]).items() - before.items() == shards([rate]).items()
    changed = {name for name, bytes_of_it in shards([*GRID, seed]).items() if before[name] != bytes_of_it}
    assert changed == {"m16_lr0.5-1_seed100-199.zip"}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, shard in shards(GRID).items():
        (tmp_path / name).write_bytes(shard)
    return tmp_path


def test_any_tool_opens_a_shard_and_the_file_of_a_run_in_it(folder) -> None:
    run = GRID[0]
    with zipfile.ZipFile(folder / run_shard.name(run.name)) as shard:
        assert shard.testzip() is None
        assert {info.date_time for info in shard.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        content_of_it = shard.read(f"{run.name}.npz")
    assert content_of_it == content(run)
    with np.load(io.BytesIO(content_of_it)) as arrays:
        assert arrays["weights/000_kernel"].shape == (5, 2) and arrays["metrics/loss"].shape == (3, 3)


def test_what_is_read_of_a_large_file_is_what_is_in_it(folder, monkeypatch) -> None:
    whole = {run.name: run_files.load(folder, run.name, with_weights=False) for run in GRID}
    monkeypatch.setattr(run_files, "READ_WHOLE", 0)
    for name, found in run_files.load_all(folder, whole, with_weights=False):
        assert found.sha256 is None and found.inputs == whole[name].inputs and not found.result.weights
        np.testing.assert_array_equal(found.result.metrics["loss"], whole[name].result.metrics["loss"])


def test_the_runs_of_a_folder_are_those_of_its_shards(folder) -> None:
    assert sorted(run_files.run_names(folder)) == sorted(run.name for run in GRID)
    with pytest.raises(FileNotFoundError, match=r"m2_lr0\.5_seed0\.npz"):
        run_files.load(folder, "m2_lr0.5_seed0")
    with pytest.raises(FileNotFoundError, match=r"m16_lr0\.6_seed0\.npz"):
        run_files.load(folder, "m16_lr0.6_seed0")
