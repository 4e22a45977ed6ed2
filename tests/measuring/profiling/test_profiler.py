"""What is measured of time and memory: real processes, the tables that they fill, and their summary."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from batchwise.analysis import profile_summary
from batchwise.common import plugins, stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config.study import Study
from batchwise.data import prepared
from batchwise.measuring.profiling import profile_files
from batchwise.measuring.profiling.configurations import points
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.largest_batch import PEAK_NOISE, double, doublings
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.measuring.profiling.rounds import PROCESSES, ROUNDS, Point
from batchwise.runtime import engine
from tests.project import HANG, of_engine

STUDY = {
    "data_set": "digits",
    "model": {"name": "mlp", "hidden_units": [256]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 1},
    "learning_rate_scaling": "none",
    "grid": {"batch_sizes": [32, 256, 10**9], "base_learning_rates": [0.1], "seeds": 1},
    "timed_beside": ["neighbours", "float64", "float32", "bfloat16"],
    **of_engine(lanes=2),
}
DIGITS = {"test_rows": 297, "validation_rows": 300, "seed": 0}
ROWS = 1200


def study(*batch_sizes, **changes) -> Study:
    grid = {**STUDY["grid"], "batch_sizes": list(batch_sizes)}
    return Study.model_validate({**STUDY, "grid": grid, **changes})


# The choice of points


@given(st.lists(st.integers(1, 300), min_size=1, unique=True), st.integers(1, 300), st.booleans())
def test_points_are_the_grid_and_its_neighbours_and_other_types(batch_sizes, rows, bfloat16) -> None:
    found = points(study(*batch_sizes), rows, bfloat16)
    sizes = {min(m, rows) for m in batch_sizes}
    assert len({(point.batch_size, point.dtype) for point in found}) == len(found)
    assert [point.batch_size for point in found if point.purpose == "grid"] == sorted(sizes)
    assert all(point.dtype == "float32" for point in found if point.purpose != "dtype")
    assert {point.dtype for point in found} == {"float32", "float64"} | ({"bfloat16"} if bfloat16 else set())
    assert {point.batch_size for point in found if point.purpose == "dtype"} <= sizes
    for point in found:
        if point.purpose == "neighbour":
            m = point.batch_size
            assert m - 1 in sizes & {16, 32, 64, 128}
            assert m not in sizes and 2 * m <= rows


def test_the_points_of_a_study_with_powers_of_two() -> None:
    made = study(2, 16, 32, 64, 128, 2048)
    found = points(made, 1200, True)
    assert [point.batch_size for point in found if point.purpose == "neighbour"] == [17, 33, 65, 129]
    assert [point for point in found if point.purpose == "dtype"] == [
        Point(1200, dtype, "dtype") for dtype in ("float64", "bfloat16")
    ]
    assert {point.purpose for point in points(made.model_copy(update={"timed_beside": []}), 1200, True)} == {"grid"}


# The stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> tuple[Profile, Path, subprocess.CompletedProcess]:
    """Run the stage on a small study, with a file from before in its folder."""
    folder = tmp_path_factory.mktemp("stage")
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"data_sets": {"digits": DIGITS}, "studies": {"small": STUDY}}, file)
    prepared.save(plugins.load("datasets", "digits").prepare(**DIGITS), folder / "data/prepared", "digits", DIGITS)
    output = folder / "data/profiles/small"
    output.mkdir(parents=True)
    (output / "old.csv").touch()
    run_stage(folder, "check")
    done = run_stage(folder, "profile", "small", BATCHWISE_PROGRESS="json")
    return profile_files.read(output), output, done


def run_stage(folder: Path, *command: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    variables.pop("TF_CPP_MIN_LOG_LEVEL", None)
    command = [sys.executable, "-m", f"stages.{command[0]}", *command[1:]]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == status, done.stderr
    return done


def test_the_stage_says_one_line_and_replaces_its_folder(stage) -> None:
    profile, folder, done = stage
    assert done.stdout.startswith(f"small: {len(profile.points)} points measured now, 0 kept from before; ")
    assert done.stdout.count("\n") == 1
    tables = {f"{name}.csv" for name in profile_files.TABLES}
    assert {path.name for path in folder.iterdir()} == tables | {"columns.csv", "machine.json", "SHA256SUMS"}


def test_the_stage_says_how_far_it_is(stage) -> None:
    """Of each point the processes, those side by side, and the largest m; and nothing else on standard error."""
    profile, _, done = stage
    told = [json.loads(line) for line in done.stderr.splitlines()]
    total = PROCESSES * len(profile.points) + ("side_by_side" in {*profile.repetitions["part"]}) + 1
    assert {(one["stage"], one["study"], one["runs"]) for one in told} == {("profile", "small", total)}
    assert [told[0]["done"], told[-1]["done"]] == [0, total] and told[-1]["ok"] == total
    assert [one["done"] for one in told] == sorted(one["done"] for one in told)
    doing = " ".join(one["doing"] for one in told if one["doing"])
    assert "m 32" in doing and "compile" in doing and "largest m that fits" in doing
    assert told[-1]["doing"] is None and told[-1]["seconds_left"] == 0


def test_what_was_measured_is_kept(stage) -> None:
    profile, folder, _ = stage
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run_stage(folder.parents[2], "profile", "small")
    assert done.stderr.splitlines() == [f"profile@small: {number}/1 measurements" for number in (0, 1)]
    assert done.stdout.startswith(f"small: 0 points measured now, {len(profile.points)} kept from before; ")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_wrong_value_of_the_variable_is_an_error_of_the_user(stage) -> None:
    _, folder, _ = stage
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run_stage(folder.parents[2], "profile", "small", status=1, BATCHWISE_MEASURE="new")
    assert done.stderr.startswith("error: BATCHWISE_MEASURE is 'new'; allowed is anew")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_each_column_is_described(stage) -> None:
    _, folder, _ = stage
    described = pd.read_csv(folder / "columns.csv")["column"]
    used = {column for path in folder.glob("*.csv") for column in pd.read_csv(path).columns}
    assert set(described) == used


def test_each_point_is_measured(stage) -> None:
    profile, _, _ = stage
    table, machine = profile.points, profile.machine
    asked = points(Study.model_validate(STUDY), ROWS, machine["has_bfloat16"])
    found = [Point(*row) for row in table[["batch_size", "dtype", "purpose"]].itertuples(index=False)]
    assert found == asked
    assert table["status"].eq("ok").all() and table["message"].isna().all()
    grid = table[table["purpose"].eq("grid")].set_index("batch_size")
    assert grid["input_shape"].to_dict() == {32: "32 64", 256: "256 64", ROWS: "1200 64"}
    assert grid["updates_per_epoch"].to_dict() == {32: 38, 256: 5, ROWS: 1}
    assert grid["ragged_rows"].to_dict() == {32: 16, 256: 176, ROWS: 0}
    assert grid["ragged_compile_seconds"].notna().to_dict() == {32: True, 256: True, ROWS: False}
    assert (table["compile_seconds"] > 0).all()
    assert (table["memory_start_bytes"] > 2**26).all()
    assert (table["memory_peak_bytes"] > table["memory_start_bytes"]).all()


def test_the_machine_is_described(stage) -> None:
    machine = stage[0].machine
    assert machine["training_rows"] == ROWS and machine["xla"] is True
    assert machine["cores"] >= 1 and machine["memory_total_bytes"] > machine["memory_limit_bytes"] > 0
    assert machine["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"device", engine.used(), "keras"} <= set(machine)


def test_each_point_has_a_repetition_in_each_round_in_a_random_order(stage) -> None:
    profile, _, _ = stage
    whole = profile.repetitions[profile.repetitions["part"].eq("whole")]
    assert (whole["seconds"] > 0).all()
    by_round = whole.groupby(["process", "round"])
    rounds = [list(zip(rows["batch_size"], rows["dtype"], strict=True)) for _, rows in by_round]
    everything = sorted(zip(profile.points["batch_size"], profile.points["dtype"], strict=True))
    assert len(rounds) == PROCESSES * ROUNDS and PROCESSES >= 3
    assert all(sorted(one) == everything for one in rounds)
    is_first = whole["process"].eq(0)
    assert is_first.is_monotonic_decreasing  # all have a first process before one has a second
    places = pd.DataFrame([{point: place for place, point in enumerate(one)} for one in rounds])
    assert len({tuple(one) for one in rounds}) == len(rounds)
    middle = (len(everything) - 1) / 2
    error = np.sqrt((len(everything) ** 2 - 1) / 12 / len(rounds))  # of the mean of uniform places
    assert (abs(places.mean() - middle) < 4 * error).all()


def test_the_last_batch_is_measured_apart_and_the_smallest_side_by_side(stage) -> None:
    profile, _, _ = stage
    table = profile.repetitions
    counts = table.groupby(["part", "batch_size", "dtype", "process"]).size()
    ragged = {(m, "float32", process): ROUNDS for m in (32, 256) for process in [0]}
    assert counts["ragged"].to_dict() == ragged
    cores = profile.machine["cores"]
    beside = Counter(place % max(cores, PROCESSES) for place in range(cores * -(-PROCESSES // cores)) if cores > 1)
    expected = {(32, "float32", process): times * ROUNDS for process, times in beside.items()}
    assert counts.get("side_by_side", pd.Series()).to_dict() == expected


def test_times_are_of_the_time_that_the_stage_took(stage) -> None:
    """How they compare with each other is up to the machine, which may be busy."""
    profile, _, done = stage
    took = 1 + int(done.stdout.split()[-2])  # seconds, rounded
    assert (profile.points["compile_seconds"] > 0).all() and (profile.repetitions["seconds"] > 0).all()
    assert profile.points["compile_seconds"].sum() + profile.repetitions["seconds"].sum() < took


def test_a_repetition_is_the_mean_of_its_updates() -> None:
    from batchwise.measuring.profiling.probe import Probe  # imports the engine

    probe = Probe.__new__(Probe)
    probe.lanes, calls = 1, []

    def taking(seconds: float) -> Callable[[int], float]:
        """Return an epoch that takes so long, and first, when the caches are others', a tenth longer."""

        def call(epochs: int) -> float:
            calls.append(epochs)
            return (epochs + 0.1 * (len(calls) % 2)) * seconds

        return call

    probe.parts, probe.epochs = {"whole": (taking(0.0012), 5), "ragged": (taking(3.0), 2)}, {}
    for _ in range(2):
        assert probe.repeat() == pytest.approx({"whole": 0.0012 / 5, "ragged": 3 / 2})
    assert calls == 2 * [1, 4, 1, 1]


