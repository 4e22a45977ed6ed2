"""What is sent to workers of a study's data: enough to find them, and to see that they are the same."""

import os
import pickle

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.config.params import Study, Subset
from batchwise.data import loading, prepared
from batchwise.data.dataset import DataSet, Description, Split

DESCRIPTION = Description("title", "binary_classification", "source", "licence")
STUDY = {
    "data_set": "small",
    "model": {"name": "mlp", "hidden_units": [2]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 1},
    "learning_rate_scaling": "none",
    "grid": {"batch_sizes": [2], "base_learning_rates": [0.5], "seeds": 1},
}
SUBSET = {"train_rows": 100, "validation_rows": 20, "test_rows": 30, "seed": 3}


def save(folder, asked: Subset | None = None, seed: int = 0) -> None:
    """Write a data set, and what the study `one` takes of it."""
    random = np.random.default_rng(seed)
    splits = [
        Split(random.normal(size=(n, 50)).astype("float32"), np.arange(n, dtype="int32") % 2) for n in (600, 60, 90)
    ]
    data = DataSet(DESCRIPTION, ("no", "yes"), *splits)
    prepared.save(data, folder, "small", {})
    prepared.save_part(loading.part(data, asked), folder, "one", {}, {})


@pytest.mark.parametrize("subset", [None, SUBSET])
def test_data_are_found_from_any_folder_and_are_not_sent(tmp_path, monkeypatch, subset) -> None:
    study = Study.model_validate({**STUDY, "subset": subset})
    save(tmp_path / "prepared", study.subset)
    monkeypatch.chdir(tmp_path)
    located = loading.locate(tmp_path / "prepared", "one", study)
    sent = pickle.dumps(located)
    monkeypatch.chdir(os.sep)
    data = pickle.loads(sent).load()
    expected = loading.load(tmp_path / "prepared", study)
    assert located.sha256 == data.sha256 == expected.sha256
    assert located.rows == data.rows == ({"train": 100, "validation": 20, "test": 30} if subset else expected.rows)
    assert located.task == "binary_classification"
    assert len(sent) < 2000 < data.train.inputs.nbytes


def test_other_data_at_the_same_place_are_refused(tmp_path) -> None:
    save(tmp_path)
    located = loading.locate(tmp_path, "one", Study.model_validate(STUDY))
    save(tmp_path, seed=1)
    with pytest.raises(UserError, match=r"small has other data in .*; use the same files everywhere"):
        located.load()
