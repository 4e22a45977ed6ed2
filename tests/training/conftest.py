"""The engine is set as in training, before a test computes with it; a trainer, and any model for it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from batchwise.common import plugins
from batchwise.runtime.device import configure
from batchwise.training import trainers
from tests.training.runs import data_set, recipe

configure()


@pytest.fixture(scope="module")
def trainer() -> Any:
    return trainers.load(data_set(), recipe("rmsprop"))


@pytest.fixture
def use_model(monkeypatch) -> Callable:
    """Let the engine build the model that a function of (input shape, outputs) returns."""

    def use(build):
        module = SimpleNamespace(build=lambda shape, outputs, hidden_units: build(shape, outputs))
        load = plugins.load
        monkeypatch.setattr(plugins, "load", lambda kind, name: module if kind == "models" else load(kind, name))

    return use
