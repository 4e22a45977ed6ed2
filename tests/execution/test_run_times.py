"""The estimate of time: what it learns from measurements."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.execution import run_times
from batchwise.execution.run_queue import Queue
from batchwise.execution.run_times import Timings, Work

WORKS = [
    Work(updates, examples, compilations)  # each cost is seen in one of them at least
    for updates, examples, compilations in (
        (6_000, 12_000, 1),
        (6_000, 12_000, 0),
        (500, 12_000, 0),
        (100, 900_000, 0),
        (90_000, 90_000, 0),
    )
]


GRID = {"batch_sizes": [1], "base_learning_rates": [0.1], "seeds": 1}


def study(epochs=10, **changes) -> Study:
    return Study.model_validate(
        {
            "grid": GRID,
            **changes,
            "data_set": "digits",
            "model": {"name": "mlp", "hidden_units": [2]},
            "optimizer": {"name": "sgd"},
            "budget": {"epochs": epochs},
            "learning_rate_scaling": "none",
        }
    )


def measured(costs, factors=(1.0,)) -> Timings:
    """Return timings that follow the model, each times some factors."""
    timings = Timings()
    for done in WORKS:
        for factor in factors:
            timings.add(done, run_times.predict(costs, done) * factor)
    return timings


@pytest.mark.parametrize("factor", [0.1, 1, 10, 100, 1000])
def test_times_are_learnt_however_far_they_are_from_the_first_guess(factor) -> None:
    """Larger networks than the guess is of: after 30 runs of each kind, all their times are right to 25 %."""
    costs = run_times.FIRST_GUESS * [factor, factor, 1, 1]
    found = measured(costs, [1.0] * 30).coefficients()
    assert (found >= 0).all()
    for done in WORKS:
        assert run_times.predict(found, done) == pytest.approx(run_times.predict(costs, done), rel=0.25)


def test_each_cost_is_recovered() -> None:
    costs = run_times.FIRST_GUESS * [0.7, 1.4, 1.3, 0.8]
    np.testing.assert_allclose(measured(costs, [1.0] * 500).coefficients(), costs, rtol=0.05)


def test_noise_is_averaged() -> None:
    """A fifth of noise on each of 50 measurements moves a prediction by far less."""
    costs = run_times.FIRST_GUESS * 1.5
    found = measured(costs, np.random.default_rng(0).uniform(0.8, 1.2, 50)).coefficients()
    for done in WORKS:
        assert run_times.predict(found, done) == pytest.approx(run_times.predict(costs, done), rel=0.05)


def test_a_large_model_takes_its_time_for_examples_not_for_updates() -> None:
    """Of one batch size alone, the smallest, nothing tells the two apart; the time of the largest follows."""
    costs = run_times.FIRST_GUESS * [1, 4000, 1, 1]
    timings = Timings()
    timings.add(Work(3_000, 12_000, 0), run_times.predict(costs, Work(3_000, 12_000, 0)))
    others = Work(47, 12_000, 0)
    assert run_times.predict(timings.coefficients(), others) == pytest.approx(
        run_times.predict(costs, others), rel=0.05
    )


@pytest.mark.parametrize("compiling", [0.3, 1, 2, 10])
def test_a_trial_of_a_large_model_tells_its_time_however_long_it_compiles(compiling) -> None:
    """Of two batch sizes, on as many rows (trial.py), by a small convolutional network: a second for 512 rows."""
    timings = Timings()
    for updates in (128, 4):
        for compilations in (1, 0, 0):
            timings.add(Work(updates, 512, compilations), 1.05 + compilations * compiling)
    assert run_times.predict(timings.coefficients(), Work(1344, 5376, 0)) == pytest.approx(10.5, rel=0.3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(20))
def test_whatever_was_measured_no_cost_is_negative(seed) -> None:
    """Two or three runs, which took any time, on a machine that may be slow."""
    random = np.random.default_rng(seed)
    timings = Timings()
    for number in random.choice(len(WORKS), 3):
        timings.add(WORKS[number], float(10 ** random.uniform(-2, 2)))
    found = timings.coefficients()
    assert np.isfinite(found).all() and (found >= 0).all()


def test_without_measurements_the_first_guess_holds() -> None:
    np.testing.assert_allclose(Timings().coefficients(), run_times.FIRST_GUESS)


def test_seconds_left_share_the_work_and_compile_each_batch_size_once() -> None:
    costs, left = np.array([0.0, 0.0, 5.0, 1.0]), [Run(m, 0.1, seed) for m in (1, 2) for seed in range(3)]
    assert run_times.seconds_left(study(), 100, left, 1, costs) == 2 * 5 + 6
    assert run_times.seconds_left(study(), 100, left, 2, costs) == (2 * 5 + 6) / 2
    assert run_times.seconds_left(study(), 100, left[:1], 8, costs) == 5 + 1
    counts = Counter(run_times.kind(study(), run) for run in left)
    works = {each: run_times.work(study(), 100, each) for each in counts}
    assert run_times.seconds_of(counts, works, 1, costs, compiled=[2, 7]) == 5 + 6
    counts[run_times.kind(study(), left[0])] = 0
    assert run_times.seconds_of(counts, works, 1, costs, compiled=[7]) == 5 + 3
    assert run_times.seconds_left(study(), 100, [], 8, costs) == 0


@pytest.mark.parametrize(("lanes", "calls"), [(1, 6), (2, 4), (3, 2), (8, 2)])
def test_lanes_are_timed_by_the_program_full_or_not(lanes, calls) -> None:
    """Of three runs at each of two batch sizes; a program takes as long with empty lanes."""
    costs, left = np.array([0.0, 0.0, 5.0, 1.0]), [Run(m, 0.1, seed) for m in (1, 2) for seed in range(3)]
    in_lanes = study(engine="jax", lanes=lanes)
    assert run_times.calls_of(in_lanes, left).total() == calls
    assert run_times.seconds_left(in_lanes, 100, left, 1, costs) == 2 * 5 + calls


def test_lanes_hold_runs_of_one_fold() -> None:
    """Each seed has a fold, whose rows its program trains on."""
    runs = [Run(8, rate, seed) for rate in (0.1, 0.2) for seed in range(3)]
    in_lanes = study(engine="jax", lanes=8, folds=3, grid={**GRID, "seeds": 3})
    assert run_times.calls_of(in_lanes, runs).total() == 3
    queue = Queue(runs, lambda run: 1.0, lambda: 0.0, at_once=8, kind=partial(run_times.kind, in_lanes))
    assert [{run.seed for run in queue.take("a", "a")} for _ in range(3)] == [{0}, {1}, {2}]


def test_the_work_of_a_run() -> None:
    assert run_times.work(study(epochs=10), 101, Run(25, 0.1, 0), compilations=1) == Work(50, 1010, 1)


def test_a_file_of_timings_is_read_as_written(tmp_path) -> None:
    path = tmp_path / "new" / "timings.csv"
    assert run_times.read(path).seconds == {}
    for done, seconds in zip(WORKS, (1.0, 0.5, 0.25, 0.125, 2.0), strict=True):
        run_times.append(path, done, seconds)
    for seconds in (7.0, 6.5):
        run_times.append_start_up(path, seconds)
    run_times.append(path, WORKS[0], 3.0)
    assert run_times.read(path).start_up == 6.5
    assert run_times.read(path).seconds == {
        **{done: [seconds] for done, seconds in zip(WORKS[1:], (0.5, 0.25, 0.125, 2.0), strict=True)},
        WORKS[0]: [1.0, 3.0],
    }


def test_a_line_that_a_kill_left_unfinished_is_passed_over(tmp_path) -> None:
    path = tmp_path / "timings.csv"
    run_times.append(path, WORKS[0], 1.5)
    whole = path.stat().st_size
    run_times.append(path, WORKS[0], 0.25)
    for size in range(whole, path.stat().st_size - len("\n")):
        cut = tmp_path / "cut" / str(size)
        cut.parent.mkdir(exist_ok=True)
        cut.write_bytes(path.read_bytes()[:size])
        assert run_times.read(cut).seconds == {WORKS[0]: [1.5]}
        run_times.append(cut, WORKS[1], 2.5)
        assert run_times.read(cut).seconds == {WORKS[0]: [1.5], WORKS[1]: [2.5]}
