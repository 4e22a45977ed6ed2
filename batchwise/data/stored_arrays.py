"""Arrays in NumPy's own files, of which some rows are read at a time: those of data sets that are streamed.

The files of an array, its shards, are `<array>.000.npy`, `<array>.001.npy`, …: each of as many rows, the last of fewer,
and in the narrowest type of whole numbers that holds the values.
"""

import math
import mmap
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.data import large_arrays

SHARD_BYTES = 2**28  # of a file
WHOLE = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64")  # from narrow to wide
MOST_SHARDS = 256  # of an array, each of which a process keeps open


@dataclass(frozen=True)
class StoredArray:
    """An array [N, …] in files: `array[rows]` reads rows, of a slice or of numbers [R], in the type `dtype`."""

    files: tuple[Path, ...]
    shard_rows: int  # of each file but the last
    dtype: np.dtype
    shape: tuple[int, ...]
    rows: np.ndarray | None = None  # [N], the rows that it has of those in the files; None for all

    @property
    def ndim(self) -> int:
        """The number of its axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        return self._read(rows if self.rows is None else self.rows[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process opens the files again by."""
        return {name: value for name, value in vars(self).items() if name != "_shards"}

    @property
    def stored_type(self) -> np.dtype:
        """The type of the values in the files."""
        return self._shards[0].dtype

    def take(self, rows: np.ndarray) -> "StoredArray":
        """Return some rows [R], which are read when they are asked for."""
        kept = rows if self.rows is None else self.rows[rows]
        return replace(self, rows=kept, shape=(len(rows), *self.shape[1:]))

    @cached_property
    def _shards(self) -> list[np.ndarray]:
        return [np.load(file, mmap_mode="r", allow_pickle=False) for file in self.files]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Return rows by their numbers in the files, one shard after the other."""
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        order = np.argsort(rows, kind="stable")
        ends = np.searchsorted(rows[order], np.arange(1, len(self.files)) * self.shard_rows)
        for number, places in enumerate(np.split(order, ends)):
            if len(places):
                shard = self._shards[number]
                found[places] = shard[rows[places] - number * self.shard_rows]
                _forget(shard)
        return found


class Joined:
    """The rows of several arrays [N, …], stored or in memory, one after the other."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.arrays, self.starts = arrays, np.cumsum([0, *map(len, arrays)])
        self.dtype = np.result_type(*(array.dtype for array in arrays))
        self.shape = (int(self.starts[-1]), *arrays[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for array, start in zip(self.arrays, self.starts[:-1], strict=True):
            places = np.flatnonzero((rows >= start) & (rows < start + len(array)))
            if len(places):
                found[places] = array[rows[places] - start]
        return found


def _forget(shard: Any) -> None:
    """Let pages that were read count as the system's cache, no longer as memory of this process."""
    shard._mmap.madvise(mmap.MADV_DONTNEED)


def write(folder: Path, arrays: Mapping[str, Any], sum_of: Callable[[Path], str]) -> dict[str, Any]:
    """Write {name: array [N, …]} into a folder, and return what `read` needs: type, shape, rows of a shard, {file:
    checksum} of each."""
    about = {}
    for name, array in arrays.items():
        narrow = _narrow(array)
        row = math.prod(array.shape[1:]) * narrow.itemsize
        shard_rows = max(1, SHARD_BYTES // row, -(-len(array) // MOST_SHARDS))
        starts = range(0, len(array), shard_rows) or (0,)
        paths = [folder / f"{name}.{number:03d}.npy" for number in range(len(starts))]
        for path, start in zip(paths, starts, strict=True):
            _write_shard(path, array, start, min(start + shard_rows, len(array)), narrow)
        files = {path.name: sum_of(path) for path in paths}
        about[name] = {"dtype": array.dtype.str, "shape": [*array.shape], "shard_rows": shard_rows, "files": files}
    return about


def _narrow(array: Any) -> np.dtype:
    """Return the narrowest type of whole numbers that holds the values of an array; that of other numbers."""
    if array.dtype.kind not in "iu" or not len(array):
        return array.dtype
    limits = [limit for rows in large_arrays.chunks(array) for limit in (rows.min(), rows.max())]
    low, high = min(limits), max(limits)
    return next(kind for kind in map(np.dtype, WHOLE) if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)


def _write_shard(path: Path, array: Any, start: int, end: int, dtype: np.dtype) -> None:
    with path.open("wb") as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (end - start, *array.shape[1:])}
        np.lib.format.write_array_header_1_0(file, header)
        step = large_arrays.rows_of_chunk(array)
        for first in range(start, end, step):
            file.write(np.ascontiguousarray(array[first : min(first + step, end)], dtype).data)
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path, about: Mapping[str, Any]) -> dict[str, StoredArray]:
    """Return the arrays of a folder, of what `write` returned; nothing of their rows is read."""
    return {
        name: StoredArray(
            tuple(folder / file for file in array["files"]),
            array["shard_rows"],
            np.dtype(array["dtype"]),
            tuple(array["shape"]),
        )
        for name, array in about.items()
    }
