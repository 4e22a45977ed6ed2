"""Fresh seeds of chosen cells: as many as widths ask for, whatever the signs, and the tables that they give."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from batchwise.analysis import confirmation, run_metrics, tabulate
from batchwise.analysis.confirmation import MOST, fresh_runs, seeds_for
from batchwise.analysis.evaluate import evaluate
from batchwise.common.errors import UserError
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.study import LEAST_SEEDS, Confirmation, Study
from batchwise.training import run_files, run_result
from tests import shards
from tests.fabricated import (
    ACCURACY,
    MANIFEST,
    METRICS,
    diverged,
    parse,
    random_result,
    shared_inputs,
    study,
    tables,
    write_runs,
)

STUDY = study([8, 2, 40, 1000], [0.5, 0.125, 0.25], seeds=3, confirmation={"most_seeds": 40})
VALUES = arrays(float, st.tuples(st.integers(2, 4), st.integers(2, 12)), elements=st.integers(-99, 99).map(float))
WIDTHS = st.integers(1, 400).map(lambda number: number / 4)


def half_width(values: np.ndarray, n: int) -> float:
    """Return how far the 95 % interval of a mean over n values reaches at the spread of some."""
    return stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)


@given(VALUES, st.data(), WIDTHS)
def test_seeds_are_the_fewest_that_make_every_difference_narrow(values: np.ndarray, data, width: float) -> None:
    reference = data.draw(st.integers(0, len(values) - 1))
    found = seeds_for(values, reference, width)
    differences = values - values[reference]
    assert found >= values.shape[1]
    assert found == MOST or all(half_width(one, found) <= width * (1 + 1e-9) for one in differences)
    if found > values.shape[1]:
        assert max(half_width(one, found - 1) for one in differences) > width * (1 - 1e-9)


@given(VALUES, WIDTHS, arrays(float, 4, elements=st.integers(-50, 50).map(float)))
def test_neither_signs_nor_effects_matter(values: np.ndarray, width: float, effects: np.ndarray) -> None:
    found = seeds_for(values, 0, width)
    assert seeds_for(-values, 0, width) == found
    assert seeds_for(values + effects[: len(values), None], 0, width) == found
    assert seeds_for(values[:, ::-1], 0, width) == found


@given(VALUES, WIDTHS, st.integers(0, 1))
def test_a_cell_whose_runs_failed_does_not_count(values: np.ndarray, width: float, known: int) -> None:
    failed = np.full((1, values.shape[1]), np.nan)
    failed[:, :known] = 7.0
    assert seeds_for(np.concatenate([values, failed]), 0, width) == seeds_for(values, 0, width)
    assert seeds_for(np.concatenate([failed, values]), 0, width) == values.shape[1]  # nothing can be compared with it


@given(VALUES, WIDTHS, st.integers(12, 60))
def test_a_cell_that_no_number_of_seeds_would_tell_does_not_count(values: np.ndarray, width: float, most: int) -> None:
    """At the limit its interval is wider than the margin; the others have as many seeds as without it."""
    wild = values[0] + 1e6 * np.arange(values.shape[1]) ** 2
    assert seeds_for(np.stack([*values, wild]), 0, width, most, 2 * width) == seeds_for(
        values, 0, width, most, 2 * width
    )


def chosen(made: Study = STUDY) -> tabulate.Choice:
    by_run = {run: run_metrics_of(run, made) for run in grid.runs(made, MANIFEST["rows"]["train"])}
    return tabulate.choose(made, MANIFEST["rows"], METRICS, by_run)


def run_metrics_of(run: Run, made: Study) -> run_metrics.RunMetrics:
    file = run_files.RunFile(random_result(run, made), run.facts, shared_inputs(made), "0" * 64)
    return run_metrics._run_metrics(file, [metric.name for metric in METRICS], made, np.arange(8), "{}", "{}")


CHOICE = chosen()


def measure(spread: float, salt: int, sign: int = 1, failing: int = 0) -> tuple[list[int], Callable]:
    """Return the numbers of seeds that were asked for, and values of runs: of Normal(0.9, spread), by run and salt."""
    asked: list[int] = []

    def value(run: Run) -> float:
        if run.effective_batch_size == failing:
            return np.nan
        seed = [run.effective_batch_size, round(1e6 * run.learning_rate), run.seed, salt]
        return 0.9 + sign * spread * np.random.default_rng(seed).normal()

    def values(cells: list[list[Run]]) -> np.ndarray:
        asked.append(len(cells[0]))
        return np.array([[value(run) for run in runs] for runs in cells])

    return asked, values


@settings(max_examples=40)
@given(st.integers(0, 50).map(lambda number: number / 1000), st.integers(0, 99), st.integers(LEAST_SEEDS, 60))
def test_seeds_follow_until_widths_are_reached_or_the_limit_is(spread: float, salt: int, most: int) -> None:
    made = STUDY.model_copy(update={"confirmation": STUDY.confirmation.model_copy(update={"most_seeds": most})})
    asked, values = measure(spread, salt)
    runs = fresh_runs(made, CHOICE, ACCURACY, values)
    seeds = asked[-1]
    assert asked == sorted({*asked}) and asked[0] == LEAST_SEEDS and LEAST_SEEDS <= seeds <= most
    cells = [grid.fresh_runs(cell, made, seeds) for cell in CHOICE.of_sizes]
    assert runs == sorted({run for of_cell in cells for run in of_cell})
    assert not {*runs} & {*grid.runs(made, MANIFEST["rows"]["train"])}
    wide = 0.5 * ACCURACY.least_margin / ACCURACY.scale
    reference = cells[CHOICE.of_sizes.index(CHOICE.cell(CHOICE.reference))]
    differences = values(cells) - values([reference])
    hopeless = [half_width(one, most) > 2 * wide for one in differences]  # at the spread that all seeds have
    narrow = [half_width(one, seeds) <= wide * (1 + 1e-9) for one in differences]
    assert seeds == most or all(one or other for one, other in zip(hopeless, narrow, strict=True)) or any(hopeless)
    mirrored = measure(spread, salt, sign=-1)[1]
    assert fresh_runs(made, CHOICE, ACCURACY, mirrored) == runs


@pytest.mark.parametrize("spread", [0.0, 0.05])
@pytest.mark.parametrize("most", [2, 3, LEAST_SEEDS - 1])
def test_fewer_seeds_than_say_much_are_just_so_many(spread: float, most: int) -> None:
    made = STUDY.model_copy(update={"confirmation": Confirmation(most_seeds=most)})
    asked, values = measure(spread, 0)
    runs = fresh_runs(made, CHOICE, ACCURACY, values)
    assert asked == [most] and {run.seed for run in runs} == {*range(3, 3 + most)}


def test_a_chosen_cell_whose_fresh_runs_fail_asks_for_no_more() -> None:
    other = next(m for m in (2, 8, 40) if m != CHOICE.cell(CHOICE.reference).effective_batch_size)
    wide, narrow = measure(0.02, 1)[1], measure(1e-6, 1)[1]

    def values(cells: list[list[Run]]) -> np.ndarray:
        """Wide at one m, of which no run ends ok, and narrow at the others."""
        failed = np.array([runs[0].effective_batch_size == other for runs in cells])[:, None]
        return np.where(failed, np.nan * wide(cells), narrow(cells))

    assert {run.seed for run in fresh_runs(STUDY, CHOICE, ACCURACY, values)} == {*range(3, 3 + LEAST_SEEDS)}


def test_without_confirmation_or_without_a_choice_there_are_no_fresh_runs() -> None:
    def never(cells: list[list[Run]]) -> np.ndarray:
        raise AssertionError

    assert fresh_runs(STUDY.model_copy(update={"confirmation": None}), CHOICE, ACCURACY, never) == []
    nothing = tabulate.Choice(CHOICE.runs, CHOICE.cells, np.full(4, -1), None, None)
    assert fresh_runs(STUDY, nothing, ACCURACY, never) == []


def fresh_result(run: Run) -> run_result.RunResult:
    fine = random_result(run, STUDY, salt=1)
    return diverged(fine, 2) if (run.effective_batch_size, run.seed) == (40, 5) else fine


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the runs of the grid and ten fresh seeds of each chosen cell, of which one diverged."""
    place = tmp_path_factory.mktemp("made_up")
    write_runs(place / "runs", STUDY, lambda run: random_result(run, STUDY))
    fresh = {run for cell in CHOICE.of_sizes for run in grid.fresh_runs(cell, STUDY, LEAST_SEEDS)}
    contents = {run.name: run_result.dump(fresh_result(run), run.facts) for run in sorted(fresh)}
    shards.write(place / "confirmed", contents, shared_inputs(STUDY))
    return place


