"""Training on JAX with rows that are read from disk (streamed_rows.py), and the bits of rows that are on the device."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from batchwise.runtime.jax import jax
from batchwise.training.device_rows import statistics
from batchwise.training.host_rows import HostRows
from batchwise.training.on_jax import program
from batchwise.training.on_jax.device_data import Array, Examples
from batchwise.training.on_jax.program import Program
from batchwise.training.on_jax.state import State
from batchwise.training.on_jax.update import Epoch, Updater
from batchwise.training.streamed_rows import Chunk, Chunks, StreamedRows, read_ahead

numpy = jax.numpy
OF_LANES = Examples(0, 0, 0, None, None)  # which have an axis for the lanes
TrainChunk = Callable[[State, Examples, Epoch, int], State]  # of all lanes; the last are the updates to make


class StreamedExamples:
    """Inputs and labels of all splits, on disk; some rows at a time are Examples, in which they are numbered anew."""

    def __init__(self, rows: HostRows, dtype: str, *, whole: bool) -> None:
        """`dtype` and `whole` are those of device_data.of_rows."""
        self.stored, self.training_rows = StreamedRows(rows, dtype, whole=whole), rows.data.rows["train"]
        self.statistics = [None if one is None else numpy.asarray(one, dtype) for one in statistics(rows.data)]

    @property
    def dtype_of_inputs(self) -> str:
        """The type in which inputs that are no images are handed out."""
        return self.stored.dtype_of_inputs

    def parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        return self.stored.parts()

    def take(self, rows: Any) -> tuple[Array, Array]:
        """Return the standardised inputs and the labels of some rows, [B, …] and [B, …]."""
        return _on_device(self.of_rows(np.asarray(rows))).take(numpy.arange(len(rows)))

    def of_rows(self, rows: np.ndarray, *, weighted: bool = False) -> Examples:
        """Return some rows, in memory; with their weights, if they are training rows."""
        return Examples(*self.stored.read(rows, weighted=weighted), *self.statistics)

    def are_few(self, batch_size: int) -> bool:
        """Return whether there are fewer training rows than two batches have."""
        return self.training_rows < 2 * batch_size

    def chunks(self, batch_size: int, lanes: int) -> list[Examples]:
        """Return as many chunks as a run holds beside that which a program computes with: one, and one being read.

        None where a program computes with all rows.
        """
        if self.are_few(batch_size):
            return []
        whole = self.training_rows // batch_size * batch_size
        rows = np.arange(min(whole, self.stored.rows_of_chunk(batch_size, lanes)))
        return [_on_device(self.of_lanes([rows] * lanes)) for _ in range(2)]

    def of_lanes(self, orders: Sequence[np.ndarray]) -> Examples:
        """Return training rows for each lane, [lanes, R, …], in memory; those of lanes with the same are read once."""
        held: list[np.ndarray] = []
        firsts: dict[bytes, int] = {}
        for lane, rows in enumerate(orders):
            first = firsts.setdefault(rows.tobytes(), lane)
            read = self.stored.read(rows, weighted=True) if first == lane else [values[first] for values in held]
            columns = [values for values in read if values is not None]
            held = held or [np.empty((len(orders), *values.shape), values.dtype) for values in columns]
            for values, of_lane in zip(held, columns, strict=True):
                values[lane] = of_lane
        return Examples(*held, *[None] * (3 - len(held)), *self.statistics)

    def first_update(self, update: Updater, rows: int, epoch: Epoch) -> tuple[Examples, Epoch]:
        """Return the rows of the first update of an epoch with so many, and what it is given, with these numbered."""
        before = max(0, update.normalization_batch - 1)
        chunk = Chunks(self.stored, rows, 1, 0, before=before).at(0, *map(np.asarray, epoch))
        return _on_device(self.of_rows(chunk.rows, weighted=True)), Epoch(*map(numpy.asarray, _epoch(chunk)))


def compiled(
    update: Updater, examples: StreamedExamples, batch_size: int, batches: int, remainder: int, *, room: int, lanes: int
) -> Program:
    """Return a program as program.compiled does, of which inputs and snapshots may be of fewer epochs than its room.

    Few rows are held all at once: on the device, the only whole batch of an epoch is in one program with the rest, and
    XLA rounds otherwise where it is in one of its own.
    """
    if examples.are_few(batch_size):
        return _of_all_rows(program.compiled(update, batch_size, batches, remainder, room=room), room)
    before = max(0, update.normalization_batch - 1)
    chunks = Chunks(examples.stored, batch_size, batches, remainder, before=before, lanes=lanes)
    return _StreamedProgram(update, chunks, room)


def _of_all_rows(train: Program, room: int) -> Program:
    """Return a program that reads the training rows when it is called, once for all lanes.

    Its room is that of runs in memory, and is filled: XLA makes another program of inputs of a single epoch.
    """

    def read_and_train(state: State, examples: StreamedExamples, *inputs: Any) -> tuple[State, list[Array]]:
        rows, given = np.arange(examples.training_rows), inputs[0].shape[1]
        filled = [np.repeat(values, room // given, axis=1) for values in inputs[:-1]]
        state, snapshots = train(state, examples.of_rows(rows, weighted=True), *filled, inputs[-1])
        return state, [values[:, : 1 + given] for values in snapshots]

    return read_and_train


class _StreamedProgram:
    """Calls a compiled program for each chunk of whole batches, and another for the batch that remains."""

    def __init__(self, update: Updater, chunks: Chunks, room: int) -> None:
        self.update, self.chunks, self.variables = update, chunks, update.variables
        m, is_one = chunks.batch_size, chunks.rows == chunks.batch_size
        # Without a loop over batches, to XLA: on the device such an update is in that over epochs.
        self.train_chunk = _of_one_update(update, m, 1, 0, room) if is_one else self._of_updates()
        self.train_last = _of_one_update(update, m, 0, chunks.remainder, room)

    def __call__(
        self,
        state: State,
        examples: StreamedExamples,
        orders: Array,
        drawn: Array,
        row_keys: Array,
        rates: Array,
        epochs: int,
    ) -> tuple[State, list[Array]]:
        kept = [[numpy.copy(values) for values in self.variables.of_model_in(state)]]
        of_lanes = [*zip(*map(np.asarray, (orders, drawn, row_keys, rates)), strict=True)]
        for number in range(epochs):
            of_epoch = [[values[number] for values in of_lane] for of_lane in of_lanes]
            reads = [partial(self._chunk, examples, of_epoch, start) for start in self.chunks.starts]
            for is_last, given in read_ahead(reads):
                trained = (self.train_last if is_last else self.train_chunk)(state, *given)
                state = jax.block_until_ready(trained)  # or more chunks would wait for it than are counted
            kept.append([numpy.copy(values) for values in self.variables.evaluated(state)])
        return state, [numpy.stack(values, 1) for values in zip(*kept, strict=True)]

    def _chunk(
        self, examples: StreamedExamples, of_lanes: list[list[np.ndarray]], start: int
    ) -> tuple[bool, tuple[Examples, Epoch, int]]:
        """Return whether it is the batch that remains that starts at a place of the orders, and for all lanes its rows,
        what its updates are given, and how many these are."""
        chunks = [self.chunks.at(start, *of_lane) for of_lane in of_lanes]
        epoch = Epoch(*(np.stack(values) for values in zip(*map(_epoch, chunks), strict=True)))
        held = examples.of_lanes([chunk.rows for chunk in chunks])
        return start == self.chunks.rows, (held, epoch, chunks[0].updates)

    def _of_updates(self) -> TrainChunk:
        """Return a program that makes some updates of m rows each, as many as it is told."""

        def train(state: State, examples: Examples, epoch: Epoch, updates: Array) -> State:
            m = self.chunks.batch_size
            return jax.lax.fori_loop(
                0,
                updates,
                lambda number, state: self.update(state, examples, epoch, number, m, m),
                self.variables.at_rate(state, epoch.rates[0]),
            )

        return jax.jit(jax.vmap(train, in_axes=(0, OF_LANES, 0, None)), donate_argnums=0)


def _of_one_update(update: Updater, batch_size: int, batches: int, remainder: int, room: int) -> TrainChunk:
    """Return a program that makes the only update of one epoch, with so many batches and rows that remain."""
    train = program.compiled(update, batch_size, batches, remainder, room=room, of_lanes=OF_LANES)

    def train_one(state: State, examples: Examples, epoch: Epoch, updates: int) -> State:
        return train(state, examples, *(np.repeat(values[:, None], room, axis=1) for values in epoch), updates)[0]

    return train_one


def _on_device(examples: Examples) -> Examples:
    return jax.tree.map(numpy.asarray, examples)


def _epoch(chunk: Chunk) -> Epoch:
    return Epoch(chunk.order, chunk.drawn, chunk.row_keys, chunk.rates)
