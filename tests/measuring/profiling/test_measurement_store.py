"""What is measured and what is kept: keys, damage, growing and shrinking grids, on a machine that is made up."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.common import source_closure
from batchwise.config import measured_part
from batchwise.config.study import Study
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.execution.run_store import Store, key
from batchwise.measuring.profiling import endings, measurement_store, profile_files, profiler
from batchwise.measuring.profiling.configurations import missing, nearest, points
from batchwise.measuring.profiling.largest_batch import Update
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.measuring.profiling.profiler import Profiler
from batchwise.measuring.profiling.rounds import Point

STUDY = {
    "data_set": "digits",
    "model": {"name": "mlp", "hidden_units": [8]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 1},
    "learning_rate_scaling": "none",
    "grid": {"batch_sizes": [4, 64], "base_learning_rates": [0.1], "seeds": 1},
    "timed_beside": ["neighbours", "float64", "bfloat16"],
}
MACHINE = {"device": "made up", "tensorflow": "1", "cores": 2, "memory_total_bytes": 10**10, "has_bfloat16": False}
SIZES = st.lists(st.sampled_from([1, 16, 17, 32, 64, 96, 128, 500, 1000]), min_size=1, max_size=5, unique=True)


def part(batch_sizes=(4, 64), **changes) -> Study:
    grid = {**STUDY["grid"], "batch_sizes": list(batch_sizes)}
    return measured_part.of_study(Study.model_validate({**STUDY, "grid": grid, **changes}))


def data_set(rows: int = 1000, seed: int = 0, classes: int = 2, task: str = "binary_classification") -> DataSet:
    random = np.random.default_rng(seed)
    splits = [
        Split(random.normal(size=(size, 4)).astype("float32"), random.integers(2, size=size, dtype="int32"))
        for size in (rows, 10, 10)
    ]
    return DataSet(Description("random", task, "none", "none"), tuple(map(str, range(classes))), *splits)


# Keys


@pytest.fixture(autouse=True, scope="module")
def sources_read_once() -> Iterator[None]:
    """Let the closure of a file be found once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_closure, "closure", cache(source_closure.closure))
        yield


def inputs(data: DataSet | None = None, study: Study | None = None, **machine) -> str:
    return key(measurement_store.inputs(data or data_set(), study or part(), MACHINE | machine))


def with_inputs(change: Callable[[np.ndarray], np.ndarray], **more) -> DataSet:
    """Return a data set with the inputs of each part changed."""
    data = data_set()
    parts = {name: Split(change(getattr(data, name).inputs), getattr(data, name).labels) for name in SPLITS}
    return replace(data, **parts, **more)


def images(statistics: str) -> DataSet:
    """Return images, with statistics of this type."""
    mean, std = np.zeros(4, statistics), np.ones(4, statistics)
    return with_inputs(lambda inputs: np.uint8(abs(inputs)).reshape(-1, 1, 1, 4), mean=mean, std=std)


MULTICLASS = "multiclass_classification"
OTHER_DATA = {
    "rows": data_set(rows=1001),
    "task": data_set(task=MULTICLASS),
    "classes": data_set(task=MULTICLASS, classes=3),
    "type of inputs": with_inputs(lambda inputs: inputs.astype("float64")),
    "shape of inputs": with_inputs(lambda inputs: inputs.reshape(-1, 2, 2)),
    "images": images("float32"),
    "type of statistics": images("float64"),
}
OTHER_RECIPES = {
    "model": {"name": "cnn", "channels": 8, "normalization": "none"},
    "optimizer": {"name": "sgd", "momentum": 0.9},
    "weight_decay": 0.1,
    "augmentation": {"pad": 1, "flip": False},
    "accumulation": 2,
}


def test_each_input_makes_another_key() -> None:
    others = [inputs(data) for data in OTHER_DATA.values()]
    others += [inputs(study=part(**{name: value})) for name, value in OTHER_RECIPES.items()]
    others += [inputs(**{name: "other"}) for name in ("device", "tensorflow", "cores")]
    assert len({inputs(), *others}) == 1 + len(others)


