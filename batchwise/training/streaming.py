"""Training with rows that are read from disk (streamed_rows.py), and the bits of rows that are on the device."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from batchwise.runtime.tensorflow import tf
from batchwise.training.device_data import Examples
from batchwise.training.device_rows import statistics
from batchwise.training.host_rows import HostRows
from batchwise.training.program import Program
from batchwise.training.streamed_rows import Chunks, Held, StreamedRows, read_ahead
from batchwise.training.update import Epoch, Updater


class StreamedExamples(Examples):
    """Inputs and labels of all splits, on disk; some rows are on the device while something computes with them."""

    def __init__(self, rows: HostRows, dtype: str, *, whole: bool = False) -> None:
        """`dtype` and `whole` are those of Examples."""
        self.stored, self.is_holding = StreamedRows(rows, dtype, whole=whole), False
        self.dtype, self.dtype_of_inputs = dtype, self.stored.dtype_of_inputs
        self.mean, self.factor = (None if one is None else tf.constant(one, dtype) for one in statistics(rows.data))

    def __len__(self) -> int:
        return len(self.stored)

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
        with self.holding(on_device(self.stored.read(np.asarray(rows)))):
            return super().take(tf.range(len(rows)))

    def first(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of the first rows."""
        return super().first(number) if self.is_holding else self.take(np.arange(number))

    def weighted(self, losses: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return the losses of training rows, each times the weight of its row, [B]."""
        if self.is_holding or self.stored.weights is None:
            return super().weighted(losses, rows) if self.is_holding else losses
        return losses * tf.constant(self.stored.weights[np.asarray(rows)], self.dtype)

    def parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        return self.stored.parts()

    def chunks(self, batch_size: int) -> list[Held]:
        """Return as many chunks as a run holds beside that which a program computes with: one, and one being read."""
        rows = np.arange(self.stored.rows_of_chunk(batch_size)) % len(self)
        return [on_device(self.stored.read(rows)) for _ in range(2)]


def on_device(held: Held) -> Held:
    """Return rows as tensors."""
    inputs, labels, weights = held
    return tf.constant(inputs), tf.constant(labels), None if weights is None else tf.constant(weights)


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
        before = max(0, update.normalization_batch - 1)
        self.chunks = Chunks(update.examples.stored, batch_size, batches, remainder, before=before)
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
            for is_last, held, inputs in read_ahead([partial(self._chunk, epoch, at) for at in self.chunks.starts]):
                program = self.train_last if is_last else self.train_chunk
                program(on_device(held), *map(tf.constant, inputs))
            kept.append(self._values())
        return [tf.stack(values) for values in zip(*kept, strict=True)]

    def _values(self) -> list[tf.Tensor]:
        return [tf.identity(variable.value) for variable in self.update.model.variables]

    def _chunk(self, epoch: Epoch, start: int) -> tuple[bool, Held, list[Any]]:
        """Return whether it is the batch that remains that starts at a place of the order, its rows, and what else a
        program takes."""
        chunk = self.chunks.at(start, *epoch)
        held = self.examples.stored.read(chunk.rows, weighted=True)
        inputs = [chunk.order, chunk.drawn, chunk.row_keys, chunk.rates, np.int32(chunk.updates)]
        return start == self.chunks.rows, held, inputs

    def _train(
        self,
        size: int,
        held: Held,
        order: tf.Tensor,
        drawn: tf.Tensor,
        row_keys: tf.Tensor,
        rates: tf.Tensor,
        updates: tf.Tensor,
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
            if self.chunks.rows == self.batch_size or size < self.batch_size:  # a loop of one turn is none to XLA
                update(epoch, 0, self.batch_size, size)
            else:
                tf.while_loop(lambda number: number < updates, train_batch, [tf.constant(0)], parallel_iterations=1)
        averages.exchange()
