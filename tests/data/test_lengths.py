"""Rows of tokens at another length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchwise.common.errors import UserError
from batchwise.data import lengths
from batchwise.data.dataset import DataSet, Description, Split

TEXTS = st.tuples(st.integers(1, 5), st.integers(1, 9)).flatmap(
    lambda shape: arrays("int32", shape, elements=st.integers(0, 3))
)


def data_set(inputs: np.ndarray, classes: int = 2) -> DataSet:
    labels = np.arange(len(inputs), dtype="int32") * classes // len(inputs)
    part = Split(inputs, labels)
    names = tuple(map(str, range(classes)))
    return DataSet(Description("Texts", "multiclass_classification", "nowhere", "none"), names, part, part, part)


@given(TEXTS, st.integers(1, 30))
def test_tokens_are_repeated_and_padding_stays_last(inputs, tokens) -> None:
    found = lengths._repeated(inputs, tokens)
    assert found.shape == (len(inputs), tokens)
    for before, after in zip(inputs, found, strict=True):
        assert (np.diff((after == 0).astype(int)) >= 0).all()
        assert sorted(after) == sorted(np.resize(before, tokens))


@pytest.mark.parametrize("classes", [2, 90])
def test_a_few_rows_have_all_classes(classes) -> None:
    data = data_set(np.arange(2, 20_002).reshape(1000, 20), classes)
    found = lengths.of_length(data, 50, most_rows=16)
    for part in (found.train, found.validation, found.test):
        assert part.inputs.shape[1] == 50 and 16 <= len(part.labels) <= 16 + classes
        assert {*part.labels} == {*range(classes)}


def test_labels_of_tokens_go_with_them() -> None:
    inputs = np.array([[2, 3, 4], [5, 6, 0]])
    labels = np.array([[3, 4, 7, 9], [6, 8, 0, 5]])
    found = lengths._of_length(Split(inputs, labels), 5)
    assert found.inputs.tolist() == [[2, 3, 4, 2, 3], [5, 6, 5, 6, 0]]
    assert found.labels.tolist() == [[3, 4, 7, 3, 4, 9], [6, 8, 6, 8, 0, 5]]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(UserError, match=r"studies\.one\.memory_by_length: .* of Texts are float64 of the shape"):
        lengths.check("one", data_set(np.random.default_rng(0).normal(size=(20, 4))))
    lengths.check("one", data_set(np.full((20, 4), 2)))
