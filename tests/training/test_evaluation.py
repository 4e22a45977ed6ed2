"""The evaluation: every metric of the task, on rows of any number."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from batchwise.config.recipe import Recipe
from batchwise.data import task
from batchwise.data.dataset import SPLITS
from batchwise.data.task import LOSS, Scale, Task, TaskMetric
from batchwise.runtime.keras import keras
from batchwise.training import calls, evaluation_rows, trainers
from tests.reference import activations
from tests.training.runs import ROWS, assert_close, data_set, recipe


def test_every_metric_of_the_task_is_evaluated(monkeypatch) -> None:
    """Two metrics of which the trainer knows nothing: one that is true or false of a row, and one that is a number."""
    about = {"description": "", "higher_is_better": True, "baseline": lambda labels: 0.0}
    first = TaskMetric(name="first", values=lambda labels, logits: keras.ops.argmax(logits, -1) == 0, **about)
    largest = TaskMetric(name="largest", values=lambda labels, logits: keras.ops.max(logits, -1), **about)
    real = task.load("multiclass_classification")
    metrics = (first, *real.metrics[:2], largest)
    monkeypatch.setattr(task, "load", lambda name, options=None: replace(real, metrics=metrics))
    data = data_set()
    result = trainers.load(data, recipe(dtype="float64")).run(12, 0.05, seed=7)
    assert list(result.metrics) == [metric.name for metric in metrics]
    assert {values.shape for values in result.metrics.values()} == {(4, 3)}
    for column, split in enumerate(SPLITS):
        logits = activations(list(result.weights.values()), getattr(data, split).inputs.astype("float64"))[-1]
        assert result.metrics["first"][-1, column] == (logits.argmax(1) == 0).sum() / len(logits)
        np.testing.assert_allclose(result.metrics["largest"][-1, column], logits.max(1).mean(), rtol=1e-12)


TYPES = ("bool", "int8", "uint8", "int32", "int64", "float32", "float64", "bfloat16")


def of_type(dtype: str) -> tuple[TaskMetric, TaskMetric, TaskMetric]:
    """Return metrics whose values or predictions are of a type.

    The places by which classes are missed, by rows and by a score of all rows, and whether the first output is above 0.
    """

    def missed(labels: Any, logits: Any) -> Any:
        return keras.ops.cast(abs(labels - keras.ops.cast(keras.ops.argmax(logits, -1), "int32")), dtype)

    def of_all(labels: np.ndarray, predictions: np.ndarray) -> float:
        return float(abs(labels - predictions).astype(np.bool_ if dtype == "bool" else "float64").mean())

    def classes(logits: Any) -> Any:
        return keras.ops.argmax(logits, -1)

    about = {"description": "", "higher_is_better": False, "baseline": lambda labels: 1.0}
    return (
        TaskMetric(name=f"of_rows_{dtype}", values=missed, **about),
        TaskMetric(name=f"scored_{dtype}", predictions=classes, score=of_all, **about),
        TaskMetric(
            name=f"typed_{dtype}",
            predictions=lambda logits: keras.ops.cast(logits[:, 0] > 0, dtype),
            score=lambda labels, found: float(found.astype("float64").mean()),
            **about,
        ),
    )


def test_values_and_predictions_may_have_any_type(monkeypatch) -> None:
    """Of rows that are right, and of the places by which classes are missed: the same mean, by rows and by scores."""
    real = task.load("multiclass_classification")
    metrics = (*real.metrics[:2], *(metric for dtype in TYPES for metric in of_type(dtype)))
    monkeypatch.setattr(task, "load", lambda name, options=None: replace(real, metrics=metrics))
    data = data_set()
    result = trainers.load(data, recipe(dtype="float64")).run(12, 0.05, seed=7)
    logits = activations(list(result.weights.values()), data.test.inputs.astype("float64"))[-1]
    for dtype in TYPES:
        of_rows, scored, typed = (result.metrics[f"{kind}_{dtype}"] for kind in ("of_rows", "scored", "typed"))
        np.testing.assert_allclose(of_rows, scored, rtol=1e-12, err_msg=dtype)
        assert typed[-1, 2] == (logits[:, 0] > 0).mean(), dtype


def test_more_rows_than_are_evaluated_together(monkeypatch) -> None:
    """Splits of several evaluation batches with a rest, of whole ones, and of less than one."""
    data = data_set(rows=30, validation=21, test=6)
    whole = trainers.load(data, recipe(dtype="float64", budget={"epochs": 1})).run(30, 0.1, 0)
    monkeypatch.setattr(evaluation_rows, "EVALUATION_ROWS", 7)
    pieces = trainers.load(data, recipe(dtype="float64", budget={"epochs": 1})).run(30, 0.1, 0)
    assert_close([pieces.metrics["loss"]], [whole.metrics["loss"]], "float64")
    np.testing.assert_array_equal(pieces.metrics["accuracy"], whole.metrics["accuracy"])


def test_without_validation_rows_their_metrics_are_not_numbers() -> None:
    result = trainers.load(data_set(validation=0), recipe(budget={"epochs": 1})).run(ROWS, 0.1, 0)
    assert list(result.metrics) == ["accuracy", "loss", "balanced_accuracy", "macro_f1"]
    for values in result.metrics.values():
        assert np.isnan(values[:, 1]).all()
        assert np.isfinite(values[:, [0, 2]]).all()


# Scores of all predictions


def classes_of(logits: Any) -> Any:
    return keras.ops.argmax(logits, -1)


def shares(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the share of rows that are right, and of those that are not."""
    right = float((labels == predictions).mean())
    return np.array([right, 1 - right])


