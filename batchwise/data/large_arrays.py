"""Arrays that a plug-in fills part by part: in memory, or on disk for a data set that is streamed.

Those on disk are memory-mapped files without a name, which are gone with the array: the system keeps of them in memory
what there is room for.
"""

import errno
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from batchwise.common.errors import UserError

FOLDER = Path("data")  # beside data/prepared, where the rows go in the end
MAX_BYTES = 2**32  # of an array in memory
CHUNK_BYTES = 2**25  # that are looked at together

_streamed: ContextVar[bool] = ContextVar("streamed", default=False)


@contextmanager
def streamed(on_disk: bool) -> Iterator[None]:
    """Let `new` make arrays on disk meanwhile, or in memory."""
    token = _streamed.set(on_disk)
    try:
        yield
    finally:
        _streamed.reset(token)


def are_on_disk() -> bool:
    """Return whether `new` makes arrays on disk: while a data set is prepared that is `streamed`."""
    return _streamed.get()


def new(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Return an array of zeros, to be filled, where `are_on_disk` says.

    Raises UserError if it is too large for memory, OSError if there is no room on the disk.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if are_on_disk() and size:
        return _on_disk(shape, dtype, size)
    if size > MAX_BYTES:
        raise UserError(
            f"an array of the shape {list(shape)} takes {size / 1e9:,.1f} GB; without `streamed: true` in the entry of "
            f"the data set at most {MAX_BYTES / 1e9:.1f} GB are allowed: write that, or make the data smaller"
        )
    return np.zeros(shape, dtype)


def _on_disk(shape: tuple[int, ...], dtype: DTypeLike, size: int) -> np.ndarray:
    FOLDER.mkdir(exist_ok=True)
    if size > shutil.disk_usage(FOLDER).free:  # before others lack it too
        raise OSError(errno.ENOSPC, f"No space left on device for {size / 1e9:,.1f} GB", str(FOLDER.resolve()))
    with TemporaryFile(dir=FOLDER) as file:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file.fileno(), 0, size)  # a mapping without room would end the process
        file.truncate(size)
        return np.memmap(file, dtype, "r+", shape=shape)


def is_on_disk(array: Any) -> bool:
    """Return whether an array is mapped from a file, not a copy in memory."""
    return isinstance(array, np.memmap)


def take(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return some rows [R] of an array [N, …], on disk if that is there."""
    if not is_on_disk(array):
        return array[rows]
    taken = new((len(rows), *array.shape[1:]), array.dtype)
    step = rows_of_chunk(array)
    for start in range(0, len(rows), step):
        taken[start : start + step] = array[rows[start : start + step]]
    return taken


def chunks(array: Any) -> Iterator[np.ndarray]:
    """Yield the rows of an array [N, …], in memory or on disk, some at a time, [C, …]; one without rows as it is."""
    if not array.ndim:
        yield array
        return
    step = rows_of_chunk(array)
    for start in range(0, len(array), step):
        yield array[start : start + step]


def rows_of_chunk(array: Any) -> int:
    """Return how many rows of an array take about CHUNK_BYTES, one at least."""
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    return max(1, CHUNK_BYTES // max(1, row))