def test_points_and_what_else_is_measured_have_keys_of_their_own() -> None:
    named = [
        vars(Point(*values)) for values in [(4, "a", "grid"), (5, "a", "grid"), (4, "b", "grid"), (4, "a", "dtype")]
    ]
    named += [{"side_by_side": named[0]}, {"doubled_from": 4}]
    shared = measurement_store.inputs(data_set(), part(), MACHINE)
    assert len({key(shared | name) for name in named}) == len(named)


@pytest.mark.parametrize("file", ["rounds", "process", "probe", "largest_batch"])
def test_what_measures_is_part_of_the_key(file, monkeypatch) -> None:
    before, hashes = inputs(), source_closure.hashes
    changed = {f"batchwise/measuring/profiling/{file}.py": "other"}
    monkeypatch.setattr(
        source_closure,
        "hashes",
        lambda files: {name: changed.get(name, content) for name, content in hashes(files).items()},
    )
    assert inputs() != before


@pytest.mark.parametrize(
    "file",
    [
        "batchwise/analysis/profile_summary.py",
        "batchwise/measuring/profiling/profile_files.py",
        "batchwise/measuring/profiling/configurations.py",
        "batchwise/measuring/profiling/profiler.py",
        "batchwise/config/params.py",
        "batchwise/models/cnn.py",
        "batchwise/common/messages.py",
    ],
)
def test_what_describes_or_chooses_is_not(file) -> None:
    assert file not in measurement_store.inputs(data_set(), part(), MACHINE)["code"]


RATES = st.lists(st.integers(1, 1000).map(lambda number: number / 1000), min_size=1, unique=True)


@given(seed=st.integers(1, 1000), rates=RATES, seeds=st.integers(1, 9))
def test_values_of_data_rates_and_seeds_do_not_make_another_key(seed, rates, seeds) -> None:
    same = part(grid={"batch_sizes": [64, 4, 7], "base_learning_rates": rates, "seeds": seeds})
    assert inputs(data_set(seed=seed), same, memory_total_bytes=seed) == inputs()


# A machine that is made up


class MadeUpRounds:
    """Takes the same times at each measurement of a point; those asked for are listed in `asked`."""

    asked: list[Point]

    def __init__(self, asked: list[Point], slow: list[float], data: DataSet, recipe, cores: int, steps) -> None:
        self.asked, self.slow, self.available = asked, slow, 10**9
        self.measured, self.repetitions, self.beside = {}, [], None

    def measure(self, asked: list[Point], fitting: list[dict], beside: Point | None) -> None:
        self.asked += asked
        self.beside = beside
        for point in asked:
            self.measured[point] = {
                "status": "ok",
                "compile_seconds": self.seconds(point, -1),
                "memory_peak_bytes": 10**6 * point.batch_size,
                "xla": True,
            }
        for number in range(3):
            for place in np.random.default_rng(number).permutation(len(asked)):
                point = asked[place]
                self.repetitions.append((point, "whole", number, 0, self.slow[0] * self.seconds(point, number)))

    def seconds(self, point: Point, number: int) -> float:
        return np.random.default_rng([point.batch_size, len(point.dtype + point.purpose), number + 1]).uniform(1, 2)

    def is_ok(self, point: Point) -> bool:
        return True

    def measure_side_by_side(self, point: Point, memory_peak: int) -> str:
        assert point == self.beside
        self.beside = None
        for number in range(3):
            for process in range(2):
                row = (point, "side_by_side", number, process, 2 * self.seconds(point, number))
                self.repetitions.append(row)
        return ""

    def close(self) -> None:
        """End no process: none rests for what is not measured."""
        assert self.beside is None

    def start(self, dtype: str, memory: int) -> None:
        raise AssertionError("no process is needed")


class MadeUpMachine:
    """Profiles studies with one store, and says which points were measured for each."""

    def __init__(self, folder: Path) -> None:
        self.store, self.asked, self.doubled, self.slow = Store(folder), [], [], [1.0]

    def profile(self, study: Study, anew: bool = False) -> tuple[Profile, set[Point]]:
        self.asked.clear()
        self.doubled.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(profiler, "Rounds", partial(MadeUpRounds, self.asked, self.slow))
            patch.setattr(profiler.hardware, "describe", lambda engine: MACHINE)
            patch.setattr(profiler.measurement_store, "inputs", lambda *_: {"of": "this study"})
            patch.setattr(profiler, "gpu", lambda: None)
            patch.setattr(profiler.largest_batch, "double", self.double)
            made = Profiler(data_set(), study, self.store, anew)
            profile = made.profile()
            self.faults = made.faults
        assert {*made.new} <= {*self.asked}
        return profile, {*self.asked}

    def double(self, start, peaks: dict[int, int], limit: int) -> list[Update]:
        self.doubled.append(max(peaks))
        return [Update(2 * max(peaks), "out_of_memory", "no more", None, 0.5)]


