"""What is sent to workers of a study's data: enough to find them, and to see that they are the same."""

import os
import pickle
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.config.recipe import TaskChoice
from batchwise.config.study import Study, Subset
from batchwise.data import loading, local_files, prepared
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.local_files import LocalFile

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


def save(folder, asked: Subset | None = None, seed: int = 0, weights: LocalFile | None = None) -> None:
    """Write a data set, and what the study `one` takes of it."""
    random = np.random.default_rng(seed)
    splits = [
        Split(random.normal(size=(n, 50)).astype("float32"), np.arange(n, dtype="int32") % 2) for n in (600, 60, 90)
    ]
    data = DataSet(DESCRIPTION, ("no", "yes"), *splits)
    prepared.save(data, folder, "small", {})
    prepared.save_part(loading.part(data, asked), folder, "one", {}, {}, weights)


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


def test_weights_at_the_start_are_found_from_any_folder_and_are_those_that_were_seen(tmp_path, monkeypatch) -> None:
    (tmp_path / "start.npz").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    save(Path("prepared"), weights=local_files.now({"start": "start.npz"})["start"])
    located = pickle.loads(pickle.dumps(loading.locate(Path("prepared"), "one", Study.model_validate(STUDY))))
    monkeypatch.chdir(os.sep)
    assert located.start().read_bytes() == b"weights"
    (tmp_path / "start.npz").write_bytes(b"others!")
    with pytest.raises(UserError, match=r"start.npz has changed since DVC looked at it; run .*file@start"):
        located.start()
    (tmp_path / "start.npz").unlink()
    with pytest.raises(UserError, match=r"start.npz has changed since DVC looked at it"):
        located.start()


def test_other_data_at_the_same_place_are_refused(tmp_path) -> None:
    save(tmp_path)
    located = loading.locate(tmp_path, "one", Study.model_validate(STUDY))
    save(tmp_path, seed=1)
    with pytest.raises(UserError, match=r"small has other data in .*; use the same files everywhere"):
        located.load()


# {task: (the kind of its labels, some, their names)}
LABELS = {
    "binary_classification": ("classes", np.arange(6) % 2, ("no", "yes")),
    "multiclass_classification": ("classes", np.arange(6) % 3, ("low", "middle", "high")),
    "multilabel_classification": ("flags", np.eye(6, 2, dtype="int32"), ("one", "two")),
    "regression": ("numbers", np.arange(6) + 0.5, ()),
    "count_regression": ("counts", np.arange(6), ()),
}
NUMERIC = {"numbers", "counts"}  # which may stand for each other


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        pair
        for pair in permutations(LABELS, 2)
        if len(kinds := {LABELS[each][0] for each in pair}) == 2 and kinds != NUMERIC
    ],
)
def test_a_task_is_for_labels_of_its_kind(name, asked) -> None:
    found, labels, names = LABELS[name]
    description = Description("title", name, "source", "licence")
    data = DataSet(description, names, *[Split(np.arange(6.0).reshape(6, 1), labels) for _ in range(3)])
    with pytest.raises(UserError) as told:
        loading.part_of("one", data, None, TaskChoice(name=asked))
    said = f"studies.one: the task {asked} is for {LABELS[asked][0]}; labels of the data set are {found}: leave task"
    assert str(told.value).startswith(said)


def test_counts_may_be_learnt_as_numbers() -> None:
    _, labels, names = LABELS["count_regression"]
    description = Description("title", "count_regression", "source", "licence")
    data = DataSet(description, names, *[Split(np.arange(6.0).reshape(6, 1), labels) for _ in range(3)])
    assert loading.part_of("one", data, None, TaskChoice(name="regression")).task.labels.kind == "numbers"
