"""The data set csv: a file, in the split that is asked for, and what of it cannot be."""

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config.recipe import check_options
from batchwise.data.csv.form import MISSING
from batchwise.data.dataset import DataSet

ROWS = 60
RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": RANDOM.normal(50, 9, ROWS).round(2),
        "mass": RANDOM.normal(1, 9, ROWS).round(2),
        "colour": RANDOM.choice(["red", "green", "blue"], ROWS),
        "patient": RANDOM.integers(12, size=ROWS),
        "day": pd.date_range("2026-01-01", periods=ROWS).strftime("%d.%m.%Y"),
        "part": ["train"] * 36 + ["VAL"] * 12 + ["Testing"] * 12,
        "weight": RANDOM.uniform(0, 3, ROWS).round(2),
        "number": np.arange(ROWS),
        "quality": np.array(["poor", "fair", "good"])[np.arange(ROWS) % 3],
    }
)
ASKED = {
    "target": "quality",
    "task": "multiclass_classification",
    "numbers": ["size", "number"],
    "categories": ["colour"],
    "test_rows": 15,
    "validation_rows": 12,
}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("wine.csv", index=False)


def prepared(**options: object) -> DataSet:
    asked = {"file": "wine.csv", **ASKED, **options}
    check_options("datasets", "csv", asked)
    paths = {name: Path(asked[name]) for name in ("file", "test_file") if name in asked}
    return plugins.load("datasets", "csv").prepare(**{**asked, **paths})


def rows_of(data: DataSet) -> list[list[int]]:
    """Return the rows of each part, which the second column of the inputs numbers."""
    inputs = [getattr(data, name).inputs[:, 1].astype("float64") for name in ("train", "validation", "test")]
    together = np.concatenate(inputs)
    order = (together - together.min()) / np.ptp(together) * (ROWS - 1)
    return [
        part.tolist() for part in np.split(order.round().astype(int), np.cumsum([len(part) for part in inputs])[:2])
    ]


