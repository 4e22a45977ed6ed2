"""Data sets whose rows are in files: what was prepared is read, some rows at a time, and damage is told."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.data import folds, large_arrays, preparation, prepared, stored_arrays
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.subset import subset

OPTIONS = {"streamed": True}
SIZES = (50, 7, 11)


def tokens() -> DataSet:
    random = np.random.default_rng(0)
    parts = [Split(random.integers(300, size=(n, 5), dtype="int32"), np.arange(n, dtype="int32") % 3) for n in SIZES]
    return DataSet(Description("t", "multiclass_classification", "s", "l"), tuple("abc"), *parts)


def images() -> DataSet:
    random = np.random.default_rng(0)
    parts = [
        Split(random.integers(256, size=(n, 4, 3, 2), dtype="uint8"), np.arange(n, dtype="int32") % 3) for n in SIZES
    ]
    return replace(tokens(), **dict(zip(SPLITS, parts, strict=True)), mean=np.float32([1, 2]), std=np.float32([3, 4]))


def flags() -> DataSet:
    random = np.random.default_rng(0)
    parts = [
        Split(random.normal(size=(n, 4)).astype("float32"), random.integers(2, size=(n, 3)), weights=1.0 + np.arange(n))
        for n in SIZES
    ]
    return DataSet(Description("f", "multilabel_classification", "s", "l"), tuple("abc"), *parts)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(stored_arrays, "SHARD_BYTES", 200)
    monkeypatch.setattr(large_arrays, "CHUNK_BYTES", 60)


@pytest.mark.parametrize(("make", "stored_type"), [(tokens, "uint16"), (images, "uint8"), (flags, "float32")])
def test_what_is_stored_is_read_back(make, stored_type, tmp_path) -> None:
    data = make()
    prepared.save(data, tmp_path, "one", OPTIONS)
    back = prepared.load(tmp_path, "one")
    assert back.is_streamed
    assert (back.sha256, back.rows) == (data.sha256, data.rows)
    for name, array in data.arrays.items():
        found = back.arrays[name]
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)
    shards = sorted((tmp_path / "one").glob("train_inputs.*.npy"))
    assert len(shards) > 1
    assert {np.load(path).dtype.name for path in shards} == {stored_type}
    assert isinstance(back.train.labels, np.ndarray)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    prepared.save(back, tmp_path, "one", OPTIONS)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    prepared.save(back, tmp_path, "one", {})
    assert not (tmp_path / "one").exists()
    assert prepared.load(tmp_path, "one").sha256 == data.sha256


@pytest.mark.parametrize("make", [tokens, images])
def test_any_rows_are_read_in_their_order_also_by_another_process(make, tmp_path) -> None:
    data = make()
    prepared.save(data, tmp_path, "one", OPTIONS)
    stored, random = prepared.load(tmp_path, "one").train.inputs, np.random.default_rng(0)
    for _ in range(20):
        rows = random.integers(len(stored), size=random.integers(60))
        np.testing.assert_array_equal(stored[rows], data.train.inputs[rows])
        some = random.permutation(len(rows))[:9]
        np.testing.assert_array_equal(stored.take(rows)[some], data.train.inputs[rows][some])
        np.testing.assert_array_equal(stored.take(rows).take(some)[2:5], data.train.inputs[rows][some][2:5])
    again = pickle.loads(pickle.dumps(stored))
    np.testing.assert_array_equal(again[:], data.train.inputs)


@pytest.mark.parametrize("make", [tokens, images, flags])
def test_a_subset_and_warnings_are_those_of_the_data_in_memory(make, tmp_path) -> None:
    data = make()
    prepared.save(data, tmp_path, "one", OPTIONS)
    back = prepared.load(tmp_path, "one")
    asked = {"train_rows": 20, "validation_rows": 0, "test_rows": 5, "seed": 1}
    assert subset(back, **asked).sha256 == subset(data, **asked).sha256
    assert prepared.manifest(subset(back, **asked), {}) == prepared.manifest(subset(data, **asked), {})
    double = replace(
        data, test=replace(data.test, inputs=np.concatenate([data.train.inputs[:3], data.test.inputs[3:]]))
    )
    [warning] = preparation.warnings(double)
    assert warning.startswith("3 of 11 test rows have the inputs of a row of train")
    prepared.save(double, tmp_path, "two", OPTIONS)
    assert preparation.warnings(prepared.load(tmp_path, "two")) == [warning]


def test_a_damaged_shard_is_named(tmp_path) -> None:
    prepared.save(tokens(), tmp_path, "one", OPTIONS)
    path = tmp_path / "one/train_inputs.001.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match=r"one/train_inputs\.001\.npy is not the file that its manifest describes; run"):
        prepared.load(tmp_path, "one")
    path.write_bytes(content[:-9])
    with pytest.raises(UserError, match=r"one is damaged .*; run"):
        prepared.load(tmp_path, "one")
    path.unlink()
    with pytest.raises(UserError, match=r"train_inputs\.001\.npy cannot be read \(No such file or directory\); run"):
        prepared.load(tmp_path, "one")


def test_files_of_what_is_gone_go_and_folds_are_refused(tmp_path) -> None:
    prepared.save(data := tokens(), tmp_path, "one", OPTIONS)
    (tmp_path / ".two.new").mkdir()
    back = prepared.load(tmp_path, "one")
    with pytest.raises(UserError, match="the data set is streamed, and folds deal out rows in memory"):
        folds.deal(back, 3, whole=data)
    prepared.remove_others(tmp_path, ["one"], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.json", "one.npz"]
    prepared.remove_others(tmp_path, [], [])
    assert not [*tmp_path.iterdir()]
