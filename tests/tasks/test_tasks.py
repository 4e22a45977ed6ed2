"""Every task: its metrics, its outputs, and the values of rows against NumPy."""

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.data import task
from batchwise.data.task import LOSS
from tests.reference import correct, losses

REFERENCES = {"accuracy": correct, LOSS: lambda logits, labels: losses(logits, labels)[0]}
TASKS = plugins.names("tasks")


@pytest.mark.parametrize("name", TASKS)
def test_the_loss_is_a_metric_and_names_are_unique(name) -> None:
    found = task.load(name)
    names = [metric.name for metric in found.metrics]
    assert len(set(names)) == len(names) and all(map(str.isidentifier, names))
    assert found.metric(LOSS).values is found.loss
    assert found.metric() is found.metrics[0]


@pytest.mark.parametrize(("name", "metric"), [(name, one.name) for name in TASKS for one in task.load(name).metrics])
def test_the_values_of_rows_are_those_of_numpy(name, metric) -> None:
    classes = 2 if name.startswith("binary") else 4
    random = np.random.default_rng(0)
    logits = 3 * random.standard_normal((50, task.load(name).outputs(classes)))
    labels = random.integers(classes, size=50).astype("int32")
    found = np.asarray(task.load(name).metric(metric).values(labels, logits))
    expected = REFERENCES[metric](logits, labels)
    assert found.shape == (50,) and (found.dtype == bool) == (expected.dtype == bool)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