@pytest.fixture
def machine(tmp_path) -> MadeUpMachine:
    return MadeUpMachine(tmp_path)


def assert_equal(found: Profile, expected: Profile) -> None:
    assert profile_files.files(found) == profile_files.files(expected)


def times(profile: Profile) -> pd.DataFrame:
    """Return the repetitions without their order, which is that of the occasions."""
    return profile.repetitions.sort_values(list(profile.repetitions)).reset_index(drop=True)


def asked_for(study: Study) -> set[Point]:
    return {*points(study, 1000, bfloat16=False)}


@settings(max_examples=25)
@given(sizes=SIZES)
def test_a_profile_of_what_is_kept_is_that_which_was_measured(sizes) -> None:
    with TemporaryDirectory() as folder:
        machine = MadeUpMachine(Path(folder))
        measured, asked = machine.profile(part(sizes))
        assert asked == asked_for(part(sizes)) and machine.doubled == [max(point.batch_size for point in asked)]
        kept, asked = machine.profile(part(sizes))
        assert asked == set() and machine.doubled == []
        assert_equal(kept, measured)


@settings(max_examples=25)
@given(grids=st.lists(SIZES, min_size=1, max_size=4))
def test_a_profile_of_several_occasions_has_the_same_numbers(grids) -> None:
    with TemporaryDirectory() as folder, TemporaryDirectory() as other:
        machine = MadeUpMachine(Path(folder))
        for grid in grids[:-1]:
            machine.profile(part(grid))
        found, _ = machine.profile(part(grids[-1]))
        whole, _ = MadeUpMachine(Path(other)).profile(part(grids[-1]))
    pd.testing.assert_frame_equal(found.points.drop(columns="occasion"), whole.points.drop(columns="occasion"))
    pd.testing.assert_frame_equal(times(found), times(whole))
    pd.testing.assert_frame_equal(found.doubling, whole.doubling)
    occasions = found.machine["occasions"]
    assert {*found.points["occasion"]} == {*range(len(occasions))} and len(occasions) <= len(grids)
    assert all(occasion["slowdown"] in (None, 1.0) for occasion in occasions)


def test_one_more_batch_size_measures_itself_and_one_that_is_near_once_more(machine) -> None:
    before, _ = machine.profile(part([4, 32, 256, 1000]))
    machine.slow[0] = 1.5
    after, asked = machine.profile(part([4, 32, 64, 256, 1000]))
    new = {Point(64, "float32", "grid"), Point(65, "float32", "neighbour")}
    assert asked == new | {Point(32, "float32", "grid")}
    assert machine.doubled == []
    old = ~after.repetitions["batch_size"].isin([64, 65])
    pd.testing.assert_frame_equal(after.repetitions[old].reset_index(drop=True), before.repetitions)
    assert after.points.set_index("batch_size").loc[[64, 65], "occasion"].eq(1).all()
    assert after.points["occasion"].sum() == 2
    first, second = after.machine["occasions"]
    assert first["slowdown"] is None and first["started"] < second["started"]
    assert second["compared_at"] == 32 and second["slowdown"] == pytest.approx(1.5, rel=1e-12)


def test_a_larger_batch_size_than_all_doubles_and_measures_other_types(machine) -> None:
    machine.profile(part([4, 32]))
    _, asked = machine.profile(part([4, 32, 1000]))
    assert asked == {Point(1000, "float32", "grid"), Point(1000, "float64", "dtype"), Point(32, "float32", "grid")}
    assert machine.doubled == [1000]


def test_what_is_compared_directly_is_measured_on_one_occasion(machine) -> None:
    """Without the largest and the smallest m, others take their part."""
    machine.profile(part([4, 32, 1000]))
    profile, asked = machine.profile(part([32]))
    assert asked == {Point(32, "float32", "grid"), Point(32, "float64", "dtype")}
    occasion = profile.points.set_index(["batch_size", "dtype"])["occasion"]
    assert occasion[32, "float32"] == occasion[32, "float64"]
    assert profile.repetitions["part"].eq("side_by_side").sum() == 6


