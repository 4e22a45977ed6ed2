"""A worker tries the model of a study out before any run."""

from types import SimpleNamespace

import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.execution import run_store
from batchwise.execution.workers import StudyPlugin
from batchwise.runtime.keras import keras
from tests.training.runs import data_set, recipe


def test_a_worker_tries_the_model_out(monkeypatch) -> None:
    def build(shape, outputs, hidden_units):
        last = keras.layers.Lambda(lambda values: keras.ops.maximum(values, 0))  # which only shows in the outputs
        return keras.Sequential([keras.Input(shape), keras.layers.Dense(outputs), last])

    load = plugins.load
    wrong = SimpleNamespace(build=build)
    monkeypatch.setattr(plugins, "load", lambda kind, name: wrong if kind == "models" else load(kind, name))
    data = SimpleNamespace(load=data_set, study=SimpleNamespace(recipe=recipe(), metric=None), start=lambda: None)
    monkeypatch.setattr(run_store, "inputs_of_study", lambda data: {})
    with pytest.raises(UserError, match="are never below 0"):
        StudyPlugin(data, {}).load_trainer()
