"""How data sets are split, scaled, saved and read; what a manifest says."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.data import prepared
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.splitting import hold_out, split, standardise

SIZES = {"breast_cancer": (455, 0, 114), "digits": (1200, 300, 297)}
GIVEN = params.load(ROOT / "params.yaml").data_sets


@pytest.fixture(scope="module")
def data_sets() -> dict[str, DataSet]:
    return {name: plugins.load("datasets", name).prepare(**GIVEN[name]) for name in SIZES}


@pytest.fixture
def small() -> DataSet:
    random = np.random.default_rng(0)
    parts = [Split(random.normal(size=(n, 2)).astype("float32"), np.arange(n, dtype="int32") % 2) for n in (6, 0, 3)]
    return DataSet(Description("title", "binary_classification", "source", "licence"), ("no", "yes"), *parts)


@st.composite
def splits(draw: st.DrawFn) -> tuple:
    """Draw (labels, validation_rows, test_rows, seed), often ones that cannot be."""
    counts = draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))
    labels = np.random.default_rng(draw(st.integers(0, 99))).permutation(np.repeat(np.arange(len(counts)), counts))
    return labels, draw(st.integers(0, 40)), draw(st.integers(1, 40)), draw(st.integers(0, 2**32 - 1))


def rows_of(part) -> list[int]:
    """Return the rows of a part of a data set whose inputs are the numbers of its rows."""
    return part.inputs[:, 0].tolist()


def do_split(labels, validation_rows, test_rows, seed) -> tuple[Split, Split, Split]:
    rows = np.arange(len(labels))[:, None]
    return split(rows, labels, validation_rows=validation_rows, test_rows=test_rows, seed=seed)


@given(splits())
def test_a_split_is_refused_or_has_every_row_once_and_its_sizes(asked) -> None:
    labels, validation_rows, test_rows, _ = asked
    try:
        train, validation, test = do_split(*asked)
    except UserError:
        return
    assert (len(validation.labels), len(test.labels)) == (validation_rows, test_rows)
    assert sorted(rows_of(train) + rows_of(validation) + rows_of(test)) == list(range(len(labels)))
    for part in (train, validation, test):
        np.testing.assert_array_equal(part.labels, labels[rows_of(part)])


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(10, 40), min_size=2, max_size=5), st.integers(10, 15))
def test_a_split_is_stratified(seed, counts, rows) -> None:
    """Each class has its share of the test rows, and of the validation rows among the rest, to within one row."""
    labels = np.repeat(np.arange(len(counts)), counts)
    parts = do_split(labels, rows if sum(counts) > 3 * rows else 0, rows, seed)
    train, validation, test = (np.bincount(part.labels, minlength=len(counts)) for part in parts)
    rest = train + validation
    assert (np.abs(test - np.array(counts) * rows / sum(counts)) < 1).all()
    assert (np.abs(validation - rest * validation.sum() / rest.sum()) < 1).all()


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 30), min_size=2, max_size=2))
def test_test_rows_do_not_depend_on_validation_rows(seed, validation_rows) -> None:
    labels = np.arange(90) % 3
    tests = [rows_of(do_split(labels, rows if rows >= 3 else 0, 20, seed)[2]) for rows in validation_rows]
    assert tests[0] == tests[1]
    assert rows_of(do_split(labels, 0, 20, seed + 1 if seed < 2**32 - 1 else 0)[2]) != tests[0]


@pytest.mark.parametrize(
    ("validation_rows", "test_rows", "words"),
    [(0, 2, "test_rows is 2; with 3 classes"), (1, 9, "validation_rows is 1"), (20, 10, "leave too few of 30 rows")],
)
def test_a_split_that_does_not_fit(validation_rows, test_rows, words) -> None:
    with pytest.raises(UserError, match=words):
        do_split(np.arange(30) % 3, validation_rows, test_rows, 0)


def test_a_class_with_one_row_cannot_be_split() -> None:
    with pytest.raises(UserError, match="class 1, the smallest class, has 1 row; at least 3 are needed"):
        do_split(np.array([0] * 20 + [1]), 0, 5, 0)


OURS = r"leave too few of \d+ rows|\w+_rows is \d+; with \d+ classes|there is one row of class \d, and two are needed"


@given(splits())
def test_rows_held_out_are_refused_in_our_words_or_set_apart(asked) -> None:
    labels, validation_rows, _, seed = asked
    whole = Split(np.arange(len(labels))[:, None], labels)
    try:
        train, validation = hold_out(whole, validation_rows=validation_rows, seed=seed)
    except UserError as error:
        assert re.search(OURS, str(error)), error
        return
    assert len(validation.labels) == validation_rows
    assert sorted(rows_of(train) + rows_of(validation)) == list(range(len(labels)))


@pytest.mark.parametrize("validation_rows", [9, 10])
def test_all_rows_that_are_no_classes_cannot_be_held_out(validation_rows) -> None:
    whole = Split(np.zeros((9, 1)), np.arange(9) / 2)
    with pytest.raises(UserError, match=f"validation_rows {validation_rows} leave none of 9 rows"):
        hold_out(whole, validation_rows=validation_rows, seed=0)


@given(splits())
def test_a_class_of_which_a_split_leaves_one_row(asked) -> None:
    """The rows of the test part are taken first: a class may have one row after that, and scikit-learn refuses it."""
    _, validation_rows, _, seed = asked
    labels = np.repeat([0, 1], [40, 3])
    try:
        do_split(labels, validation_rows, 20, seed)
    except UserError as error:
        assert re.search(OURS, str(error)), error


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_scikit_learn_does_not_take(seed) -> None:
    with pytest.raises(UserError, match=rf"seed is {seed}; it must be from 0 to 4294967295"):
        do_split(np.arange(30) % 3, 3, 3, seed)


FLOATS = st.floats(-1e6, 1e6, width=32)
TINY = np.zeros((12, 3))
TINY[0, 0] = np.finfo("float32").tiny


@example(TINY, np.ones((5, 3)), False)
@example(TINY * 1e-260, np.full((5, 3), -1e300), True)
@given(
    arrays.arrays("float64", (12, 3), elements=FLOATS), arrays.arrays("float64", (5, 3), elements=FLOATS), st.booleans()
)
def test_scaling_uses_the_training_rows_alone(inputs, others, by_column) -> None:
    labels = np.zeros(12, "int64")

    def scaled(rest):
        splits = Split(inputs, labels), Split(rest, labels[:5]), Split(rest, labels[:5])
        return standardise(splits, by_column=by_column)

    first, second = scaled(others), scaled(np.zeros_like(others))
    np.testing.assert_array_equal(first[0].inputs, second[0].inputs)
    assert all(np.isfinite(part.inputs).all() for part in first)
    assert {part.inputs.dtype.name for part in first} == {"float32"}
    assert {part.labels.dtype.name for part in first} == {"int32"}


def test_scaled_training_rows_have_mean_0_and_deviation_1_and_others_the_same_map() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal([1, 1e6], [3, 1e-3], (50, 2))
    parts = tuple(Split(rows, np.zeros(len(rows), "int64")) for rows in (inputs, inputs[:0], inputs[:7]))
    train, validation, test = standardise(parts)
    np.testing.assert_allclose(train.inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(train.inputs.std(0), 1, rtol=1e-5)
    np.testing.assert_array_equal(test.inputs, train.inputs[:7])
    assert validation.inputs.shape == (0, 2)
    together = standardise(parts, by_column=False)[0].inputs
    assert together.mean() == pytest.approx(0, abs=1e-5)
    assert together.std() == pytest.approx(1)


@given(st.floats(-1e6, 1e6), st.integers(2, 500))
def test_columns_that_do_not_vary_are_0(value, rows) -> None:
    """Also where the mean of equal numbers is not that number, as for 0.1."""
    part = Split(np.full((rows, 1), value), np.zeros(rows, "int64"))
    assert (standardise((part, part, part))[0].inputs == 0).all()


# The two data sets


@pytest.mark.parametrize("name", SIZES)
def test_the_sizes_and_the_scale_of_the_data_sets(data_sets, name) -> None:
    data = data_sets[name]
    assert tuple(data.rows.values()) == SIZES[name]
    axis = 0 if name == "breast_cancer" else None
    np.testing.assert_allclose(data.train.inputs.mean(axis, dtype="float64"), 0, atol=1e-6)
    np.testing.assert_allclose(data.train.inputs.std(axis, dtype="float64"), 1, rtol=1e-6)
    assert abs(data.test.inputs.mean(axis, dtype="float64")).max() > 1e-4  # not scaled by its own mean
    shares = [np.bincount(getattr(data, part).labels) / rows for part, rows in data.rows.items() if rows]
    assert np.abs(np.diff(shares, axis=0)).max() < 1 / min(rows for rows in data.rows.values() if rows)


@pytest.mark.parametrize("name", SIZES)
def test_no_row_of_the_data_sets_is_in_two_parts(data_sets, name) -> None:
    inputs = np.concatenate([getattr(data_sets[name], part).inputs for part in SPLITS])
    assert len(np.unique(inputs, axis=0)) == len(inputs) == sum(SIZES[name])


# Synthetic vectors

VECTORS = GIVEN["vector_classes"]


def vectors(**changes) -> DataSet:
    return plugins.load("datasets", "vector_classes").prepare(**VECTORS | changes)


def test_vectors_are_normally_distributed_around_the_number_of_their_class() -> None:
    data = vectors(train_rows=20_000, validation_rows=0)
    for label in range(VECTORS["classes"]):
        inputs = data.train.inputs[data.train.labels == label].astype("float64")
        error = VECTORS["std"] / np.sqrt(inputs.size)
        assert abs(inputs.mean() - label) < 5 * error
        assert abs(inputs.std() - VECTORS["std"]) < 5 * error / np.sqrt(2)
    counts = np.bincount(data.train.labels)
    assert np.abs(counts - 5000).max() < 5 * np.sqrt(20_000 * 0.25 * 0.75)


def test_vectors_are_those_of_their_seed_and_no_two_parts_share_a_row() -> None:
    data, again, other = vectors(), vectors(), vectors(seed=1)
    assert tuple(data.rows.values()) == (500, 300, 1000) and data.train.inputs.shape[1] == 20
    assert data.sha256 == again.sha256 != other.sha256
    inputs = np.concatenate([getattr(data, part).inputs for part in SPLITS])
    assert len(np.unique(inputs, axis=0)) == 1800


def test_two_classes_of_vectors_are_refused() -> None:
    with pytest.raises(UserError, match="classes is 2; at least 3"):
        vectors(classes=2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_rows": 2**32 - 1}, "all rows × \\(features \\+ 1\\) are 90,194,340,495 numbers; at most 100,000,000"),
        ({"features": 2**32 - 1}, "are 7,730,941,132,800 numbers"),
        ({"classes": 501}, "classes is 501; at most 500 are allowed, one for each of train_rows"),
        ({"classes": 2**32 - 1}, "classes is 4294967295; at most 500"),
    ],
)
def test_vectors_of_an_absurd_size_are_refused(changes, words) -> None:
    with pytest.raises(UserError, match=words):
        vectors(**changes)


# What is known of them


def test_a_task_that_is_no_plug_in_is_refused_with_those_that_are() -> None:
    known = "allowed: binary_classification, count_regression, detection, language_modelling, "
    with pytest.raises(UserError, match=f"'binary' is not a known task; {known}"):
        Description("title", "binary", "source", "licence")


def test_the_manifest_says_what_the_arrays_are(small) -> None:
    assert prepared.manifest(small, {"seed": 3}) == {
        "title": "title",
        "task": "binary_classification",
        "source": "source",
        "licence": "licence",
        "unit": "",
        "files": {},
        "options": {"seed": 3},
        "labels": "classes",
        "class_names": ["no", "yes"],
        "target_range": [],
        "input_shape": [2],
        "rows": {"train": 6, "validation": 0, "test": 3},
        "class_counts": {"train": [3, 3], "validation": [0, 0], "test": [2, 1]},
        "sha256": small.sha256,
    }


def test_the_checksum_changes_with_every_array_and_the_task(small) -> None:
    checksums = {small.sha256}
    for number, name in enumerate(("train", "test")):
        part = getattr(small, name)
        for changed in (Split(part.inputs + 1, part.labels), Split(part.inputs, 1 - part.labels)):
            checksums.add(replace(small, **{name: changed}).sha256)
        assert len(checksums) == 3 + 2 * number
    task = replace(small.description, task="multiclass_classification")
    others = [
        of_all(small, lambda inputs: inputs[:, np.newaxis]),
        of_all(small, lambda inputs: inputs.astype("float64")),
        {"description": task},
        {"class_names": ("no", "perhaps")},
    ]
    checksums |= {replace(small, **other).sha256 for other in others}
    assert len(checksums) == 9


def of_all(data: DataSet, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Split]:
    """Return the parts with other inputs."""
    return {name: replace(getattr(data, name), inputs=change(getattr(data, name).inputs)) for name in SPLITS}