def test_doubling_comes_to_the_end_of_the_memory(stage) -> None:
    profile, _, _ = stage
    table = profile.doubling
    ended = table["status"].eq("out_of_memory")
    fits = table[~ended]
    assert fits["status"].eq("fits").all() and table["batch_size"].is_monotonic_increasing
    times = (table["batch_size"] / ROWS).tolist()
    assert all(np.log2(time).is_integer() for time in times)
    first = ended.argmax()
    assert ended[first:].all() and times[first] == 2 * times[first - 1]  # the largest that fits is known to within 2
    assert len(fits) > 1 and fits["memory_peak_bytes"].is_monotonic_increasing
    assert fits["memory_peak_bytes"].iloc[-1] <= profile.machine["memory_limit_bytes"]
    assert table["message"].iloc[-1]
    assert table["seconds"].gt(0).all()


@pytest.mark.parametrize(
    ("room", "row_bytes", "expected"), [(1000, np.inf, 2), (1000, 1, 8), (699, 1, 4), (100, 1, 2), (-5, 1, 2)]
)
def test_m_is_doubled_as_often_as_it_surely_fits(room, row_bytes, expected) -> None:
    """From 100 rows: 800 take 700 bytes more, and 400 take 300."""
    assert doublings(100, room, row_bytes) == expected


