"""The evaluation of a model on rows that are read from disk: the values of each row, and then what they give together.

Values are computed in the batches that rows on the device are evaluated in, and reduced as theirs: the bits are theirs.
"""

from functools import partial
from typing import Any

import numpy as np

from batchwise.runtime.tensorflow import tf
from batchwise.training.evaluation import Evaluator
from batchwise.training.streamed_rows import Held, read_ahead
from batchwise.training.streaming import StreamedExamples, on_device


class StreamedEvaluator(Evaluator):
    """An Evaluator of StreamedExamples."""

    examples: StreamedExamples

    def __init__(self, *arguments: Any, xla: bool, **options: Any) -> None:
        super().__init__(*arguments, xla=xla, **options)
        self.remainder = len(self.examples) % self.batch_rows
        self.chunk = min(self.examples.stored.rows_of_chunk(self.batch_rows), len(self.examples) - self.remainder)
        self.of_few, self.of_first, self.of_chunk, self.summary = (
            tf.function(body, jit_compile=xla, autograph=False)
            for body in (self._of_few, self._of_first, self._of_chunk, self._summary_of_batches)
        )

    def _evaluated(self, snapshots: list[tf.Tensor], first: int, last: int) -> tuple[list[np.ndarray], list[tf.Tensor]]:
        kept = []
        for number in range(first, last + 1):
            for variable, values in zip(self.model.variables, snapshots, strict=True):
                variable.assign(values[number])
            found, of_test_rows = self._found()
            kept.append([values.numpy() for values in found])
        return [np.stack(values) for values in zip(*kept, strict=True)], of_test_rows

    def _found(self) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return what `_summary` does. Of few rows it is one program, as on the device: XLA rounds others otherwise."""
        if not self.chunk:
            return self.of_few(on_device(self.examples.stored.read(np.arange(self.remainder))))
        return self.summary(*self._of_all_chunks())

    def _of_few(self, held: Held) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        return self._summary(self._of_first(held))

    def _compile(self) -> None:
        if not self.chunk:
            self._found()
            return
        if self.remainder:
            self.of_first(on_device(self.examples.stored.read(np.arange(self.remainder))))
        self.of_chunk(on_device(self.examples.stored.read(np.zeros(self.chunk, "int64"))), tf.constant(0))
        shapes = (self.remainder,), (len(self.examples) // self.batch_rows, self.batch_rows)
        self.summary(*([tf.zeros((*shape, *spec.shape), spec.dtype) for spec in self.specs] for shape in shapes))

    def _of_all_chunks(self) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return the values of the first rows, [·, …] each, and of the batches after them, [·, rows, …] each."""
        starts = range(self.remainder, len(self.examples), self.chunk)
        first = [partial(self._read, 0, self.remainder)] if self.remainder else []
        found: list[list[np.ndarray]] = []
        for rows, held in read_ahead([*first, *(partial(self._read, start, self.chunk) for start in starts)]):
            is_chunk, tensors = not first or found, on_device(held)
            values = (
                self.of_chunk(tensors, tf.constant(rows // self.batch_rows)) if is_chunk else self.of_first(tensors)
            )
            found.append([one.numpy()[:rows] for one in values])
        together = [np.concatenate(values) for values in zip(*found, strict=True)]
        return (
            [tf.constant(values[: self.remainder]) for values in together],
            [
                tf.constant(values[self.remainder :].reshape(-1, self.batch_rows, *values.shape[1:]))
                for values in together
            ],
        )

    def _summary_of_batches(
        self, first: list[tf.Tensor], others: list[tf.Tensor]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        return self._summary(self._joined(first, others))

    def _read(self, start: int, size: int) -> tuple[int, Held]:
        """Return how many rows there are from one on, of so many, and them, with others in place of those missing."""
        rows = min(size, len(self.examples) - start)
        return rows, self.examples.stored.read(start + np.arange(size) % rows)

    def _of_first(self, held: Held) -> list[tf.Tensor]:
        with self.examples.holding(held):
            return self._of_batch(*self.examples.first(self.remainder))

    def _of_chunk(self, held: Held, batches: tf.Tensor) -> list[tf.Tensor]:
        """Return the values of the rows of some batches, and zeros for others of the chunk."""
        shapes = [(self.batch_rows, *spec.shape) for spec in self.specs]

        def evaluate(number: tf.Tensor, kept: list[tf.TensorArray]) -> tuple[tf.Tensor, list[tf.TensorArray]]:
            rows = number * self.batch_rows + tf.range(self.batch_rows)
            values = self._of_batch(*self.examples.take(rows))
            return number + 1, [array.write(number, of_rows) for array, of_rows in zip(kept, values, strict=True)]

        arrays = [
            tf.TensorArray(spec.dtype, self.chunk // self.batch_rows, element_shape=shape)
            for spec, shape in zip(self.specs, shapes, strict=True)
        ]
        with self.examples.holding(held):
            _, arrays = tf.while_loop(
                lambda number, _: number < batches, evaluate, (tf.constant(0), arrays), parallel_iterations=1
            )
        return [tf.reshape(array.stack(), [-1, *spec.shape]) for array, spec in zip(arrays, self.specs, strict=True)]
