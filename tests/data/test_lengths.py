"""Rows of tokens, and images, at another length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchwise.common.errors import UserError
from batchwise.data import lengths
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.lengths import PIXEL, TOKEN, Row

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


SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))


def images(shape: tuple[int, int, int], rows: int = 3) -> DataSet:
    """Return images with boxes in them."""
    inputs = np.random.default_rng(0).integers(0, 256, (rows, *shape), dtype="uint8")
    boxes = np.tile(np.array([[0.1, 0.2, 0.5, 0.6, 1.0], [-1.0] * 5], "float32"), (rows, 1, 1))
    part, statistic = Split(inputs, boxes), np.ones(shape[-1], "float32")
    about = Description("Photographs", "detection", "nowhere", "none")
    return DataSet(about, ("a", "b"), part, Split(inputs[:0], boxes[:0]), part, mean=statistic, std=statistic)


@given(SHAPES, st.integers(1, 60))
def test_an_image_keeps_its_proportions_and_its_boxes(shape, width) -> None:
    data = images(shape)
    found = lengths.of_length(data, width, most_rows=2)
    height = found.train.inputs.shape[1]
    assert found.train.inputs.shape == (2, height, width, shape[2]) and found.train.inputs.dtype == np.uint8
    assert height == 1 or abs(height - width * shape[0] / shape[1]) <= 0.5
    assert lengths.row_of(data, width) == Row(height * width, PIXEL)
    np.testing.assert_array_equal(found.test.labels, data.test.labels[:2])
    assert found.validation.inputs.shape == (0, height, width, shape[2])


@given(SHAPES)
def test_at_its_own_width_an_image_is_itself(shape) -> None:
    data = images(shape)
    np.testing.assert_array_equal(lengths.of_length(data, shape[1], 3).train.inputs, data.train.inputs)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_resized_and_not_cut(channels) -> None:
    """A bright quarter stays a quarter; channels stay apart."""
    inputs = np.zeros((1, 20, 40, channels), "uint8")
    inputs[:, :10, :20, -1] = 200
    found = lengths._resized(inputs, 40, 80)[0]
    assert (found[:16, :36, -1] == 200).all() and not found[24:].any() and not found[:, 44:].any()
    assert not found[..., :-1].any()


@pytest.mark.parametrize(("rows", "unit"), [(images((4, 6, 3)), PIXEL), (data_set(np.full((20, 4), 2)), TOKEN)])
def test_a_row_is_counted_in_what_it_has(rows, unit) -> None:
    lengths.check("one", rows)
    assert lengths.unit(rows) == unit and lengths.row_of(rows, 12) == Row(96 if unit == PIXEL else 12, unit)


def test_what_is_neither_text_nor_image_is_refused() -> None:
    with pytest.raises(UserError, match=r"studies\.one\.memory_by_length: .* of Texts are float64 of the shape"):
        lengths.check("one", data_set(np.random.default_rng(0).normal(size=(20, 4))))
    with pytest.raises(UserError, match=r"of tokens, whole numbers .*, and images; the inputs of Texts are float32"):
        lengths.check("one", data_set(np.zeros((20, 4, 4, 3), "float32")))