class MadeUp:
    """A process without a machine: rows take `row_bytes` each, from `cliff` rows on `cliff_bytes` more."""

    def __init__(self, tried: list[int], limit: int, row_bytes: int, cliff: int, cliff_bytes: int) -> None:
        self.tried, self.limit = tried, limit
        self.row_bytes, self.cliff, self.cliff_bytes = row_bytes, cliff, cliff_bytes

    def wait(self) -> None:
        """Be ready at once."""

    built = close = wait
    worked = 0.0

    def peak(self, m: int) -> int:
        """Return the bytes of m rows."""
        return 10**8 + m * self.row_bytes + (self.cliff_bytes if m >= self.cliff else 0)

    def ask(self, method: str, m: int, seconds: float) -> int:
        """Return the peak of an update of m rows, or end for want of memory."""
        assert method == "update" and seconds > 0
        self.tried.append(m)
        if self.peak(m) > self.limit:
            raise Ended("out_of_memory", "no room")
        return self.peak(m)


@given(
    grid=st.lists(st.integers(1, 5000), min_size=1, max_size=4, unique=True),
    room=st.integers(0, 10**9),
    row_bytes=st.integers(1, 10**6),
    cliff=st.integers(1, 10**7),
    cliff_bytes=st.integers(0, 10**9),
)
def test_doubling_finds_the_largest_that_fits_to_within_2(grid, room, row_bytes, cliff, cliff_bytes) -> None:
    """Also where rows take much more from some size on than those before let expect."""
    tried: list[int] = []
    model = MadeUp(tried, 0, row_bytes, cliff, cliff_bytes)
    peaks = {m: model.peak(m) for m in grid}
    limit = max(peaks.values()) + room
    rows = double(lambda: MadeUp(tried, limit, row_bytes, cliff, cliff_bytes), peaks, limit)
    assert sorted({*tried}) == [row.batch_size for row in rows]
    # Only a size that was to fit, and did not, is tried twice.
    again = [row for row in rows if tried.count(row.batch_size) > 1]
    assert all(row.status == "out_of_memory" and tried.count(row.batch_size) == 2 for row in again)
    assert all(row.batch_size >= cliff for row in again)
    assert all(np.log2(m / max(grid)).is_integer() for m in tried)
    fits = [max(grid), *(row.batch_size for row in rows if row.status == "fits")]
    ended = [row.batch_size for row in rows if row.status == "out_of_memory"]
    assert min(ended) == 2 * max(fits)
    assert all(row.memory_peak_bytes <= limit for row in rows if row.status == "fits")


