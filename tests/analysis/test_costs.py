"""Budgets, steps to targets, the choice and the fits, on made-up runs of which the answers are known."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.analysis import costs, equal_budgets, run_metrics, steps_to_target, study_tables
from batchwise.analysis.equal_budgets import MEASURED, TOO_LONG, TOO_SHORT, Curves
from batchwise.common import stage_outputs
from batchwise.config.phases import Phase
from batchwise.statistics.intervals import mean_interval
from batchwise.training.run_result import RunResult
from tests import fabricated
from tests.fabricated import ACCURACY, STATISTICS


def curves(
    m: int,
    accuracy: np.ndarray,
    rows: int = 40,
    rates: tuple[float, ...] = (0.1,),
    statistic: str = "median_of_last_5_epochs",
) -> Curves:
    """Return the curves of one m, of accuracies [rates, seeds, evaluations] on validation and test rows."""
    accuracy = np.asarray(accuracy, float)
    per_epoch, last = -(-rows // m), accuracy.shape[-1] - 1
    values = dict.fromkeys(equal_budgets.quantities(ACCURACY), accuracy)
    base = np.array(rates)
    run = (Phase(0, last, m, 1.0, per_epoch),)
    return Curves(ACCURACY, m, run, base, base * m, np.arange(last + 1), per_epoch * last, values, statistic)


def rising(m: int, seeds: int = 3, epochs: int = 10, step: float = 0.05) -> Curves:
    """Return curves of runs whose accuracy grows by `step` with each epoch, and a little with the seed."""
    line = step * np.arange(epochs + 1) + 0.001 * np.arange(seeds)[:, None]
    return curves(m, line[None])


def read(study, make: Callable, folder: Path) -> dict:
    fabricated.write_runs(folder, study, make)
    return run_metrics.read(folder, "made_up", study, fabricated.MANIFEST)


def test_curves_hold_the_evaluations_of_every_run(tmp_path) -> None:
    made = fabricated.study([5, 16, 100], [0.25, 0.5])
    found = equal_budgets.of_study(
        made, 40, ACCURACY, read(made, lambda run: fabricated.random_result(run, made), tmp_path)
    )
    assert [one.effective_batch_size for one in found] == [5, 16, 40]
    assert [one.phases[0].updates_per_epoch for one in found] == [8, 3, 1]
    result = fabricated.random_result(fabricated.grid.runs_of(fabricated.grid.cells(made, 40)[1], made)[2], made)
    expected = result.metrics["accuracy"][:, 1]
    np.testing.assert_allclose(found[0].values["validation_accuracy"][1, 2], expected, rtol=1e-6)
    np.testing.assert_allclose(found[0].values["train_loss"][1, 2], result.metrics["loss"][:, 0])


def test_a_run_that_diverged_counts_until_then(tmp_path) -> None:
    made = fabricated.study([5], [0.25])

    def make(run) -> RunResult:
        result = fabricated.random_result(run, made)
        return fabricated.diverged(result, 4) if run.seed == 1 else result

    (found,) = equal_budgets.of_study(made, 40, ACCURACY, read(made, make, tmp_path))
    known = np.isfinite(found.values["train_loss"][0])
    assert known.sum(axis=1).tolist() == [8, 4, 8]
    assert equal_budgets.choose(equal_budgets.at(found, 3), ACCURACY) == 0
    assert np.isnan(equal_budgets.at(found, 7)["test_accuracy"][0, 1])


@given(st.integers(1, 10), st.integers(2, 5), STATISTICS)
def test_a_level_of_epochs_is_the_statistic_of_the_evaluations_up_to_it(epochs, seeds, statistic) -> None:
    one = replace(rising(8, seeds), statistic=statistic)
    row = equal_budgets.level(one, "epochs", epochs, {})
    first = {"last_epoch": epochs, "median_of_last_5_epochs": max(1, epochs - 4)}[statistic]
    values = np.median(one.values["test_accuracy"][0, :, first : epochs + 1], axis=1)
    mean, low, high, n = (bound.item() for bound in mean_interval(values[None], 0, 1))
    found = [row[f"test_accuracy_{end}"] for end in ("mean", "low", "high")]
    assert (row["status"], row["n"]) == (MEASURED, n)
    assert found == pytest.approx([mean, low, high])


@pytest.mark.parametrize(
    ("kind", "amount", "status", "epochs"),
    [
        ("epochs", 10, MEASURED, 10),
        ("epochs", 11, TOO_LONG, None),
        ("updates", 4, TOO_SHORT, None),  # an epoch has 5
        ("updates", 5, MEASURED, 1),
        ("updates", 14, MEASURED, 2),
        ("updates", 50, MEASURED, 10),
        ("updates", 56, TOO_LONG, None),
        ("seconds", 1.9, TOO_SHORT, None),  # an epoch takes 2 s
        ("seconds", 6.1, MEASURED, 3),
        ("seconds", 20, MEASURED, 10),
    ],
)
def test_a_level_is_read_at_the_last_epoch_that_it_pays_for(kind, amount, status, epochs) -> None:
    row = equal_budgets.level(rising(8), kind, amount, {8: 2.0})
    assert (row["status"], row.get("epochs")) == (status, epochs)
    if epochs:
        assert (row["updates"], row["seconds"]) == (5 * epochs, 2.0 * epochs)


def test_the_rate_is_chosen_anew_for_each_level() -> None:
    """The fast rate is ahead at first and behind at the end; one that does not train with every seed is no choice."""
    epochs = np.arange(11)
    fast, slow = np.minimum(0.5 + 0.1 * epochs, 0.7), 0.1 * epochs
    broken = np.stack([np.full(11, 0.99), np.full(11, np.nan)])
    one = curves(8, np.stack([np.stack([fast] * 2), np.stack([slow] * 2), broken]), rates=(0.1, 0.2, 0.3))
    assert equal_budgets.level(one, "epochs", 2, {})["base_learning_rate"] == 0.1
    assert equal_budgets.level(one, "epochs", 10, {})["base_learning_rate"] == 0.2


def test_the_table_has_every_level_at_every_size_and_no_seconds_that_were_not_measured() -> None:
    sizes = [rising(8), rising(40)]
    table = equal_budgets.table(sizes, {8: 1.0, 40: 0.1})
    assert list(table) == list(equal_budgets.columns(sizes[0]))
    assert set(table["budget"]) == set(equal_budgets.KINDS)
    assert (table.groupby(["budget", "level"])["batch_size"].nunique() == 2).all()
    whole = table[table["budget"].eq("updates") & table["level"].eq(10)]  # all that m = 40 makes
    assert whole["status"].eq(MEASURED).all()
    assert set(equal_budgets.table(sizes, {})["budget"]) == {"epochs", "updates"}


# Steps to a target


def test_steps_to_a_target_are_those_of_the_first_evaluation_past_it() -> None:
    table = steps_to_target.runs([rising(8, seeds=1)], [0.2, 0.24, 0.9])
    assert table["epochs"].tolist()[:2] == [5.0, 5.0]  # 0.2 is reached after 4 epochs, and is not past itself
    assert table["updates"].tolist()[:2] == [25.0, 25.0]
    assert np.isnan(table["epochs"][2])


def test_the_fastest_rate_is_that_with_the_smallest_median_and_censored_runs_count() -> None:
    slow = np.tile(0.09 * np.arange(11), (4, 1))  # past 0.35 after 4 epochs, with each seed
    fast = np.tile(0.4 * np.ones(11), (4, 1))
    fast[1:] = 0  # after 1 epoch, with one seed of four
    one = curves(8, np.stack([slow, fast]), rates=(0.1, 0.2))
    (row,) = steps_to_target.sizes(steps_to_target.runs([one], [0.35]), [one], {8: 2.0}).to_dict("records")
    assert (row["base_learning_rate"], row["reached"], row["runs"]) == (0.1, 4, 4)
    assert (row["epochs"], row["updates"], row["seconds"]) == (4, 20, 8.0)
    (never,) = steps_to_target.sizes(steps_to_target.runs([one], [0.999]), [one], {}).to_dict("records")
    assert never["reached"] == 0 and np.isnan(never["updates"]) and never["epochs_trained"] == 10


def test_updates_before_are_those_of_the_evaluation_before_or_of_a_whole_run() -> None:
    apart = rising(8, seeds=1)
    apart = replace(apart, epochs=2 * apart.epochs, updates=2 * apart.updates)  # evaluated after each second epoch
    table = steps_to_target.runs([apart], [0.01, 0.24, 0.9])
    assert table["updates"].tolist()[:2] == [10.0, 50.0] and np.isnan(table["updates"][2])
    assert table["updates_before"].tolist() == [0.0, 40.0, 100.0]


def test_of_rates_with_the_same_median_that_with_the_smallest_mean_is_the_fastest() -> None:
    steps = 0.2 * np.arange(6)  # past 0.5 after 3 epochs
    quick = np.stack([steps, steps, 2 * steps])  # and a seed after 2
    one = curves(8, np.stack([np.tile(steps, (3, 1)), quick, np.tile(steps, (3, 1))]), rates=(0.1, 0.2, 0.4))
    (row,) = steps_to_target.sizes(steps_to_target.runs([one], [0.5]), [one], {}).to_dict("records")
    assert (row["base_learning_rate"], row["epochs"]) == (0.2, 3)
    alike = curves(8, np.tile(steps, (2, 3, 1)), rates=(0.1, 0.2))
    (row,) = steps_to_target.sizes(steps_to_target.runs([alike], [0.5]), [alike], {}).to_dict("records")
    assert row["base_learning_rate"] == 0.2


def test_the_critical_batch_size_is_found_in_runs_and_unresolved_sizes_are_left_out() -> None:
    """S(m) = 40 (1 + 64/m) updates, in epochs of 4,096/m: m = 2 gets there in the first, half of m = 4,096 does not."""
    sizes, found = [2, 64, 256, 1024, 2048, 4096], []
    for m in sizes:
        per_epoch, updates = 4096 / m, 40 * (1 + 64 / m) * np.array([0.95, 1, 1.05])
        last = np.full((3, 41), 0.0)
        for seed, epochs in enumerate(np.ceil(updates / per_epoch).astype(int)):
            last[seed, epochs:] = 1
        found.append(curves(m, last[None], rows=4096))
    runs = steps_to_target.runs(found, [0.9])
    fit = costs.critical(0.9, runs, steps_to_target.sizes(runs, found, {}))
    assert fit["left_out"] == [2, 4096]
    assert (fit["runs"], [one.batch_size for one in fit["departures"]]) == (12, [64, 256, 1024, 2048])
    assert fit["batch_size"].value == pytest.approx(64, rel=0.1) and fit["scatter"] == 1
    assert fit["updates_min"].value == pytest.approx(40, rel=0.05)
    assert fit["regimes"]["2"] == "perfect scaling" and fit["regimes"]["4096"] == "maximal data parallelism"


# The files


def test_the_files_of_a_study_explain_their_columns(tmp_path) -> None:
    made = fabricated.study([5, 10, 20, 40], [0.25, 0.5]).model_copy(update={"targets": [0.8]})
    found = read(made, lambda run: fabricated.random_result(run, made), tmp_path)
    measured = pd.DataFrame({"batch_size": [5, 10, 20, 40], "dtype": "float32", "purpose": "grid"}).assign(
        step_seconds=lambda table: 1e-3 + 1e-5 * table["batch_size"],
        epoch_seconds=lambda table: 40 / table["batch_size"] * 1e-3 + 4e-4,
        compile_seconds=1.0,
        memory_peak_bytes=lambda table: 1e9 + 1e6 * table["batch_size"],
        status="ok",
    )
    profile = SimpleNamespace(
        machine={"device": "made up"},
        doubling=pd.DataFrame(
            {"batch_size": [80, 160], "status": ["fits", "out_of_memory"], "memory_peak_bytes": [1.08e9, np.nan]}
        ),
    )
    tables_of = fabricated.files(made, lambda run: fabricated.random_result(run, made))
    stage_outputs.write(tmp_path / "tables", tables_of)
    results = study_tables.read(tmp_path / "tables")
    edges = {"learning_rate": [1.0, 2.0, 4.0, 8.0], "grid_edge": ["", "", "", "highest"]}
    results = replace(results, batch_sizes=results.batch_sizes.assign(**edges))
    written = costs.files(made, equal_budgets.of_study(made, 40, ACCURACY, found), results, profile, measured)
    stage_outputs.write(tmp_path / "costs", written)
    columns = pd.read_csv(tmp_path / "costs/columns.csv")
    for name in ("budgets", "targets", "target_runs", "advice"):
        table = pd.read_csv(tmp_path / "costs" / f"{name}.csv")
        assert list(table) == columns.loc[columns["table"].eq(name), "column"].tolist()
    fits = json.loads(written["fits.json"])
    assert fits["time"]["overhead"]["value"] == pytest.approx(1e-3)
    assert fits["time"]["knee"]["value"] == pytest.approx(100)
    assert fits["memory"]["row"]["value"] == pytest.approx(1e6)
    assert fits["largest_batch_size"] == {"fits": 80, "out_of_memory": 160}
    assert fits["learning_rate_law"]["exponent"]["value"] == pytest.approx(1)
    assert fits["learning_rate_law"]["left_out"] == 1
    assert fits["learning_rate_law"]["batch_size"]["high"] is None  # in proportion, as far as three batch sizes say