@pytest.fixture(scope="module")
def confirmed(folder: Path) -> dict:
    """The tables with fresh seeds."""
    by_run = run_metrics.read(folder / "runs", "made_up", STUDY, MANIFEST)
    runs = [run for cell in CHOICE.of_sizes for run in grid.fresh_runs(cell, STUDY, LEAST_SEEDS)]
    fresh = run_metrics.read(folder / "confirmed", "made_up", STUDY, MANIFEST, runs=[*{*runs}], stage="confirm")
    return parse(evaluate("made_up", STUDY, MANIFEST, METRICS, by_run, fresh))


def test_the_values_of_a_round_are_those_of_its_files(folder: Path) -> None:
    cells = [grid.fresh_runs(cell, STUDY, LEAST_SEEDS) for cell in CHOICE.of_sizes]
    values = confirmation.measured(folder / "confirmed", "made_up", STUDY, MANIFEST, ACCURACY, cells)
    assert values.shape == (4, LEAST_SEEDS)
    np.testing.assert_array_equal(values[2], values[3])  # m = 1000 is m = 40
    assert np.flatnonzero(np.isnan(values[2])).tolist() == [2]  # of seed 5, which diverged
    for runs, row in zip(cells[:2], values, strict=False):
        assert row.tolist() == [fresh_result(run).metrics["accuracy"][-1, 2] for run in runs]
    with pytest.raises(UserError, match="is missing; run `dvc repro --force confirm@made_up`"):
        more = [grid.fresh_runs(CHOICE.of_sizes[0], STUDY, LEAST_SEEDS + 1)]
        confirmation.measured(folder / "confirmed", "made_up", STUDY, MANIFEST, ACCURACY, more)