def test_doubling_takes_few_tries() -> None:
    """A row of 1,000 bytes: seen in 2 GB of room only once there are so many rows that their noise is small."""
    tried: list[int] = []
    double(lambda: MadeUp(tried, 2 * 10**9, 1000, 1, 0), {1: 10**8, 1000: 10**8 + PEAK_NOISE}, 2 * 10**9)
    assert len(tried) <= 6 and tried[0] > 2000


def test_doubling_stops_when_it_takes_too_long() -> None:
    class Slow(MadeUp):
        def ask(self, method: str, m: int, seconds: float) -> int:
            raise Ended("stopped", "it took too long")

    rows = double(lambda: Slow([], 10**9, 1, 1, 0), {100: 10**8}, 10**9)
    assert [(row.batch_size, row.status) for row in rows] == [(200, "stopped")]


def test_doubling_works_no_longer_than_it_may() -> None:
    given: list[float] = []

    class Working(MadeUp):
        worked = 5.0

        def ask(self, method: str, m: int, seconds: float) -> int:
            given.append(seconds)
            if seconds < self.worked:
                raise Ended("stopped", "it took too long")
            return super().ask(method, m, seconds)

    rows = double(lambda: Working([], 10**9, 1, 1, 0), {100: 10**8}, 10**9)
    assert given == [12.0, 7.0, 2.0]
    assert [row.status for row in rows] == ["fits", "fits", "stopped"]


class Faulty(MadeUp):
    """One whose first updates of so many rows end in some way, whatever the memory."""

    def __init__(self, faults: dict[int, list[str]], tried: list[int]) -> None:
        super().__init__(tried, 10**9, 1000, 1, 0)
        self.faults = faults

    def ask(self, method: str, m: int, seconds: float) -> int:
        if self.faults.get(m):
            self.tried.append(m)
            raise Ended(self.faults[m].pop(), "no reason")
        return super().ask(method, m, seconds)


@pytest.mark.parametrize("status", ["out_of_memory", "aborted", "died"])
def test_an_end_of_doubling_that_is_in_doubt_is_tried_again(status) -> None:
    def doubled(faults: dict[int, list[str]]) -> list[tuple[int, str]]:
        tried: list[int] = []
        rows = double(lambda: Faulty(faults, tried), {1000: 10**8, 10_000: 10**8 + PEAK_NOISE}, 10**9)
        assert len(tried) - len(rows) == len({*tried} & {*faults})
        return [(row.batch_size, row.status) for row in rows]

    right = doubled({})
    first = right[0][0]
    assert doubled({first: [status]}) == right
    twice = doubled({first: [status, status]})
    assert twice[-1] == (first, "failed") if status == "died" else (first, "out_of_memory") in twice


# The summary, and files


