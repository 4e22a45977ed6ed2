"""The statistic of a study: of made-up evaluations, and in the words of every table and page that has it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from batchwise.analysis import columns, last_epochs, run_metrics
from batchwise.config.study import LAST_EPOCHS
from tests import fabricated
from tests.fabricated import METRICS, STATISTICS

VALUES = arrays("float64", array_shapes(min_dims=1, max_dims=3, max_side=8), elements=st.floats(-1e9, 1e9))


@given(VALUES)
def test_the_last_epoch_is_the_last_evaluation_to_the_bit(values: np.ndarray) -> None:
    assert np.array_equal(last_epochs.result(values, "last_epoch"), values[..., -1])


@given(VALUES)
def test_the_median_is_that_of_numpy(values: np.ndarray) -> None:
    found = last_epochs.result(values, "median_of_last_5_epochs")
    assert np.array_equal(found, np.median(values[..., -5:], axis=-1))


@given(arrays("float64", st.tuples(st.integers(1, 4), st.just(1)), elements=st.floats(-1e9, 1e9)), STATISTICS)
def test_one_epoch_is_its_own_result(values: np.ndarray, statistic: str) -> None:
    assert np.array_equal(last_epochs.result(values, statistic), values[:, 0])


@given(VALUES, STATISTICS, st.integers(0, 20))
def test_evaluations_before_the_last_ones_do_not_matter(values: np.ndarray, statistic: str, more: int) -> None:
    last = values[..., -LAST_EPOCHS[statistic] :]
    if last.shape[-1] == LAST_EPOCHS[statistic]:
        before = np.full((*last.shape[:-1], more), np.inf)
        longer = np.concatenate([before, last], axis=-1)
        assert np.array_equal(last_epochs.result(longer, statistic), last_epochs.result(last, statistic))


@given(STATISTICS)
def test_without_an_evaluation_there_is_no_result(statistic: str) -> None:
    found = last_epochs.result(np.empty((2, 3, 0)), statistic)
    assert found.shape == (2, 3) and np.isnan(found).all()


@pytest.mark.parametrize(
    ("statistic", "words"),
    [("last_epoch", "value at the last epoch"), ("median_of_last_5_epochs", "median of the last 5 epochs")],
)
def test_the_words_are_those_of_the_statistic(statistic: str, words: str) -> None:
    assert last_epochs.words(statistic) == words
    texts = columns.columns(METRICS, statistic)
    for metric in METRICS:
        assert words in texts[metric.column("test")]
        same = f"the same as {metric.column('test')}" in texts[metric.column("test", "final")]
        assert same == (statistic == "last_epoch")


def test_the_runs_of_a_study_are_those_of_the_other_statistic(tmp_path: Path) -> None:
    one, other = (fabricated.study([2, 8], [0.25], statistic=statistic) for statistic in LAST_EPOCHS)
    fabricated.write_runs(tmp_path, one, lambda run: fabricated.random_result(run, one))
    found = (run_metrics.read(tmp_path, "made_up", made, fabricated.MANIFEST) for made in (one, other))
    here, there = ({run: each.sha256 for run, each in by_run.items()} for by_run in found)
    assert here == there


@given(STATISTICS, st.sampled_from([{"epochs": 7}, {"updates": 30}, {"updates": 60}]))
def test_tables_follow_the_statistic_and_say_so(statistic: str, budget: dict[str, int]) -> None:
    made = fabricated.study([2, 8, 1000], [0.25], seeds=2, budget=budget, statistic=statistic)
    found = fabricated.tables(made, lambda run: fabricated.random_result(run, made))
    number = LAST_EPOCHS[statistic]
    for row in found["runs"].to_dict("records"):
        curve = found["curves"].query(f"batch_size == {row['batch_size']} and seed == {row['seed']} and epoch > 0")
        for name in ("validation_accuracy", "test_loss"):
            assert row[name] == pytest.approx(np.median(curve[name].tail(number)), rel=1e-6)
    epochs = {m: min(7, budget.get("epochs", 7)) for m in (2, 8, 1000)}
    if "updates" in budget:
        epochs = {m: -(-budget["updates"] // -(-40 // min(m, 40))) for m in epochs}
    shorter = {str(m): length for m, length in epochs.items() if length < number}
    assert found["summary"]["statistic"] == {"name": statistic, "shorter": shorter}
