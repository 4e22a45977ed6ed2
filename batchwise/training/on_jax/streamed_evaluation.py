"""The evaluation of the lanes of a program on rows that are read from disk: as training/streamed_evaluation.py.

Rows are read once for all lanes.
"""

from functools import partial
from typing import Any

import numpy as np

from batchwise.runtime.jax import jax
from batchwise.training.on_jax.device_data import Array, Examples
from batchwise.training.on_jax.evaluation import Evaluator
from batchwise.training.on_jax.streaming import StreamedExamples
from batchwise.training.streamed_rows import read_ahead

numpy = jax.numpy


class StreamedEvaluator(Evaluator):
    """An Evaluator of StreamedExamples: the values of whole batches first, then what they give together with the rest.

    The bits are those of rows on the device, where all of it is one program: each of these two has one loop of it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.batches, self.remainder = divmod(sum(self.sizes), self.batch_rows)
        self.of_chunk = jax.jit(jax.vmap(self._of_chunk, in_axes=(0, None, None, None, None)))
        # The lanes are where a loop over batches on the device has them, or XLA would add rows in another order.
        self.summary = jax.jit(jax.vmap(self._of_batches, in_axes=(0, None, 2, None, None)))

    def compile(self, examples: Any) -> None:
        """Compile the programs by evaluating no snapshot: of a chunk alone are rows read."""
        if self.batches < 2:
            super().compile(examples)
            return
        snapshots, rest = self.no_snapshots(), examples.of_rows(np.arange(self.remainder))
        _, held = self._read(examples, self.remainder, self._rows_of_chunk(examples))
        found = self.of_chunk(snapshots, held, 0, 0, -1)
        none = [np.zeros((self.room, self.batches, self.lanes, *one.shape[3:]), one.dtype) for one in found]
        self.summary(snapshots, rest, none, 0, -1)

    def _evaluated(
        self, snapshots: list[Array], examples: Any, first: int, last: int
    ) -> tuple[list[np.ndarray], list[Array]]:
        if self.batches < 2:  # a loop of one turn is none to XLA
            return super()._evaluated(snapshots, examples.of_rows(np.arange(sum(self.sizes))), first, last)
        size = self._rows_of_chunk(examples)
        reads = [partial(self._read, examples, start, size) for start in range(self.remainder, sum(self.sizes), size)]
        found = []
        for batches, held in read_ahead(reads):
            of_chunk = self.of_chunk(snapshots, held, batches, first, last)
            found.append([np.moveaxis(np.asarray(values), 0, 2)[:, :batches] for values in of_chunk])
        of_batches = [np.concatenate(values, 1) for values in zip(*found, strict=True)]
        rest = examples.of_rows(np.arange(self.remainder))
        kept, of_test_rows = self.summary(snapshots, rest, of_batches, first, last)
        return [np.asarray(values)[:, first : last + 1] for values in kept], of_test_rows

    def _rows_of_chunk(self, examples: StreamedExamples) -> int:
        return min(examples.stored.rows_of_chunk(self.batch_rows), self.batches * self.batch_rows)

    def _read(self, examples: StreamedExamples, start: int, size: int) -> tuple[int, Examples]:
        """Return how many batches there are from a row on, in so many rows, and them, with others for those missing."""
        rows = min(size, sum(self.sizes) - start)
        return rows // self.batch_rows, examples.of_rows(start + np.arange(size) % rows)

    def _of_chunk(
        self, snapshots: list[Array], held: Examples, batches: Array, first: Array, last: Array
    ) -> list[Array]:
        """Return the values of the rows of some batches at each snapshot, [room, ·, rows, …] each, and zeros for others
        of the chunk."""
        room = held.labels.shape[0] // self.batch_rows

        def of_batches(values: list[Array]) -> tuple[list[Array], list[Array]]:
            def evaluate(number: Array, kept: list[Array]) -> list[Array]:
                rows = number * self.batch_rows + numpy.arange(self.batch_rows, dtype="int32")
                pairs = zip(kept, self._of_batch(values, held, rows), strict=True)
                return [of_all.at[number].set(of_rows) for of_all, of_rows in pairs]

            shapes = jax.eval_shape(lambda: self._of_batch(values, held, numpy.arange(self.batch_rows)))
            kept = [numpy.zeros((room, *one.shape), one.dtype) for one in shapes]
            return jax.lax.fori_loop(0, batches, evaluate, kept), []

        return self._at_each(of_batches, snapshots, first, last)[0]

    def _of_batches(
        self, snapshots: list[Array], rest: Examples, of_batches: list[Array], first: Array, last: Array
    ) -> tuple[list[Array], list[Array]]:
        """Return what `_summary` does at each snapshot, of the values of the rows in batches [room, ·, rows, …], and of
        the rest, which come before them."""
        rows = numpy.arange(self.remainder, dtype="int32")

        def summary(given: tuple[list[Array], list[Array]]) -> tuple[list[Array], list[Array]]:
            values, others = given
            of_rest = self._of_batch(values, rest, rows) if self.remainder else None
            return self._summary(self._joined(of_rest, others))

        return self._at_each(summary, (snapshots, of_batches), first, last)