def test_the_grid_chooses_as_it_does_without_fresh_seeds(confirmed: dict) -> None:
    before = tables(STUDY, lambda run: random_result(run, STUDY))
    for name in ("runs", "cells"):
        pd.testing.assert_frame_equal(confirmed[name], before[name])
    kept = ["batch_size", "base_learning_rate", "learning_rate", "selected_by", "grid_edge"]
    kept += [name for name in before["batch_sizes"] if name.startswith(("validation_", "reliable"))]
    pd.testing.assert_frame_equal(confirmed["batch_sizes"][kept], before["batch_sizes"][kept])
    for fact in ("best_batch_size", "reference_batch_size", "best_base_learning_rate", "grid", "runs_by_status"):
        assert confirmed["summary"][fact] == before["summary"][fact]
    assert len(before["confirmed"]) == 0 and before["summary"]["confirmation"] is None


def test_results_are_of_fresh_seeds_alone(confirmed: dict) -> None:
    fresh, table = confirmed["confirmed"], confirmed["batch_sizes"].set_index("batch_size")
    assert sorted({*fresh["seed"]}) == [*range(3, 13)] and len(fresh) == 4 * LEAST_SEEDS
    assert confirmed["summary"]["confirmation"] == {
        "seeds": LEAST_SEEDS,
        "first_seed": 3,
        "most_seeds": 40,
        "half_width": 0.5,
    }
    assert {*confirmed["curves"]["seed"]} == {*fresh["seed"]}
    for m, runs in fresh.groupby("batch_size"):
        ok = runs[runs["status"].eq("ok")]
        assert (table.loc[m, "runs"], table.loc[m, "ok"]) == (LEAST_SEEDS, len(ok))
        for quantity in ("test_accuracy", "train_loss", "test_correct"):
            assert table.loc[m, f"{quantity}_mean"] == pytest.approx(ok[quantity].mean())
    reference = confirmed["summary"]["reference_batch_size"]
    accuracy = confirmed["summary"]["test_accuracy"]
    assert accuracy["mean"] == table.loc[reference, "test_accuracy_mean"]
    assert accuracy["n"] == table.loc[reference, "ok"]


def test_differences_are_paired_by_fresh_seed(confirmed: dict) -> None:
    by_seed = confirmed["confirmed"].pivot(index="seed", columns="batch_size", values="test_accuracy")
    reference, table = confirmed["summary"]["reference_batch_size"], confirmed["batch_sizes"].set_index("batch_size")
    others = [m for m in by_seed if by_seed[m].ne(by_seed[reference]).any() and m != reference]
    assert len(others) >= 2
    for m in others:
        difference = (by_seed[m] - by_seed[reference]).dropna()
        interval = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
        found = table.loc[m, ["difference_mean", "difference_low", "difference_high"]].tolist()
        assert found == pytest.approx([difference.mean(), interval.low, interval.high])
        assert table.loc[m, "difference_n"] == len(difference)
