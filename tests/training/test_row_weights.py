"""Weights of rows and of classes: what a row counts in training, and that its metrics do not change by it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet, Split
from batchwise.training import row_weights, trainers
from tests.tasks.test_learning import made
from tests.training.runs import assert_close, data_set, recipe


def weighted(weights: np.ndarray) -> DataSet:
    data = data_set()
    return replace(data, train=Split(data.train.inputs, data.train.labels, weights=weights))


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    data = data_set()
    data = replace(
        data, train=data.train.take(np.flatnonzero(data.train.labels + np.arange(len(data.train.labels)) % 3))
    )
    expected = compute_sample_weight("balanced", data.train.labels)
    np.testing.assert_allclose(row_weights.of_training(data, "balanced"), expected, rtol=1e-12)


def test_without_weights_there_are_none() -> None:
    assert row_weights.of_training(data_set(), None) is None


@pytest.mark.parametrize("accumulation", [1, 3])
def test_a_row_that_counts_twice_is_as_two_rows(without_xla, accumulation) -> None:
    """One batch of all rows, so that it is the same batch: weights 1, 2 and 0 against rows once, twice and never."""
    data = data_set()
    weights = np.resize([1, 2, 0], len(data.train.labels))
    repeated = replace(data, train=data.train.take(np.repeat(np.arange(len(weights)), weights)))
    chosen = recipe(dtype="float64", budget={"updates": 5}, accumulation=accumulation)
    one = trainers.load(weighted(weights * 7.5), chosen).run(len(weights), 0.1, seed=0)
    other = trainers.load(repeated, chosen).run(len(repeated.train.labels), 0.1, seed=0)
    assert_close([*one.weights.values()], [*other.weights.values()], "float64")


def test_weights_decide_a_run_and_not_what_its_metrics_are_of() -> None:
    weights = np.linspace(0.1, 3, len(data_set().train.labels))
    start = [
        trainers.load(data, recipe(budget={"epochs": 1})).run(8, 0.1, 0) for data in (data_set(), weighted(weights))
    ]
    assert [values[0].tobytes() for values in start[0].metrics.values()] == [
        values[0].tobytes() for values in start[1].metrics.values()
    ]
    assert start[0].metrics["loss"][1, 0] != start[1].metrics["loss"][1, 0]


def test_balanced_is_for_classes_alone() -> None:
    for name in ("regression", "multilabel_classification"):
        with pytest.raises(UserError, match=r"class_weights: balanced is for labels that are classes; .* leave it out"):
            row_weights.of_training(made(name), "balanced")
