"""Labels that are no classes, and weights of rows: what is right is kept, what is wrong is refused in one sentence."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batchwise.common.errors import UserError
from batchwise.data import prepared
from batchwise.data.dataset import DataSet, Description, Split

ROWS = 6
INPUTS = np.arange(2.0 * ROWS).reshape(ROWS, 2).astype("float32")
NUMBERS = np.array([0.5, -1.0, 2.0, 7.0, 0.0, 3.5])
FLAGS = np.array([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 0]], "uint8")


def made(task: str, labels: object, names: tuple[str, ...] = (), **more) -> DataSet:
    """Return a data set with these labels in its training rows, and right ones in the others."""
    right = {"regression": NUMBERS, "count_regression": np.arange(ROWS), "multilabel_classification": FLAGS}[task]
    parts = (Split(INPUTS, labels, **more), Split(INPUTS, right), Split(INPUTS, right))
    return DataSet(Description("made up", task, "here", "CC0"), names, *parts)


@given(
    labels=arrays.arrays(st.sampled_from(["float32", "float64", "int32", "int64"]), ROWS, elements=st.integers(-9, 9))
)
def test_finite_numbers_that_differ_are_labels(labels) -> None:
    if np.ptp(labels):
        assert made("regression", labels).train.labels is labels


def test_numbers_are_saved_and_read_back(tmp_path) -> None:
    data = made("regression", NUMBERS, weights=np.arange(float(ROWS)))
    prepared.save(data, tmp_path, "numbers", {})
    back, about = prepared.load(tmp_path, "numbers"), prepared.read(tmp_path, "numbers")
    assert back.sha256 == data.sha256 != made("regression", NUMBERS).sha256
    assert back.train.weights.tolist() == [0, 1, 2, 3, 4, 5] and back.test.weights is None
    assert about["labels"] == "numbers" and about["target_range"] == [-1, 7] and about["class_counts"]["train"] == []
    flags = made("multilabel_classification", FLAGS, ("small", "red"))
    assert prepared.manifest(flags, {})["class_counts"]["train"] == [3, 3]


WRONG = {
    "a NaN": ("regression", np.where(NUMBERS > 3, np.nan, NUMBERS), (), "nan in row 3, and 2 such rows of 6; an array"),
    "infinite": ("regression", np.where(NUMBERS > 3, np.inf, NUMBERS), (), "inf in row 3"),
    "beyond float32": ("regression", NUMBERS * 1e300, (), "within ±1.7e+38, is expected"),
    "all the same": ("regression", np.ones(ROWS), (), "train labels are all 1.0; there is nothing to learn"),
    "texts": (
        "regression",
        NUMBERS.astype(str),
        (),
        "an array [rows] of finite numbers is expected: `labels = labels.as",
    ),
    "a column": ("regression", NUMBERS[:, None], (), "`labels = labels[:, 0]`"),
    "a series": ("regression", pd.Series(NUMBERS), (), "are a pandas.Series; an array [rows] of finite numbers"),
    "too few": ("regression", NUMBERS[1:], (), "train labels are 5 for 6 rows of inputs"),
    "class names": ("regression", NUMBERS, ("low", "high"), "labels that are numbers have none: write `()`"),
    "negative counts": (
        "count_regression",
        np.arange(ROWS) - 1,
        (),
        "-1 in row 0, and 1 such rows of 6; an",
    ),
    "broken counts": ("count_regression", np.arange(ROWS) / 2, (), "0.5 in row 1"),
    "large counts": ("count_regression", np.arange(ROWS) * 10**8, (), "at most 16,777,216, is expected"),
    "flags of 2": ("multilabel_classification", FLAGS * 2, ("a", "b"), "[0, 2] in row 0, and 5 such rows of 6"),
    "a flag too many": ("multilabel_classification", FLAGS, ("a", "b", "c"), "have 2 columns, and class_names has 3"),
    "one flag a row": ("multilabel_classification", FLAGS[:, 0], ("a", "b"), "an array [rows, labels] of 0 and 1"),
    "flags that do not vary": (
        "multilabel_classification",
        FLAGS * 0,
        ("a", "b"),
        "are all {'a': 0, 'b': 0};",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_labels_are_refused_in_one_sentence(case) -> None:
    task, labels, names, words = WRONG[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError) as error:
            made(task, labels, names)
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0] * ROWS, "train weights are a list; an array"),
        (np.ones(ROWS - 1), "train weights are 5 for 6 rows of inputs"),
        (np.ones((ROWS, 1)), "of the shape [6, 1]"),
        (np.array([1, 1, np.nan, 1, 1, 1]), "nan in row 2; finite numbers from 0 up"),
        (np.array([1, 1, 1, -2.5, 1, 1]), "-2.5 in row 3"),
        (np.zeros(ROWS), "train weights: all 0; finite numbers"),
        (np.array(["1"] * ROWS), "train weights are strings"),
    ],
)
def test_wrong_weights_are_refused_in_one_sentence(weights, words) -> None:
    with pytest.raises(UserError) as error:
        made("regression", NUMBERS, weights=weights)
    assert words in str(error.value) and "\n" not in str(error.value)
