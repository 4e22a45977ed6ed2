"""Training with rows that are read from disk has the bits of training with the same rows in memory."""

from dataclasses import replace

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.config.recipe import Model
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.runtime import engine
from batchwise.runtime.keras import keras
from batchwise.training import model_trial, trainers
from tests.training.runs import content, data_set, image_data_set, recipe, streamed, with_small_chunks

ROWS = 101


def weighted() -> DataSet:
    data = data_set(rows=ROWS, classes=2)
    parts = [Split(part.inputs, part.labels, weights=1.0 + np.arange(len(part.labels)) % 3) for part in splits(data)]
    return replace(data, **dict(zip(SPLITS, parts, strict=True)))


def tokens() -> DataSet:
    random = np.random.default_rng(0)
    inputs = [random.integers(2, 30, size=(rows, 7), dtype="int32") for rows in (ROWS, 16, 32)]
    parts = [Split(one, (one[:, 0] > 12).astype("int32")) for one in inputs]
    return DataSet(Description("t", "binary_classification", "s", "l"), ("no", "yes"), *parts)


def splits(data: DataSet) -> list[Split]:
    return [getattr(data, name) for name in SPLITS]


class OfText:
    """An LSTM with dropout by rows."""

    @staticmethod
    def build(input_shape: tuple[int, ...], outputs: int) -> keras.Model:
        from batchwise.models import _dropout  # imports Keras, which has its engine by now

        inputs = keras.Input(input_shape, dtype="int32")
        values = keras.layers.Embedding(30, 4, mask_zero=True)(inputs)
        values = _dropout.RowDropout(0.5)(keras.layers.LSTM(5)(values))
        return keras.Model(inputs, keras.layers.Dense(outputs)(values))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch) -> None:
    with_small_chunks(monkeypatch)


CNN = Model(name="cnn", channels=2, normalization="batch", normalization_batch=20)
TEXT = Model.model_construct(name="of_text")
# {case: (data, recipe, metric, batch sizes)}: rests of a batch and of a chunk, one batch, a batch of more than a chunk
CASES = {
    "dense": (lambda: data_set(rows=ROWS), recipe("adam", budget={"epochs": 3}), None, (4, 60)),
    "weights, a score, a schedule, averages, updates in parts": (
        weighted,
        recipe(
            **{"dtype": "float64", "budget": {"updates": 18}, "accumulation": 3, "class_weights": "balanced"},
            **{"momentum": 0.9, "schedule": {"drops": [0.5]}, "ema_half_life": 30},
        ),
        "roc_auc",
        (10,),
    ),
    "tokens": (tokens, recipe("adam").model_copy(update={"model": TEXT}), None, (8,)),
    "images": (image_data_set, recipe("adam", augmentation={"pad": 1, "flip": True}), None, (3,)),
    "convolutions": (image_data_set, recipe().model_copy(update={"model": CNN}), None, (3, 25)),
    "convolutions in parts": (
        image_data_set,
        recipe(accumulation=2, augmentation={"pad": 1, "flip": True}).model_copy(update={"model": CNN}),
        None,
        (7,),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_runs_are_those_of_the_data_in_memory(case: str, tmp_path, monkeypatch) -> None:
    load = plugins.load
    monkeypatch.setattr(plugins, "load", lambda kind, name: OfText if name == "of_text" else load(kind, name))
    make, how, metric, batch_sizes = CASES[case]
    data = make()
    in_memory, from_disk = trainers.load(data, how, metric), trainers.load(streamed(data, tmp_path), how, metric)
    model_trial.check(from_disk)
    from_disk.compile_evaluation()
    for batch_size in batch_sizes:
        one, other = (trainer.run(batch_size, 0.01, seed=1) for trainer in (in_memory, from_disk))
        assert one.status == "ok"
        for name, weights in one.weights.items():
            np.testing.assert_array_equal(other.weights[name], weights, err_msg=f"{name} at {batch_size}")
        assert content(other) == content(one), batch_size


def test_a_measured_update_reads_its_rows_and_holds_the_chunks_of_a_run(tmp_path, without_xla) -> None:
    trainer = trainers.load(streamed(data_set(rows=ROWS), tmp_path), recipe())
    assert trainer.epochs_per_call == 1
    before = trainer.iterations
    trainer.rehearsal(4, 30, 1, room=2)(2)  # more rows than there are
    assert trainer.iterations == before + 62
    lanes = () if engine.used() == "tensorflow" else (1,)
    assert [np.size(labels) for _, labels, *_ in trainer.examples.chunks(10, *lanes)] == [20, 20]
