"""Training and evaluation with rows that are read from disk, in chunks, and the bits of rows that are on the device.

A chunk is a small data set to a compiled program: as many rows as some whole batches have, in the order of the epoch.
The next one is read while the program computes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from batchwise.data.dataset import SPLITS
from batchwise.data.stored_arrays import Joined
from batchwise.runtime.tensorflow import tf
from batchwise.training.device_data import Examples
from batchwise.training.device_rows import are_whole, statistics, type_of_labels
from batchwise.training.host_rows import HostRows
from batchwise.training.program import Program
from batchwise.training.update import Epoch, Updater

# On the device: few enough to be small beside what TensorFlow takes, so many that calls of programs cost little.
CHUNK_BYTES = 2**24

Held = tuple[Any, Any, Any]  # inputs, labels and weights of some rows, in memory or on the device


class StreamedExamples(Examples):
    """Inputs and labels of all splits, on disk; some rows are on the device while something computes with them."""

    def __init__(self, rows: HostRows, dtype: str, *, whole: bool = False) -> None:
        """`dtype` and `whole` are those of Examples."""
        self.dtype, self.host, self.is_holding = dtype, rows, False
        self.dtype_of_inputs = "int32" if whole and are_whole(rows.data) else dtype
        self.stored = Joined([getattr(rows.data, name).inputs for name in SPLITS])
        of_inputs = "uint8" if self.stored.dtype == np.uint8 else self.dtype_of_inputs
        self.columns = (self.stored, of_inputs), (rows.labels, type_of_labels(rows.data, dtype))
        self.mean, self.factor = (None if one is None else tf.constant(one, dtype) for one in statistics(rows.data))

    def __len__(self) -> int:
        return len(self.stored)

    def read(self, rows: np.ndarray, *, weighted: bool = False) -> Held:
        """Return inputs, labels and, if they are weighted, weights of some rows [R], in memory."""
        inputs, labels = (array[rows].astype(dtype, copy=False) for array, dtype in self.columns)
        weights = self.host.weights
        return inputs, labels, weights[rows].astype(self.dtype) if weighted and weights is not None else None

    @contextmanager
    def holding(self, held: Held) -> Iterator[None]:
        """Let rows be numbered within those that are held, for what is computed or traced meanwhile."""
        self.is_holding, (self.inputs, self.labels, self.weights) = True, held
        try:
            yield
        finally:
            self.is_holding, (self.inputs, self.labels, self.weights) = False, (None, None, None)

    def take(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of some rows, [B, …] and [B]: read, if none are held."""
        if self.is_holding:
            return super().take(rows)
        with self.holding(on_device(self.read(np.asarray(rows)))):
            return super().take(tf.range(len(rows)))

    def first(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of the first rows."""
        return super().first(number) if self.is_holding else self.take(np.arange(number))

    def weighted(self, losses: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return the losses of training rows, each times the weight of its row, [B]."""
        if self.is_holding or self.host.weights is None:
            return super().weighted(losses, rows) if self.is_holding else losses
        return losses * tf.constant(self.host.weights[np.asarray(rows)], self.dtype)

    def parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        step = self.rows_of_chunk(1)
        return (self.stored[start : start + step] for start in range(0, len(self), step))

    def chunks(self, batch_size: int) -> list[Held]:
        """Return as many chunks as a run holds beside that which a program computes with: one, and one being read."""
        rows = np.arange(self.rows_of_chunk(batch_size)) % len(self)
        return [on_device(self.read(rows)) for _ in range(2)]

    def rows_of_chunk(self, batch_size: int) -> int:
        """Return how many rows a chunk of whole batches has: one batch at least."""
        row = sum(int(np.prod(array.shape[1:])) * tf.as_dtype(dtype).size for array, dtype in self.columns)
        return max(1, CHUNK_BYTES // (row * batch_size)) * batch_size


def on_device(held: Held) -> Held:
    """Return rows as tensors."""
    inputs, labels, weights = held
    return tf.constant(inputs), tf.constant(labels), None if weights is None else tf.constant(weights)


def read_ahead(reads: list[Callable[[], Any]]) -> Iterator[Any]:
    """Yield what functions return, each of which is called while what the one before returned is in use.

    They must not use TensorFlow: the end of a thread that did can wait for Python, which waits for the thread.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = deque(thread.submit(read) for read in reads[:1])
        for following in [*reads[1:], None]:
            current = waiting.popleft().result()
            if following:
                waiting.append(thread.submit(following))
            yield current


def compiled(update: Updater, batch_size: int, batches: int, remainder: int, *, room: int, xla: bool) -> Program:
    """Return a program as program.compiled does, of an updater with StreamedExamples.

    Its snapshots are of the epochs that are trained alone, whatever there is room for.
    """
    return _StreamedProgram(update, batch_size, batches, remainder, xla)


class _StreamedProgram:
    """Calls a compiled program for each chunk of whole batches, and another for the batch that remains."""

    def __init__(self, update: Updater, batch_size: int, batches: int, remainder: int, xla: bool) -> None:
        assert isinstance(update.examples, StreamedExamples)
        self.update, self.examples, self.batch_size = update, update.examples, batch_size
        self.rows, self.remainder = batches * batch_size, remainder
        self.chunk = min(self.examples.rows_of_chunk(batch_size), self.rows)
        self.before = max(0, update.normalization_batch - 1)  # rows that may be normalised with the first of a chunk
        # Autograph, which is not needed, would take as long as compiling.
        self.train_chunk, self.train_last = (
            tf.function(partial(self._train, size), jit_compile=xla, autograph=False)
            for size in (batch_size, remainder)
        )

    def __call__(
        self, orders: tf.Tensor, drawn: tf.Tensor, row_keys: tf.Tensor, rates: tf.Tensor, epochs: tf.Tensor
    ) -> list[tf.Tensor]:
        kept = [self._values()]
        for number in range(int(epochs)):
            epoch = Epoch(*(np.asarray(values[number]) for values in (orders, drawn, row_keys, rates)))
            chunks = [partial(self._chunk, epoch, start) for start in range(0, self.rows, self.chunk or 1)]
            last = [partial(self._chunk, epoch, self.rows)] if self.remainder else []
            for is_last, held, inputs in read_ahead([*chunks, *last]):
                program = self.train_last if is_last else self.train_chunk
                program(on_device(held), *map(tf.constant, inputs))
            kept.append(self._values())
        return [tf.stack(values) for values in zip(*kept, strict=True)]

    def _values(self) -> list[tf.Tensor]:
        return [tf.identity(variable.value) for variable in self.update.model.variables]

    def _chunk(self, epoch: Epoch, start: int) -> tuple[bool, Held, list[Any]]:
        """Return whether it is the batch that remains that starts at a place of the order, its rows, and what else a
        program takes.

        Rows that are missing to a whole chunk are any; last come those before it, of which a batch may be normalised
        with some: before the first row of an order comes its last.
        """
        is_last = start == self.rows
        size = self.remainder if is_last else self.chunk
        rows = epoch.order[start : start + self.remainder] if is_last else epoch.order[start : self.rows][:size]
        before = epoch.order[np.arange(start - self.before, start) % len(epoch.order)]
        spare = size - len(rows) + (len(epoch.order) > self.batch_size)
        all_rows = np.concatenate([rows, np.repeat(rows[:1], spare), before])
        of_rows = [values[all_rows] if len(values) else values for values in (epoch.drawn, epoch.row_keys)]
        updates = -(-size // self.batch_size)
        rates = np.resize(epoch.rates[start // self.batch_size :][:updates], updates)
        held = self.examples.read(all_rows, weighted=True)
        # XLA would make another program of an order that is a constant, or of which all rows are those of a batch, as
        # they are in memory in one case alone.
        order = np.arange(len(all_rows), dtype="int32")
        return is_last, held, [order, *of_rows, rates, np.int32(len(rows) // self.batch_size)]

    def _train(
        self,
        size: int,
        held: Held,
        order: tf.Tensor,
        drawn: tf.Tensor,
        row_keys: tf.Tensor,
        rates: tf.Tensor,
        batches: tf.Tensor,
    ) -> None:
        """Apply some updates of `size` rows each; of fewer rows than m one."""
        update, averages = self.update, self.update.averages
        epoch = Epoch(order, drawn, row_keys, rates)

        def train_batch(number: tf.Tensor) -> tf.Tensor:
            update(epoch, number, self.batch_size, size)
            return number + 1

        update.optimizer.learning_rate.assign(rates[0])
        averages.exchange()
        with self.examples.holding(held):
            if self.rows == self.batch_size or size < self.batch_size:  # a loop of one turn is none to XLA
                update(epoch, 0, self.batch_size, size)
            else:
                tf.while_loop(lambda number: number < batches, train_batch, [tf.constant(0)], parallel_iterations=1)
        averages.exchange()
