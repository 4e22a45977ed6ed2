"""Rows that are read from disk while runs train and are evaluated: what the host has of them, on either engine.

A chunk is a small data set to a compiled program: as many rows as some whole batches have, in the order of the epoch.
The next one is read while the program computes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from batchwise.data.dataset import SPLITS
from batchwise.data.stored_arrays import Joined
from batchwise.runtime.keras import size_of_type
from batchwise.training.device_rows import are_whole, type_of_labels
from batchwise.training.host_rows import HostRows

# On the device: few enough to be small beside what an engine takes, so many that calls of programs cost little.
CHUNK_BYTES = 2**24

Held = tuple[Any, Any, Any]  # inputs, labels and weights of some rows, in memory or on the device


class StreamedRows:
    """Inputs and labels of all splits, on disk."""

    def __init__(self, rows: HostRows, dtype: str, *, whole: bool) -> None:
        """`dtype` and `whole` as those of device_data.Examples."""
        self.dtype, self.weights = dtype, rows.weights
        self.dtype_of_inputs = "int32" if whole and are_whole(rows.data) else dtype
        self.inputs = Joined([getattr(rows.data, name).inputs for name in SPLITS])
        are_bytes = rows.data.mean is not None and self.inputs.dtype == np.uint8
        of_inputs = "uint8" if are_bytes else self.dtype_of_inputs
        self.columns = (self.inputs, of_inputs), (rows.labels, type_of_labels(rows.data, dtype))

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, rows: np.ndarray, *, weighted: bool = False) -> Held:
        """Return inputs, labels and, if they are weighted, weights of some rows [R], in memory."""
        inputs, labels = (array[rows].astype(dtype, copy=False) for array, dtype in self.columns)
        weights = self.weights
        return inputs, labels, weights[rows].astype(self.dtype) if weighted and weights is not None else None

    def parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        step = self.rows_of_chunk(1)
        return (self.inputs[start : start + step] for start in range(0, len(self), step))

    def rows_of_chunk(self, batch_size: int, lanes: int = 1) -> int:
        """Return how many rows a chunk of whole batches has, in each of some lanes: one batch at least."""
        row = sum(int(np.prod(array.shape[1:])) * size_of_type(dtype) for array, dtype in self.columns)
        return max(1, CHUNK_BYTES // (row * batch_size * lanes)) * batch_size


class Chunk(NamedTuple):
    """Some updates of an epoch: their rows, and what else an Epoch (update.py) has of these, numbered within them."""

    rows: np.ndarray  # [R]
    drawn: np.ndarray  # [R, 3 or 7], or [0, …]
    row_keys: np.ndarray  # [R], or [0]
    rates: np.ndarray  # [updates]
    updates: int  # how many of them are to be applied

    @property
    def order(self) -> np.ndarray:
        """The order in which the updates take the rows: that in which they are held."""
        # XLA would make another program of an order that is a constant.
        return np.arange(len(self.rows), dtype="int32")


class Chunks:
    """The chunks of an epoch of `batches` of m rows and a remainder, of which each has an order, as an Epoch has it."""

    def __init__(
        self, stored: StreamedRows, batch_size: int, batches: int, remainder: int, *, before: int, lanes: int = 1
    ) -> None:
        """`before` is how many rows before it in the order may be normalised with the first of a chunk."""
        self.batch_size, self.rows, self.remainder, self.before = batch_size, batches * batch_size, remainder, before
        self.size = min(stored.rows_of_chunk(batch_size, lanes), self.rows)

    @property
    def starts(self) -> list[int]:
        """The places of the order at which chunks begin: those of whole batches, then that of a batch that remains."""
        whole = range(0, self.rows, self.size or 1)
        return [*whole, self.rows] if self.remainder else [*whole]

    def at(self, start: int, order: np.ndarray, drawn: np.ndarray, row_keys: np.ndarray, rates: np.ndarray) -> Chunk:
        """Return the chunk that begins at a place of an order.

        Rows that are missing to a whole chunk are any; last come those before it, of which a batch may be normalised
        with some: before the first row of an order comes its last.
        """
        is_last = start == self.rows
        size, end = (self.remainder, start + self.remainder) if is_last else (self.size, self.rows)
        rows = order[start : min(start + size, end)]
        before = order[np.arange(start - self.before, start) % len(order)]
        # XLA would make another program of an order of which all rows are those of a batch, as they are in memory in
        # one case alone.
        spare = size - len(rows) + (len(order) > self.batch_size)
        all_rows = np.concatenate([rows, np.repeat(rows[:1], spare), before])
        drawn, row_keys = (values[all_rows] if len(values) else values for values in (drawn, row_keys))
        room, updates = (-(-number // self.batch_size) for number in (size, len(rows)))
        of_updates = np.resize(rates[start // self.batch_size :][:room], room)
        return Chunk(all_rows, drawn, row_keys, of_updates, updates)


def read_ahead(reads: Sequence[Callable[[], Any]]) -> Iterator[Any]:
    """Yield what functions return, each of which is called while what the one before returned is in use.

    They must not use the engine: the end of a thread that used TensorFlow can wait for Python, which waits for it.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = deque(thread.submit(read) for read in reads[:1])
        for following in [*reads[1:], None]:
            current = waiting.popleft().result()
            if following:
                waiting.append(thread.submit(following))
            yield current