def without_each(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the share of rows that are right without each row."""
    right = (labels == predictions).astype("float64")
    return (right.sum() - right) / (len(right) - 1)


def use_scores(monkeypatch, score=shares) -> Task:
    """Let the task have two metrics that one score gives, of which the first chooses; return it."""
    about = {"description": "", "baseline": lambda labels: 0.5, "predictions": classes_of, "score": score}
    right = TaskMetric(
        name="hits", reduce=lambda found: found[0], without_each=without_each, higher_is_better=True, **about
    )
    wrong = TaskMetric(name="misses", reduce=lambda found: found[1], higher_is_better=False, **about)
    real = task.load("multiclass_classification")
    found = replace(real, metrics=(right, wrong, *real.metrics[:2]))
    monkeypatch.setattr(task, "load", lambda name, options=None: found)
    return found


def test_a_score_that_metrics_share_is_computed_once(monkeypatch) -> None:
    """Of three parts, at the start and after each of three epochs."""
    calls = []

    def counted(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        calls.append(len(labels))
        return shares(labels, predictions)

    use_scores(monkeypatch, counted)
    result = trainers.load(data_set(), recipe(dtype="float64"), "accuracy").run(12, 0.05, seed=7)
    assert calls == [ROWS, 11, 9] * 4
    np.testing.assert_allclose(result.metrics["hits"], result.metrics["accuracy"], rtol=1e-12)
    np.testing.assert_allclose(result.metrics["misses"], 1 - result.metrics["accuracy"], rtol=1e-12)


@pytest.mark.parametrize("rows_per_call", [2**16, ROWS])
@pytest.mark.parametrize(("every", "scored"), [(1, range(8)), (3, [3, 6, 7]), (7, [7]), (100, [7])])
def test_scores_are_of_every_so_many_epochs_and_of_the_last(every, scored, rows_per_call, monkeypatch) -> None:
    """Whether a call trains all epochs or one; the loss is evaluated after each."""
    monkeypatch.setattr(calls, "ROWS_PER_CALL", rows_per_call)
    use_scores(monkeypatch)
    result = trainers.load(data_set(), recipe(budget={"epochs": 7}, scores_every=every)).run(12, 0.05, seed=7)
    known = ~np.isnan(result.metrics["hits"])
    assert [*np.flatnonzero(known.all(axis=1))] == [*np.flatnonzero(known.any(axis=1))] == [*scored]
    assert np.isfinite(result.metrics[LOSS]).all()
    np.testing.assert_allclose(result.metrics["hits"][[*scored]], result.metrics["accuracy"][[*scored]], rtol=1e-6)


def test_what_rows_add_to_a_score_that_is_a_mean_are_their_values(monkeypatch) -> None:
    """The jackknife's pseudo-values (Efron 1982, chapter 2); of the metric that chooses alone."""
    use_scores(monkeypatch)
    data = data_set()
    result = trainers.load(data, recipe(dtype="float64")).run(12, 0.05, seed=7)
    logits = activations(list(result.weights.values()), data.test.inputs.astype("float64"))[-1]
    np.testing.assert_allclose(result.by_row["hits"], logits.argmax(axis=1) == data.test.labels, atol=1e-6)
    np.testing.assert_allclose(result.by_row["hits"].mean(), result.metrics["hits"][-1, 2], rtol=1e-6)
    assert [*result.by_row] == ["accuracy", "loss", "hits"] and not result.predictions.size
    other = trainers.load(data, recipe(dtype="float64"), "accuracy").run(12, 0.05, seed=7)
    assert [*other.by_row] == ["accuracy", "loss"]


def test_pseudo_values_have_the_spread_of_a_mean_and_are_none_of_diverged_weights(monkeypatch) -> None:
    metric, random = use_scores(monkeypatch).metrics[0], np.random.default_rng(0)
    labels, predictions = random.integers(3, size=(2, 500))
    added = metric.added(labels, predictions, Scale())
    right = labels == predictions
    np.testing.assert_allclose([added.mean(), added.std()], [right.mean(), right.std()], rtol=1e-9)
    assert np.isnan(metric.added(labels, np.where(right, np.nan, predictions), Scale())).all()


def test_convolutions_of_as_many_rows_as_are_evaluated_together_or_a_multiple(monkeypatch) -> None:
    """None are left over then, and TensorFlow convolves no rows that a layer has made an image."""
    monkeypatch.setattr(evaluation_rows, "EVALUATION_IMAGES", 30)
    data, network = data_set(shape=(16,)), {"name": "cnn", "channels": 2, "normalization": "none"}
    how = Recipe.model_validate(recipe().model_dump() | {"model": network})
    assert sum(data.rows.values()) == 60
    found = trainers.load(data, how).run(12, 0.05, seed=7)
    monkeypatch.setattr(evaluation_rows, "EVALUATION_IMAGES", 32)
    expected = trainers.load(data, how).run(12, 0.05, seed=7)
    assert found.status == "ok"
    np.testing.assert_allclose(found.metrics[LOSS], expected.metrics[LOSS], rtol=1e-5)