def made_up(seed: int = 0) -> Profile:
    """Return a profile of 100 training rows: two batch sizes, a neighbour, and one without memory."""
    random = np.random.default_rng(seed)
    rows = [
        (10, "float32", "grid", "ok", np.nan, 0, "10 5", 0.5, np.nan, 10, 0, 1000, 2000),
        (30, "float32", "grid", "ok", np.nan, 0, "30 5", 0.6, 0.25, 4, 10, 1000, 3000),
        (33, "float32", "neighbour", "ok", np.nan, 1, "33 5", 0.7, np.nan, np.nan, 1, 1000, 3100),
        (100, "float64", "dtype", "out_of_memory", "no, \nmore", 0, np.nan, *[np.nan] * 6),
    ]
    parts = [(10, "whole"), (30, "whole"), (30, "ragged"), (33, "whole"), (10, "side_by_side")]
    repetitions = [
        (m, "float32", part, n, process, random.uniform(1, 2))
        for process in range(3)
        for n in range(4)
        for m, part in parts
    ]
    doubling = [(100, "fits", np.nan, 4000, 0.5), (200, "out_of_memory", "none", np.nan, 0.7)]
    lengths = [(50, "float32", 1, 8, "point", "fits", np.nan, 5000, 0.5)]
    given = zip((rows, repetitions, doubling, lengths), profile_files.TABLES.values(), strict=True)
    *tables, of_lengths = (pd.DataFrame(rows, columns=list(columns)) for rows, columns in given)
    return Profile(*tables, {"training_rows": 100}, of_lengths)


@pytest.mark.parametrize("seed", range(5))
def test_the_summary_is_that_of_numpy(seed) -> None:
    profile = made_up(seed)
    table = profile_summary.summary(profile).set_index("batch_size")

    def times(m, part="whole") -> np.ndarray:
        """Return seconds, [processes, rounds]."""
        rows = profile.repetitions
        return rows.loc[rows["batch_size"].eq(m) & rows["part"].eq(part), "seconds"].to_numpy().reshape(3, 4)

    def typical(m, part="whole") -> float:
        return np.median(np.median(times(m, part), axis=1))

    for m in (10, 30, 33):
        (lower, upper), median = np.quantile(times(m), [0.25, 0.75]), typical(m)
        found = table.loc[m, ["step_seconds_lower", "step_seconds", "step_seconds_upper"]]
        assert found.tolist() == pytest.approx([lower, median, upper], rel=1e-14)
        assert table.loc[m, "examples_per_second"] == pytest.approx(m / median, rel=1e-14)
    ragged = typical(30, "ragged")
    assert table["ragged_seconds"].dropna().to_dict() == {30: pytest.approx(ragged, rel=1e-14)}
    epochs = {10: 10 * typical(10), 30: 3 * typical(30) + ragged}
    assert table["epoch_seconds"].dropna().to_dict() == pytest.approx(epochs, rel=1e-14)
    assert table["compile_seconds"].dropna().to_dict() == pytest.approx({10: 0.5, 30: 0.85}, rel=1e-14)
    assert table["memory_peak_bytes"].dropna().to_dict() == {10: 2000, 30: 3000, 33: 3100}
    assert table["purpose"].tolist() == ["grid", "grid", "neighbour", "dtype"]
    assert table["status"].tolist() == ["ok", "ok", "ok", "out_of_memory"]


def test_a_point_that_ran_out_of_memory_has_no_numbers() -> None:
    profile = made_up()
    profile.points["status"] = "out_of_memory"
    numbers = profile_summary.summary(profile).drop(columns=["batch_size", "dtype", "purpose", "status"])
    assert numbers.isna().all(axis=None)


def write(folder: Path) -> None:
    stage_outputs.write(folder, profile_files.files(made_up()))


def test_what_is_written_is_read_back(tmp_path) -> None:
    write(tmp_path / "study")
    written, found = made_up(), profile_files.read(tmp_path / "study")
    for name in profile_files.TABLES:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(written, name), check_dtype=False)
    assert found.machine == written.machine


@pytest.mark.parametrize("name", ["points.csv", "repetitions.csv", "doubling.csv", "lengths.csv", "machine.json"])
def test_a_missing_or_damaged_file_is_an_error_of_the_user(name, tmp_path) -> None:
    path = tmp_path / "study" / name
    write(path.parent)
    path.write_text("seconds\n1\n" if name.endswith("csv") else json.dumps({"a": 1})[:-1])
    with pytest.raises(UserError, match=rf"{name} is damaged or was edited.*run `dvc repro --force profile@study`"):
        profile_files.read(path.parent)
    path.unlink()
    with pytest.raises(UserError, match=rf"{name} cannot be read \(No such.*\); run `dvc repro --force profile@study`"):
        profile_files.read(path.parent)


def test_reading_does_not_import_what_trains() -> None:
    code = "import sys, batchwise.measuring.profiling.profiler; sys.exit(bool({'jax', 'tensorflow'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