def test_a_file_is_a_data_set() -> None:
    data = prepared()
    assert data.class_names == ("fair", "good", "poor")
    assert data.rows == {"train": 33, "validation": 12, "test": 15}
    assert data.train.inputs.shape == (33, 2 + 3)
    np.testing.assert_allclose(data.train.inputs[:, :2].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(data.train.inputs[:, :2].std(0), 1, rtol=1e-5)
    for name, rows in zip(("train", "validation", "test"), rows_of(data), strict=True):
        part = getattr(data, name)
        assert [data.class_names[label] for label in part.labels] == TABLE["quality"][rows].tolist()
        np.testing.assert_array_equal(part.inputs[:, 2:], pd.get_dummies(TABLE["colour"][rows]))
    assert [np.bincount(getattr(data, name).labels).tolist() for name in ("validation", "test")] == [[4] * 3, [5] * 3]
    assert prepared().sha256 == data.sha256 != prepared(seed=1).sha256


def test_however_a_file_is_written_it_is_the_same_data() -> None:
    known = prepared().sha256
    TABLE.to_csv("wine.csv", index=False, sep=";", decimal=",", encoding="utf-16", lineterminator="\r\n", quoting=1)
    assert prepared(separator=";", decimal=",", encoding="utf-16").sha256 == known


def test_groups_stay_together_and_the_latest_rows_are_for_the_test() -> None:
    train, validation, test = ({*TABLE["patient"][rows]} for rows in rows_of(prepared(split={"groups": "patient"})))
    assert train and validation and test and not (train & validation or train & test or validation & test)
    rows = rows_of(prepared(split={"order": "day"}))
    assert rows == [[*range(33)], [*range(33, 45)], [*range(45, 60)]]
    assert rows_of(prepared(split={"order": "number"})) == rows
    TABLE.assign(hour=TABLE["number"] / 2).to_csv("wine.csv", index=False, sep=";", decimal=",")
    assert rows_of(prepared(split={"order": "hour"}, separator=";", decimal=",")) == rows


def test_a_column_or_a_second_file_says_the_split() -> None:
    official = {"test_rows": 0, "validation_rows": 0}
    assert rows_of(prepared(split={"column": "part"}, **official)) == [[*range(36)], [*range(36, 48)], [*range(48, 60)]]
    TABLE[:40].to_csv("wine.csv", index=False)
    TABLE[40:].to_csv("test.csv", index=False)
    data = prepared(test_file="test.csv", test_rows=0, validation_rows=9)
    train, validation, test = rows_of(data)
    assert test == [*range(40, 60)] and sorted(train + validation) == [*range(40)] and len(validation) == 9
    by_group = rows_of(prepared(test_file="test.csv", test_rows=0, validation_rows=9, split={"groups": "patient"}))
    assert not {*TABLE["patient"][by_group[0]]} & {*TABLE["patient"][by_group[1]]}


def test_whole_numbers_of_a_test_file_with_missing_values_are_those_of_the_other() -> None:
    """pandas writes 1 as 1.0 in a column that has missing values: the same class, and the same code."""
    whole = pd.DataFrame({"size": np.arange(40) % 7, "code": np.arange(40) % 3, "kind": np.arange(40) % 2})
    whole.to_csv("wine.csv", index=False)
    part = whole[:20].astype({"code": float, "kind": float})
    part.loc[20] = [1, np.nan, 1]
    part.to_csv("test.csv", index=False)
    names = {"target": "kind", "numbers": ["size"], "categories": ["code"], "task": "binary_classification"}
    data = prepared(**names, test_file="test.csv", test_rows=0, validation_rows=0)
    assert data.class_names == ("0", "1")
    np.testing.assert_array_equal(data.test.labels[:20], data.train.labels[:20])
    np.testing.assert_array_equal(data.test.inputs[:20], data.train.inputs[:20])
    assert not data.test.inputs[20, 1:].any()


def test_rows_without_a_target_are_refused_or_left_out() -> None:
    table = TABLE.copy()
    table.loc[[3, 7], "quality"] = ["NA", ""]
    table.to_csv("wine.csv", index=False)
    with pytest.raises(UserError, match="the target is missing in 2 of 60 rows; write `missing_target: drop`"):
        prepared()
    assert sum(prepared(missing_target="drop").rows.values()) == 58
    table.loc[[3, 7, 8, 9], "quality"] = "NA"
    table.to_csv("wine.csv", index=False)
    assert "NA" in prepared(missing=[]).class_names


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"file": "wind.csv"}, "wind.csv cannot be read: No such file or directory"),
        ({"target": "qualty"}, "'qualty' is not a known column; allowed: .*; did you mean 'quality'"),
        ({"weights": "wait"}, "'wait' is not a known column"),
        ({"split": {"groups": "patients"}}, "'patients' is not a known column; .*; did you mean 'patient'"),
        ({"numbers": [], "categories": []}, "numbers and categories are empty; name the columns that are inputs"),
        ({"numbers": ["size", "quality"]}, "'quality' is in target and in numbers; it can be in one, once"),
        ({"numbers": ["size", "size"]}, "'size' is in numbers and in numbers"),
        ({"split": {"column": "colour"}}, "test_rows is 15, but the data say which rows are for the test"),
        ({"split": {"column": "colour"}, "categories": [], "test_rows": 0}, "split.column, 'colour': a row is in the"),
        ({"split": {"column": "part"}, "test_rows": 0}, "validation_rows is 12, and the column 'part' has 12 rows"),
        ({"split": {"column": "part"}, "test_rows": 0, "test_file": "wine.csv"}, "test_file and split.column, 'part'"),
        ({"test_rows": 0}, "test_rows is 0; give a number of rows, a test_file, or a column that says"),
        ({"split": {"order": "colour"}}, "split.order: 'colour' has 'red'; numbers or dates"),
        ({"split": {"order": "quality"}, "target": "part"}, "split.order: 'quality' has 'poor'"),
        (
            {"test_file": "wine.csv", "test_rows": 0, "validation_rows": 2},
            "2 of 60 rows cannot be set apart with all 3",
        ),
        ({"test_rows": 55}, "test_rows 55 .* leave too few of 60 rows"),
        ({"target": "number", "numbers": ["size"]}, "class '0', the smallest class, has 1 row; at least 3"),
        ({"task": "binary_classification"}, "'quality' has 3 values, .*; the task binary_classification is for 2"),
        ({"separator": ";"}, "wine.csv has one column"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, words) -> None:
    if "colour" in options.get("split", {}).values():
        options = {**options, "categories": []}
    with pytest.raises(UserError, match=words) as caught:
        prepared(**options)
    assert str(caught.value).isprintable()


