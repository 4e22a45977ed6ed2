"""Arrays on disk: filled and read as those in memory, gone with the data set, and refused by a sentence."""

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.config import params
from batchwise.data import large_arrays
from tests.config.test_folds import content


def test_an_array_on_disk_is_as_one_in_memory_and_leaves_no_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(large_arrays, "CHUNK_BYTES", 100)
    values, rows = np.random.default_rng(0).integers(9, size=(50, 3), dtype="int32"), np.arange(40, 3, -2)
    taken = []
    for on_disk in (False, True):
        with large_arrays.streamed(on_disk):
            array = large_arrays.new(values.shape, "int32")
            assert not array.any()
            array[:] = values
            taken.append(large_arrays.take(array, rows))
            assert [large_arrays.is_on_disk(one) for one in (array, taken[-1])] == [on_disk] * 2
            np.testing.assert_array_equal(np.concatenate([*large_arrays.chunks(array)]), values)
            assert max(map(len, large_arrays.chunks(array))) == 100 // 12
            assert large_arrays.new((0, 3), "int32").shape == (0, 3)
    np.testing.assert_array_equal(*taken)
    assert [*tmp_path.rglob("*")] == [tmp_path / "data"]


def test_what_is_too_large_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"takes 1,099\.5 GB; without `streamed: true` in the entry of the data set"):
        large_arrays.new((2**40,), "uint8")
    with large_arrays.streamed(True), pytest.raises(OSError, match="No space left on device for 1,125,899"):
        large_arrays.new((2**50,), "uint8")


def test_the_key_streamed_is_of_any_data_set_and_not_with_folds() -> None:
    given = content(None)
    given["data_sets"]["wine"]["streamed"] = True
    params.check(given)
    given["data_sets"]["wine"]["streamed"] = "yes"
    with pytest.raises(UserError, match=r"data_sets\.wine\.streamed: 'yes' is neither true nor false"):
        params.check(given)
    dealt = content(3)
    dealt["data_sets"]["wine"]["streamed"] = True
    with pytest.raises(
        UserError, match=r"studies\.one\.folds: the data set wine is streamed, and folds needs its rows"
    ):
        params.check(dealt)
    given["data_sets"]["wine"]["streamed"] = True
    given["studies"]["one"]["landscape"] = [4]
    with pytest.raises(UserError, match=r"studies\.one\.landscape: the data set wine is streamed"):
        params.check(given)
