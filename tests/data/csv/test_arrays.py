"""What is trained on, of the columns of a table: against scikit-learn, and by the training rows alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from batchwise.common.errors import UserError
from batchwise.data.csv import arrays

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32) | st.just(np.nan), min_size=6, max_size=6)
LEVELS = st.lists(st.sampled_from(["a", "b", "10", "9", None]), min_size=6, max_size=6)
TRAIN, TEST = np.array([3, 0, 2, 4]), np.array([5, 1])


def text(values: list) -> pd.Categorical:
    return pd.Categorical(pd.array(values, dtype="str"))


def made(numbers: list, levels: list) -> list[np.ndarray]:
    table = pd.DataFrame({"size": np.array(numbers, "float64"), "colour": text(levels)})
    return arrays.inputs(table, ["size"], ["colour"], [TRAIN, TEST])


@given(NUMBERS, LEVELS)
def test_inputs_are_what_scikit_learn_makes_of_them(numbers, levels) -> None:
    column = np.array(numbers)[:, None]
    if np.isnan(column[TRAIN]).all():
        with pytest.raises(UserError, match="'size' has no value in the training rows; take it out of `numbers`"):
            made(numbers, levels)
        return
    train, test = made(numbers, levels)
    imputer = SimpleImputer(add_indicator=True).fit(column[TRAIN])
    scaler = StandardScaler().fit(column[TRAIN])  # which leaves NaN out
    known = [np.nan_to_num(scaler.transform(column)), imputer.transform(column)[:, 1:]]
    if np.ptp(column[TRAIN][~np.isnan(column[TRAIN])]) == 0:
        known[0][:] = 0  # there, where scikit-learn has what is left of a mean that is not exact
    colours = pd.Series(levels).fillna("~missing")  # which is the last of them in order
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(colours.to_numpy()[TRAIN, None])
    wanted = np.hstack([*known, encoder.transform(colours.to_numpy()[:, None])])
    for found, rows in ((train, TRAIN), (test, TEST)):
        assert found.dtype == np.float32 and found.flags.c_contiguous
        np.testing.assert_allclose(found, wanted[rows], rtol=1e-5, atol=1e-6)


@given(NUMBERS, NUMBERS, LEVELS, LEVELS)
def test_other_rows_change_nothing_of_the_training_rows(numbers, others, levels, other_levels) -> None:
    numbers[0] = 1.0
    for row in TRAIN:
        others[row], other_levels[row] = numbers[row], levels[row]
    np.testing.assert_array_equal(made(numbers, levels)[0], made(others, other_levels)[0])


def test_columns_are_in_the_order_asked_for_and_an_unseen_level_is_0_everywhere() -> None:
    train, test = made([np.nan, 9, 1, 3, 5, np.nan], ["b", "c", "a", None, "b", None])
    deviation = np.std([1, 3, 5])
    np.testing.assert_allclose(
        train, [[0, 0, 0, 0, 1], [0, 1, 0, 1, 0], [-2 / deviation, 0, 1, 0, 0], [2 / deviation, 0, 0, 1, 0]], rtol=1e-6
    )
    np.testing.assert_allclose(test, [[0, 1, 0, 0, 1], [6 / deviation, 0, 0, 0, 0]], rtol=1e-6)


def test_a_category_of_too_many_levels() -> None:
    table = pd.DataFrame({"code": text([f"x{row}" for row in range(1001)])})
    with pytest.raises(UserError, match=r"'code' has 1,001 levels, each of which .*; at most 1,000 may be"):
        arrays.inputs(table, [], ["code"], [np.arange(1001)])


def columns(**values: list) -> pd.DataFrame:
    return pd.DataFrame({name: text(each) if isinstance(each[0], str) else each for name, each in values.items()})


def test_labels_of_each_task() -> None:
    table = columns(y=["b", "a", "b"], p=[0.0, 1, 0], q=[1.0, 0, 1], r=[0.0, 1, 1], n=[2.0, 0, 7])
    found, names = arrays.labels(table, ["y"], "binary_classification")
    assert (found.tolist(), found.dtype.name, names) == ([1, 0, 1], "int32", ("a", "b"))
    found, names = arrays.labels(table, ["p", "q"], "multiclass_classification")
    assert (found.tolist(), found.dtype.name, names) == ([1, 0, 1], "int32", ("p", "q"))
    found, names = arrays.labels(table, ["p", "r"], "multilabel_classification")
    assert (found.tolist(), found.dtype.name, names) == ([[0, 0], [1, 1], [0, 1]], "uint8", ("p", "r"))
    found, names = arrays.labels(table, ["n"], "regression")
    assert (found.tolist(), found.dtype.name, names) == ([2, 0, 7], "float64", ())
    found, names = arrays.labels(table, ["n"], "count_regression")
    assert (found.tolist(), found.dtype.name, names) == ([2, 0, 7], "int64", ())


@pytest.mark.parametrize(
    ("target", "task", "words"),
    [
        (["same"], "binary_classification", "the target 'same' is 'a' in all rows; there is nothing to learn"),
        (["p", "n"], "multilabel_classification", "the target 'n' has the value -2; each of several targets is 0 or 1"),
        (["p", "r"], "multiclass_classification", "2 of 3 rows are 1 in none of the targets, or in several"),
        (["p", "n"], "regression", "target has 2 columns; the task regression has one"),
        (["n"], "count_regression", "the target 'n' has the value -2; counts are whole numbers from 0 up"),
        (["half"], "count_regression", "has the value 0.5; counts are whole numbers"),
    ],
)
def test_a_target_that_is_none_of_its_task(target, task, words) -> None:
    table = columns(same=["a"] * 3, p=[0.0, 1, 0], r=[0.0, 1, 1], n=[-2.0, 0, 7], half=[0.5, 1, 2])
    with pytest.raises(UserError, match=words):
        arrays.labels(table, target, task)


def test_weights() -> None:
    assert arrays.weights(pd.Series([0, 2.5], name="w")).tolist() == [0, 2.5]
    for values, words in (
        ([1, np.nan], "the weights 'w' are missing in 1 rows"),
        ([1, -0.5], "the weights 'w' have -0.5 among them; numbers from 0 up"),
        ([0.0, 0.0], "the weights 'w' have all 0"),
    ):
        with pytest.raises(UserError, match=words):
            arrays.weights(pd.Series(values, name="w"))


@given(LEVELS, LEVELS)
def test_tables_are_joined_row_by_row(first, second) -> None:
    tables = [pd.DataFrame({"a": text(levels), "b": np.arange(6.0)}) for levels in (first, second)]
    found = arrays.joined(tables)
    assert [level if isinstance(level, str) else None for level in found["a"]] == first + second
    assert found["b"].tolist() == [*range(6)] * 2
