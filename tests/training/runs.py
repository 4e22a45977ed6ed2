"""What the tests of training train: small data sets and recipes, and how their results are compared."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data import prepared, stored_arrays
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.runtime import engine
from batchwise.training import evaluation_rows, run_result, streamed_rows
from batchwise.training.run_result import RunResult

ROWS = 40
# Relative to the largest entry of a tensor. Measured after 15 updates: 5e-16 and 3e-7.
TOLERANCE = {"float64": 1e-13, "float32": 1e-5}
# Keras rounds an optimiser's constants to float32, also in float64, so tests use constants that are exact in it.
ADAM = {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10}
MUCH = {"accumulation": 2, "schedule": {"warm_up": 0.5}, "weight_decay": 0.01}  # of what a recipe may have


def data_set(rows=ROWS, *, classes=3, validation=11, test=9, shape=(6,)) -> DataSet:
    """Return random inputs, and labels that depend on them."""
    random = np.random.default_rng(classes)

    def part(size):
        inputs = random.normal(size=(size, *shape)).astype("float32")
        signal = inputs.reshape(size, np.prod(shape))[:, 0] + 0.3 * random.normal(size=size)
        return Split(inputs, np.searchsorted(np.linspace(-0.7, 0.7, classes - 1), signal).astype("int32"))

    task = "binary_classification" if classes == 2 else "multiclass_classification"
    description = Description("random", task, "none", "none")
    return DataSet(description, tuple(map(str, range(classes))), *map(part, (rows, validation, test)))


def parts_of(data: DataSet) -> list[tuple[str, Split]]:
    """Return the names and the rows of the parts."""
    return [(name, getattr(data, name)) for name in SPLITS]


def image_data_set() -> DataSet:
    """Return random images, as bytes."""
    data = data_set(shape=(4, 3, 2))
    parts = [Split(np.uint8(128 + 40 * part.inputs.clip(-3, 3)), part.labels) for _, part in parts_of(data)]
    return DataSet(data.description, data.class_names, *parts, np.float32([120, 130]), np.float32([50, 30]))


def streamed(data: DataSet, folder: Path) -> DataSet:
    """Return the data set as it is read from disk."""
    prepared.save(data, folder, "one", {"streamed": True})
    found = prepared.load(folder, "one")
    assert found.is_streamed
    return found


def with_small_chunks(monkeypatch: Any) -> None:
    """Let there be several shards, chunks and batches of evaluation, with a rest of each."""
    monkeypatch.setattr(stored_arrays, "SHARD_BYTES", 500)
    monkeypatch.setattr(streamed_rows, "CHUNK_BYTES", 700)
    monkeypatch.setattr(evaluation_rows, "together", lambda model, lanes=1: 16)


def recipe(optimizer="sgd", dtype="float32", budget=None, hidden_units=(5,), **options) -> Recipe:
    named = (
        "lanes",
        "schedule",
        "weight_decay",
        "augmentation",
        "accumulation",
        "task",
        "class_weights",
        "scores_every",
    )
    how = {name: options.pop(name) for name in named if name in options}
    own = {"weight_decay": options.pop("decoupled")} if "decoupled" in options else {}
    return Recipe.model_validate(
        {
            "model": {"name": "mlp", "hidden_units": [*hidden_units]},
            "optimizer": {"name": optimizer, **options, **own},
            "budget": budget or {"epochs": 3},
            "dtype": dtype,
            "engine": engine.used(),
            **how,
        }
    )


def content(result: RunResult) -> bytes:
    return run_result.dump(result, {})


def assert_close(actual: Iterable, expected: Iterable, dtype: str) -> None:
    """Assert that arrays are equal to the rounding of a type."""
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype] * np.abs(other).max())
