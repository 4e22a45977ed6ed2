"""Rows are dealt to folds: which, how many, in which shares, whole groups; and how a seed's inputs are scaled."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import folds, prepared, rescaling
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.splitting import split, standardise
from batchwise.data.subset import channel_statistics
from batchwise.data.task import load

RANDOM = np.random.default_rng(0)


def described(task: str) -> Description:
    return Description("title", task, "source", "licence")


def numbered(labels: np.ndarray, cuts: tuple[int, int], task: str = "multiclass_classification", **values) -> DataSet:
    """Return rows whose only input is their number, in three parts."""
    whole = Split(np.arange(len(labels), dtype="int32")[:, None], labels, **values)
    parts = [whole.take(rows) for rows in np.split(np.arange(len(labels)), cuts)]
    names = tuple(map(str, range(labels.max() + 1))) if task == "multiclass_classification" else ()
    return DataSet(described(task), names, *parts)


def numbers_of(data: DataSet) -> dict[str, np.ndarray]:
    return {name: getattr(data, name).inputs[:, 0] for name in SPLITS}


@st.composite
def dealt(draw: st.DrawFn, *, grouped: bool) -> DataSet:
    """Return a data set with folds."""
    count, random = draw(st.integers(2, 7)), np.random.default_rng(draw(st.integers(0, 99)))
    sizes = draw(st.lists(st.integers(count, 25), min_size=2, max_size=4))
    labels = random.permutation(np.repeat(np.arange(len(sizes)), sizes)).astype("int32")
    # A row of each class begins, so that the training part has several.
    labels = np.concatenate([np.arange(len(sizes), dtype="int32"), labels])
    task = draw(st.sampled_from(["multiclass_classification", "count_regression"]))
    rows = len(labels)
    values = {"groups": np.arange(rows) % draw(st.integers(count, rows))} if grouped else {}
    data = numbered(labels, (rows - draw(st.integers(1, 3)), rows - 1), task, **values)
    return folds.deal(data, count, whole=data)


@given(data=dealt(grouped=False))
def test_each_row_is_tested_by_one_seed_and_all_seeds_have_as_many(data: DataSet) -> None:
    count, rows = data.folds.count, len(data.folds.of_rows)
    of_seeds = [numbers_of(folds.of_seed(data, seed)) for seed in range(count)]
    for parts in of_seeds:
        assert {name: len(part) for name, part in parts.items()} == data.rows
        assert sorted(np.concatenate([*parts.values()])) == [*range(rows)]
    assert data.rows["test"] == rows // count
    tested = np.concatenate([parts["test"] for parts in of_seeds])
    assert len(tested) == len({*tested}) == rows - rows % count
    if count > 2:
        chosen = [parts["validation"].tolist() for parts in of_seeds]
        assert chosen == [of_seeds[(seed + 1) % count]["test"].tolist() for seed in range(count)]
    else:
        assert data.rows["validation"] == 0


@given(data=dealt(grouped=False))
def test_each_class_has_its_share_of_each_fold_to_within_a_row(data: DataSet) -> None:
    if data.task.labels.kind == "classes":
        labels = [folds.of_seed(data, seed).test.labels for seed in range(data.folds.count)]
        counts = np.stack([np.bincount(of_fold, minlength=len(data.class_names)) for of_fold in labels])
        assert (np.ptp(counts, axis=0) <= 1).all() and counts.min() > 0


@given(data=dealt(grouped=True))
def test_groups_stay_whole_and_all_seeds_have_as_many_rows(data: DataSet) -> None:
    groups = folds.joined(data).groups
    tested = []
    for seed in range(data.folds.count):
        try:
            parts = numbers_of(folds.of_seed(data, seed))
        except UserError as error:
            assert "class" in str(error)  # all of one are in a group
            return
        assert {name: len(part) for name, part in parts.items()} == data.rows
        of_parts = [{*groups[part]} for part in parts.values()]
        assert not of_parts[0] & of_parts[1] and not of_parts[0] & of_parts[2] and not of_parts[1] & of_parts[2]
        tested.append({*parts["test"]})
    assert sum(map(len, tested)) == len(set.union(*tested))
    sizes = np.bincount(data.folds.of_rows)
    assert data.rows["test"] == sizes.min() > 0


def test_groups_of_one_size_are_dealt_evenly_and_so_are_their_classes() -> None:
    labels = np.repeat(np.arange(30, dtype="int32") % 2, 4)
    data = numbered(labels, (100, 110), groups=np.repeat(np.arange(30), 4))
    dealt = folds.deal(data, 5, whole=data)
    assert dealt.rows == {"train": 72, "validation": 24, "test": 24}
    for seed in range(5):
        assert np.bincount(folds.of_seed(dealt, seed).test.labels).tolist() == [12, 12]


def test_the_same_rows_are_dealt_alike_and_a_seed_beyond_the_folds_begins_again() -> None:
    data = numbered(RANDOM.integers(0, 3, 50).astype("int32"), (30, 40))
    one, again, other = (folds.deal(data, count, whole=data) for count in (5, 5, 4))
    assert one.sha256 == again.sha256 and len({data.sha256, one.sha256, other.sha256}) == 3
    assert folds.of_seed(one, 7).sha256 == folds.of_seed(again, 2).sha256 != folds.of_seed(one, 3).sha256
    assert folds.of_seed(data, 3) is data


# Scales


def table(task: str = "regression") -> tuple[np.ndarray, np.ndarray]:
    """Return columns of other means and scales, one of them in two of the rows alone, and labels."""
    inputs = RANDOM.normal(size=(60, 4)) * [1, 30, 1e-3, 1] + [5, -7, 0, 0]
    inputs[:, 3] = np.arange(60) < 2
    return inputs, inputs[:, 0] + RANDOM.normal(size=60)


def prepared_by(by_column: bool, inputs: np.ndarray, labels: np.ndarray) -> DataSet:
    parts = split(inputs, labels, validation_rows=10, test_rows=10, seed=0)
    return DataSet(described("regression"), (), *standardise(parts, by_column=by_column))


def rows_by_hand(data: DataSet, seed: int, inputs: np.ndarray, labels: np.ndarray) -> list[Split]:
    """Return the raw rows of a seed: labels tell them apart."""
    order = np.argsort(labels)
    found = [order[np.searchsorted(labels[order], getattr(data, name).labels)] for name in SPLITS]
    return [Split(inputs[rows], labels[rows]) for rows in found]


@pytest.mark.parametrize("by_column", [True, False])
def test_inputs_are_as_if_the_data_set_had_been_split_so(by_column: bool) -> None:
    inputs, labels = table()
    data = prepared_by(by_column, inputs, labels)
    data = folds.deal(data, 4, whole=data)
    for seed in range(4):
        found = folds.of_seed(data, seed)
        expected = standardise(tuple(rows_by_hand(found, seed, inputs, labels)), by_column=by_column)
        for name, part in zip(SPLITS, expected, strict=True):
            here = getattr(found, name).inputs
            assert here.dtype == np.float32
            np.testing.assert_allclose(here[:, :3], part.inputs[:, :3], rtol=1e-4, atol=1e-4)


def test_a_row_that_is_tested_does_not_move_the_inputs_that_are_trained_on() -> None:
    inputs, labels = table()
    data = prepared_by(True, inputs, labels)
    dealt = folds.deal(data, 4, whole=data)
    before = folds.of_seed(dealt, 0)
    tested = np.flatnonzero(np.isin(labels, before.test.labels))
    inputs[tested, 0] *= 1000
    data = prepared_by(True, inputs, labels)
    after = folds.of_seed(folds.deal(data, 4, whole=data), 0)
    np.testing.assert_array_equal(after.train.labels, before.train.labels)
    np.testing.assert_allclose(after.train.inputs, before.train.inputs, atol=1e-3)
    assert np.abs(after.test.inputs[:, 0]).max() > 100 * np.abs(before.test.inputs[:, 0]).max()


@pytest.mark.parametrize(
    "inputs",
    [
        RANDOM.uniform(size=(60, 3)).astype("float32"),
        RANDOM.integers(0, 9, (60, 3)).astype("int64"),
        np.eye(3, dtype="float32")[RANDOM.integers(0, 3, 60)],
        np.zeros((60, 3)),
    ],
)
def test_columns_that_are_not_centred_stay_as_they_are(inputs: np.ndarray) -> None:
    whole = Split(inputs, np.arange(60.0))
    parts = [whole.take(rows) for rows in np.split(np.arange(60), [40, 50])]
    data = DataSet(described("regression"), (), *parts)
    found = folds.of_seed(folds.deal(data, 4, whole=data), 1)
    for part in (found.train, found.validation, found.test):
        np.testing.assert_array_equal(part.inputs, inputs[part.labels.astype(int)])


def test_a_column_with_filled_in_values_keeps_its_spread_and_its_neighbour_its_values() -> None:
    number = RANDOM.normal(size=60) * 3
    number[:20] = 0  # the mean, filled in
    number[20:] -= number[20:].mean()
    level = (np.arange(60) % 5 == 0).astype("float64")
    training = np.stack([number, level], axis=1)
    found = rescaling.spreads(training)
    np.testing.assert_allclose(found, [number.std(), 0])
    part, other = rescaling.rescaled([Split(training[10:], level[10:]), Split(training[:10], level[:10])], found)
    np.testing.assert_allclose([part.inputs[:, 0].mean(), part.inputs[:, 0].std()], [0, number.std()], atol=1e-12)
    np.testing.assert_array_equal(other.inputs[:, 1], level[:10])


def test_the_scale_of_a_subset_is_that_of_its_rows() -> None:
    inputs, labels = table()
    whole = prepared_by(True, inputs, labels)
    part = replace(whole, train=whole.train.take(np.arange(25)))
    train = folds.of_seed(folds.deal(part, 3, whole=whole), 0).train
    np.testing.assert_allclose(train.inputs[:, :3].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(train.inputs[:, :3].std(0), 1, rtol=1e-4)


def test_images_stay_bytes_with_the_statistics_of_a_seed() -> None:
    images = RANDOM.integers(0, 256, (40, 3, 2, 2)).astype("uint8")
    whole = Split(images, np.arange(40, dtype="int32") % 2)
    parts = [whole.take(rows) for rows in np.split(np.arange(40), [20, 30])]
    data = DataSet(described("binary_classification"), ("a", "b"), *parts, *channel_statistics(parts[0].inputs))
    found = [folds.of_seed(folds.deal(data, 4, whole=data), seed) for seed in range(4)]
    for one in found:
        np.testing.assert_array_equal([one.mean, one.std], channel_statistics(one.train.inputs))
        assert one.train.inputs.dtype == np.uint8
    assert len({one.mean.tobytes() for one in found}) == 4


# What is said of them, and what is refused


def test_facts_and_metrics_are_those_of_all_rows() -> None:
    labels = np.repeat(np.arange(2, dtype="int32"), [24, 7])[RANDOM.permutation(31)]
    data = folds.deal(plain := numbered(labels, (20, 25)), 5, whole=plain)
    assert folds.facts(data) == {"count": 5, "rows": 31, "groups": False, "rescaled": False}
    accuracy, *_ = prepared.metrics_on(load("multiclass_classification"), data)
    assert accuracy.baseline == 24 / 31


def test_the_manifest_of_a_study_is_of_a_seed_and_says_its_folds(tmp_path) -> None:
    data = folds.deal(plain := numbered(np.arange(31, dtype="int32") % 2, (20, 25)), 5, whole=plain)
    prepared.save_part(data, tmp_path, "one", {}, {})
    about = prepared.read_part(tmp_path, "one")
    assert about["rows"] == {"train": 19, "validation": 6, "test": 6}
    assert about["class_counts"]["test"] == np.bincount(folds.of_seed(data, 0).test.labels).tolist()
    assert (about["sha256"], about["folds"]) == (data.sha256, folds.facts(data))
    prepared.save_part(plain, tmp_path, "one", {}, {})
    assert "folds" not in prepared.read_part(tmp_path, "one")


def test_groups_and_order_are_kept_on_disk(tmp_path) -> None:
    labels, keys = np.arange(30, dtype="int32") % 2, np.arange(30) % 7
    for name in ("groups", "order"):
        parts = split(np.arange(30.0)[:, None], labels, validation_rows=6, test_rows=6, seed=0, **{name: keys})
        data = DataSet(described("binary_classification"), ("a", "b"), *parts)
        prepared.save(data, tmp_path, "small", {})
        read = prepared.load(tmp_path, "small")
        for part in SPLITS:
            kept = getattr(getattr(read, part), name)
            np.testing.assert_array_equal(kept, keys[getattr(data, part).inputs[:, 0].astype(int)])


ALIKE = np.arange(12, dtype="int32") % 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            numbered(ALIKE, (6, 9), order=np.arange(12)),
            "rows are in order of time, and folds would train on what comes",
        ),
        (numbered(np.int32([0, 1] + [0] * 10), (6, 9)), "class '1' has 1 row; with 3 folds at least 3 are needed"),
        (numbered(ALIKE, (6, 9), groups=ALIKE), "there are 2 groups; with 3 folds at least 3 are needed"),
        (
            replace(plain := numbered(ALIKE, (6, 9)), test=replace(plain.test, weights=np.ones(3))),
            "the train rows have no weights, and others have",
        ),
        (
            numbered(np.int32([0] * 4 + [1] * 4 + [0] * 4), (6, 9), groups=np.arange(12) // 4),
            "of seed 0, train labels are all 1 ('1'); rows of at least two classes are needed",
        ),
    ],
)
def test_what_cannot_be_dealt_is_refused_in_a_line(data: DataSet, words: str) -> None:
    with pytest.raises(UserError) as error:
        folds.check(folds.deal(data, 3, whole=data))
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("groups", [[0] * 6, np.zeros(5, int), np.zeros(6), np.zeros((6, 1), int)])
def test_groups_that_are_no_numbers_of_rows_are_refused(groups) -> None:
    whole = Split(np.zeros((6, 1)), ALIKE[:6], groups=groups)
    with pytest.raises(
        UserError, match=r"^train groups are .* a whole number for each of 6 rows is expected, or None$"
    ):
        DataSet(described("binary_classification"), ("a", "b"), whole, whole, whole)
