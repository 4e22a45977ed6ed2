"""The evaluation: every metric of the task, on rows of any number."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from batchwise.data import task
from batchwise.data.dataset import SPLITS
from batchwise.runtime.tensorflow import keras
from batchwise.training import evaluation
from batchwise.training.trainer import Trainer
from tests.reference import activations
from tests.training.runs import ROWS, assert_close, data_set, recipe


def test_every_metric_of_the_task_is_evaluated(monkeypatch) -> None:
    """Two metrics of which the trainer knows nothing: one that is true or false of a row, and one that is a number."""
    first = SimpleNamespace(name="first", values=lambda labels, logits: keras.ops.argmax(logits, -1) == 0)
    largest = SimpleNamespace(name="largest", values=lambda labels, logits: keras.ops.max(logits, -1))
    real = task.load("multiclass_classification")
    monkeypatch.setattr(task, "load", lambda name: replace(real, metrics=(first, *real.metrics, largest)))
    data = data_set()
    result = Trainer(data, recipe(dtype="float64")).run(12, 0.05, seed=7)
    assert list(result.metrics) == ["first", *(metric.name for metric in real.metrics), "largest"]
    assert {values.shape for values in result.metrics.values()} == {(4, 3)}
    for column, split in enumerate(SPLITS):
        logits = activations(list(result.weights.values()), getattr(data, split).inputs.astype("float64"))[-1]
        assert result.metrics["first"][-1, column] == (logits.argmax(1) == 0).sum() / len(logits)
        np.testing.assert_allclose(result.metrics["largest"][-1, column], logits.max(1).mean(), rtol=1e-12)


def test_more_rows_than_are_evaluated_together(monkeypatch) -> None:
    """Splits of several evaluation batches with a rest, of whole ones, and of less than one."""
    data = data_set(rows=30, validation=21, test=6)
    whole = Trainer(data, recipe(dtype="float64", budget={"epochs": 1})).run(30, 0.1, 0)
    monkeypatch.setattr(evaluation, "EVALUATION_ROWS", 7)
    pieces = Trainer(data, recipe(dtype="float64", budget={"epochs": 1})).run(30, 0.1, 0)
    assert_close([pieces.metrics["loss"]], [whole.metrics["loss"]], "float64")
    np.testing.assert_array_equal(pieces.metrics["accuracy"], whole.metrics["accuracy"])


def test_without_validation_rows_their_metrics_are_not_numbers() -> None:
    result = Trainer(data_set(validation=0), recipe(budget={"epochs": 1})).run(ROWS, 0.1, 0)
    assert list(result.metrics) == ["accuracy", "loss"]
    for values in result.metrics.values():
        assert np.isnan(values[:, 1]).all()
        assert np.isfinite(values[:, [0, 2]]).all()
