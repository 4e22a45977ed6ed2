"""A process computes with one engine, which it takes before Keras is imported."""

import importlib

import pytest

from batchwise.common.errors import UserError
from batchwise.runtime import device, engine

OTHER = {"tensorflow": "jax", "jax": "tensorflow"}


def test_a_process_that_is_configured_has_its_engine_and_imports_no_other() -> None:
    device.configure()
    assert importlib.import_module("keras").backend.backend() == engine.used()
    other = OTHER[engine.used()]
    with pytest.raises(UserError, match=f"computes with {engine.used()}, and a study asks for {other}"):
        importlib.import_module(f"batchwise.runtime.{other}")