def test_what_is_missing_by_default_is_what_files_have() -> None:
    default = inspect.signature(plugins.load("datasets", "csv").prepare).parameters["missing"].default
    assert tuple(default) == MISSING


def reviews(**options: object) -> DataSet:
    asked = {"numbers": [], "categories": [], "text": "review", "max_tokens": 4, "vocabulary": 30}
    return prepared(**asked | options)


def test_a_column_of_texts_becomes_ids() -> None:
    texts = [f'{quality}, "film" {row}\r\nそう' for row, quality in enumerate(TABLE["quality"])]
    TABLE.assign(review=texts).to_csv("wine.csv", index=False)
    data = reviews(keep="first")
    assert data.train.inputs.shape == (33, 4) and data.train.inputs.dtype == "int32"
    for part in (data.train, data.validation, data.test):
        first = [data.texts.tokens[row[0] - 2] for row in part.inputs]
        assert first == [data.class_names[label] for label in part.labels]
    assert data.texts.shares["train"] == {"padding": 0, "cut": 1, "empty": 0, "unknown": 0}
    characters = reviews(tokens="characters", max_tokens=50).texts
    assert {"\r", "\n", "そ"} <= {*characters.tokens} and characters.shares["test"]["cut"] == 0
    assert rows_of(prepared())[2] and {*reviews(split={"groups": "patient"}).train.groups}


def test_texts_of_any_kind_are_read() -> None:
    """Empty ones, what would be missing elsewhere, long ones; a test file, rows without a target, and weights."""
    texts = ["", "NA", "?", "x " * 300_000, "‏שלום", "👨‍👩‍👧"] * 10
    table = TABLE.assign(review=texts, quality=TABLE["quality"].where(TABLE.index != 1))
    table[:40].to_csv("wine.csv", index=False, encoding="utf-8-sig")
    table[40:].to_csv("test.csv", index=False, encoding="utf-8-sig")
    asked = {"test_file": "test.csv", "test_rows": 0, "weights": "weight", "missing_target": "drop"}
    data = reviews(**asked, encoding="utf-8")
    assert data.rows == {"train": 27, "validation": 12, "test": 20}
    assert {"x", "na", "שלום", "👨‍👩‍👧"} <= {*data.texts.tokens} and data.texts.shares["test"]["empty"] == 0.15
    assert data.train.weights is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"text": "colour", "categories": ["colour"]},
            "takes texts alone, and text is 'colour' beside 1 columns; leave",
        ),
        ({"text": "quality"}, "the column 'quality' is in target and in text"),
        ({"text": "patience"}, "'patience' is not a known column"),
        ({"text": "colour", "vocabulary": 2}, "vocabulary is 2; at least 3 are needed"),
        ({"text": ""}, "numbers and categories are empty; .*, or one of texts in text"),
    ],
)
def test_what_cannot_be_of_texts_is_one_sentence(options, words) -> None:
    with pytest.raises(UserError, match=words):
        reviews(**options)
