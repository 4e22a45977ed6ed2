"""Every task is trained: a network learns what its labels say, twice to the same bits, whatever metric is recorded."""

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.data import task
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.metric import LOSS, Metric
from batchwise.data.prepared import metrics_on
from batchwise.data.task import Scale
from batchwise.training import trainers
from tests.training.runs import recipe

pytestmark = pytest.mark.usefixtures("without_xla")
ROWS = (300, 60, 90)
OPTIONS: dict[str, list[dict]] = {
    **{name: [{}] for name in plugins.names("tasks") if name not in ("language_modelling", "detection")},  # see there
    "regression": [{}, {"loss": "absolute"}, {"loss": "huber", "delta": 0.5}],
}
CASES = [(name, options) for name, all_options in OPTIONS.items() for options in all_options]
NAMES = {"classes": ("no", "yes", "maybe"), "flags": ("small", "red", "round")}


def made(name: str) -> DataSet:
    """Return rows whose labels follow from their inputs, but for some noise."""
    kind, random = task.load(name).labels.kind, np.random.default_rng(0)
    inputs = random.normal(size=(sum(ROWS), 3)).astype("float32")
    signal = inputs @ np.array([[1.0, -1.0, 0.5], [0.5, 1.0, -1.0], [-1.0, 0.5, 1.0]])
    labels = {
        "classes": signal.argmax(axis=1).astype("int32"),
        "flags": (signal > 0.3).astype("uint8"),
        "numbers": 1000 + 50 * signal[:, 0] + random.normal(size=len(inputs)),
        "counts": random.poisson(np.exp(0.5 + 0.7 * signal[:, 0])),
    }[kind]
    names = NAMES.get(kind, ())
    if name == "binary_classification":
        labels, names = (signal[:, 0] > 0).astype("int32"), names[:2]
    ends = np.cumsum(ROWS)[:-1]
    parts = [Split(*part) for part in zip(np.split(inputs, ends), np.split(labels, ends), strict=True)]
    return DataSet(Description("made up", name, "here", "CC0", "mm"), names, *parts)


def facts(data: DataSet, options: dict) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics_on(task.load(data.description.task, options), data)}


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_network_learns_and_metrics_are_in_the_unit_of_the_target(name, options) -> None:
    data, known = made(name), facts(made(name), options)
    chosen = recipe("adam", budget={"epochs": 40}, task={"name": name, **options})
    result = trainers.load(data, chosen).run(32, 0.02, seed=0)
    assert result.status == "ok" and {*result.metrics} == {each for each, of in known.items() if not of.if_named}
    for metric, values in result.metrics.items():
        ahead = known[metric].sign * (values[-1] - known[metric].baseline)
        assert (ahead > known[metric].learned).all(), metric
    for metric, values in result.by_row.items():
        np.testing.assert_allclose(values.mean(dtype="float64"), result.metrics[metric][-1, 2], rtol=2e-4, atol=1e-6)
        assert values.shape == (len(data.test.labels),)
    assert {"loss"} <= {*result.by_row} <= {*result.metrics}
    if name == "regression":  # the noise has a standard deviation of 1 mm, the target one of 75
        assert 1 < result.metrics["rmse"][-1, 2] < 20 and 60 < known["rmse"].baseline < 90
    if data.class_names:
        assert result.by_class["recall"].shape == (3, len(data.class_names))


@pytest.mark.parametrize("name", [name for name in plugins.names("tasks") if "classification" in name])
def test_what_is_recorded_because_it_is_named_changes_no_weight(name) -> None:
    data, known = made(name), facts(made(name), {})
    chosen = recipe("adam", budget={"epochs": 10})
    without = trainers.load(data, chosen).run(32, 0.04, seed=0)
    for metric in ("roc_auc", "average_precision", "brier_score"):
        naming = trainers.load(data, chosen, metric)
        with_it, again = (naming.run(32, 0.04, seed=0) for _ in range(2))
        assert {*with_it.metrics} - {*without.metrics} == {metric}
        ahead = known[metric].sign * (with_it.metrics[metric][-1] - known[metric].baseline)
        assert (ahead > known[metric].learned).all(), metric
        for key, values in with_it.metrics.items():
            assert values.tobytes() == again.metrics[key].tobytes()
        for key, values in without.weights.items():
            assert values.tobytes() == with_it.weights[key].tobytes()


def test_a_split_without_rows_has_no_metric() -> None:
    for name in OPTIONS:
        data = made(name)
        none = DataSet(
            data.description, data.class_names, data.train, data.validation.take(np.array([], int)), data.test
        )
        result = trainers.load(none, recipe(budget={"epochs": 1})).run(32, 0.01, seed=0)
        assert all(np.isnan(values[:, 1]).all() for values in result.metrics.values())
        assert np.isfinite(result.metrics[LOSS][:, [0, 2]]).all()


@pytest.mark.parametrize("name", ["rmse", "r2", "mae"])
def test_what_a_row_adds_to_a_metric_is_what_the_jackknife_says(name) -> None:
    """Its pseudo-values are n·M − (n − 1)·M without the row (Efron 1982, chapter 2)."""
    random = np.random.default_rng(0)
    labels = random.normal(size=4000)
    metric, scale = task.load("regression").metric(name), Scale(std=3.0)
    outputs = (labels + random.normal(scale=0.5, size=4000))[:, None]
    values = np.asarray(metric.values(labels, outputs))
    whole = metric.of_means(values.mean(axis=0), scale)
    without = metric.of_means((values.sum(axis=0) - values) / 3999, scale)
    np.testing.assert_allclose(metric.by_row(values, scale), 4000 * whole - 3999 * without, rtol=0.02, atol=0.02)
