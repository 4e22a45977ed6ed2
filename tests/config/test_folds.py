"""The key folds: with which grids and data sets it can be, and what of a study it decides."""

import json

import pytest

from batchwise.common.errors import UserError
from batchwise.config import checked, grid, params

CSV = {"name": "csv", "file": "wine", "target": "quality", "task": "regression", "numbers": ["acid"]}
STUDY = {
    "data_set": "wine",
    "model": {"name": "mlp", "hidden_units": [8]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 4},
    "learning_rate_scaling": "none",
    "grid": {"batch_sizes": [4], "base_learning_rates": [0.1, 0.2], "seeds": 3},
}


def content(folds: object, *, split: dict | None = None, **changes) -> dict:
    data_set = {**CSV, **({"split": split} if split else {})}
    study = {**STUDY, "folds": folds, "grid": {**STUDY["grid"], **changes}}
    return {"files": {"wine": "wine.csv"}, "data_sets": {"wine": data_set}, "studies": {"one": study}}


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        (content(None), 0),
        (content(3), 0),
        (content(5, split={"groups": "bottle"}), 1),
        (content(100), 1),
        (content(2, base_learning_rates=[0.1], seeds=2), 0),
        (content(None, split={"order": "year"}, seeds=500), 0),
    ],
)
def test_folds_that_can_be_are_taken_with_a_note_if_not_all_are_tested(given: dict, notes: int) -> None:
    study = params.check(given).studies["one"]
    found = grid.notes(study, 10)
    assert len(found) == notes
    for note in found:
        assert (
            note == f"3 of {study.folds} folds are tested, one for each seed; {study.folds} seeds would test each row"
        )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (content(1), "studies.one.folds is 1"),
        (content(101), "studies.one.folds is 101"),
        (content(5.0), "studies.one.folds is 5.0"),
        (content(True), "studies.one.folds is True"),
        (
            content(5, seeds=6),
            "studies.one.folds: 6 seeds would test the rows of 5 folds more than once, which is no more evidence, and "
            "makes intervals too narrow; use 6 folds, or 5 seeds",
        ),
        (content(2, seeds=2), "no rows are left to choose one of 2 learning rates by; use 3 folds at least"),
        (
            content(5, split={"order": "year"}),
            "studies.one.folds: the data set wine is split by order in time, and folds would train on what comes after "
            "their test rows; leave folds out",
        ),
    ],
)
def test_folds_that_cannot_be_are_refused_in_a_line(given: dict, words: str) -> None:
    with pytest.raises(UserError) as error:
        params.check(given)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_preprocess_is_asked_for_folds_where_there_are_some() -> None:
    for folds in (None, 5):
        file = checked.files(params.check(content(folds)))[checked.DATA_SETS.as_posix()]
        assert json.loads(file)["studies"]["one"].get("folds") == folds