def test_all_is_measured_anew_on_demand(machine) -> None:
    first, asked = machine.profile(part())
    machine.slow[0] = 2.0
    second, again = machine.profile(part(), anew=True)
    assert again == asked and machine.doubled == [65]
    assert second.machine["occasions"] != first.machine["occasions"] and len(second.machine["occasions"]) == 1
    third, _ = machine.profile(part())
    assert_equal(third, second)


def test_faults_of_the_machine_are_told_and_measured_again(machine, monkeypatch) -> None:
    whole, _ = machine.profile(part())
    machine.store = Store(machine.store.folder.parent / "other")
    message = endings.twice("its process ended with exit code -9")
    measure = MadeUpRounds.measure

    def without_64(self, asked: list[Point], *rest: object) -> None:
        measure(self, asked, *rest)
        for point in asked:
            if point.batch_size == 64:
                self.measured[point] = {"status": "failed", "message": message}

    def faulty(self, *_: object) -> str:
        self.beside = None
        return message

    with monkeypatch.context() as patch:
        patch.setattr(MadeUpRounds, "measure", without_64)
        patch.setattr(MadeUpRounds, "is_ok", lambda self, point: self.measured[point]["status"] == "ok")
        patch.setattr(MadeUpRounds, "measure_side_by_side", faulty)
        patch.setattr(machine, "double", lambda *_: [Update(128, "failed", message, None, 0.5)])
        found, _ = machine.profile(part())
    failed = found.points[found.points["status"].eq("failed")]
    assert {*failed["batch_size"]} == {64} and {*failed["message"]} == {message}
    assert machine.faults == [
        f"{what} was not measured: {message}"
        for what in ("m = 64 in float32", "m = 64 in float64", "m = 4 side by side", "an update of m = 128")
    ]
    after, asked = machine.profile(part())
    assert Point(64, "float32", "grid") in asked and machine.doubled and not machine.faults
    pd.testing.assert_frame_equal(after.points.drop(columns="occasion"), whole.points.drop(columns="occasion"))


@settings(max_examples=25)
@given(chosen=st.integers(0, 10**6), cut=st.integers(0, 10**6))
def test_a_damaged_entry_is_measured_again(chosen, cut) -> None:
    with TemporaryDirectory() as folder:
        machine = MadeUpMachine(Path(folder))
        before, _ = machine.profile(part())
        database = machine.store._opened()
        keys = [key for (key,) in database.execute("SELECT key FROM entries ORDER BY key")]
        key = keys[chosen % len(keys)]
        content = bytearray(machine.store.get(key))
        content[cut % len(content)] ^= 1
        database.execute("UPDATE entries SET content = ? WHERE key = ?", (bytes(content), key))
        after, asked = machine.profile(part())
        assert asked or machine.doubled
        pd.testing.assert_frame_equal(after.points.drop(columns="occasion"), before.points.drop(columns="occasion"))
        pd.testing.assert_frame_equal(times(after), times(before))
        machine.profile(part())
        assert not machine.asked and not machine.doubled


# The choice of what is measured


@given(sizes=SIZES, kept=st.integers(0, 2**20))
def test_what_is_missing_comes_with_what_it_is_compared_with(sizes, kept) -> None:
    asked = points(part(sizes), 1000, bfloat16=True)
    there = [point for place, point in enumerate(asked) if kept >> place & 1]
    found = missing(asked, there)
    assert [point for point in asked if point in found] == found
    assert {*asked} - {*there} <= {*found}
    for point in {*found} & {*there}:
        assert point.purpose == "grid"
    for point in {*found} - {*there}:
        if point.purpose == "dtype":
            assert Point(point.batch_size, "float32", "grid") in found


@given(m=st.integers(1, 1000), others=st.lists(st.integers(1, 1000), max_size=5))
def test_the_nearest_has_the_nearest_ratio(m, others) -> None:
    found = nearest(Point(m, "a", "grid"), [Point(other, "a", "grid") for other in others])
    distances = [abs(np.log(other / m)) for other in others]
    assert [abs(np.log(point.batch_size / m)) for point in found] == pytest.approx([min(distances)] if others else [])
