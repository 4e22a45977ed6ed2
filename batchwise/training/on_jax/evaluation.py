"""The evaluation of the lanes of a program on all rows of a data set, in inference mode: the metrics of its task."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from batchwise.runtime.jax import jax, keras
from batchwise.training import evaluation_rows
from batchwise.training.host_metrics import Evaluation, HostMetrics
from batchwise.training.on_jax.device_data import Array, Examples
from batchwise.training.on_jax.state import Variables

numpy = jax.numpy


class Evaluator:
    """One compiled program, which all batch sizes share: it evaluates snapshots of the variables of each lane.

    `room` is the number of snapshots that a call has room for.
    """

    def __init__(
        self, model: keras.Model, variables: Variables, metrics: HostMetrics, *, room: int, lanes: int
    ) -> None:
        self.model, self.variables, self.metrics = model, variables, metrics
        self.room, self.lanes, self.sizes = room, lanes, metrics.sizes
        self.batch_rows = evaluation_rows.together(model, lanes)
        # A subclass of keras.Model has no `outputs`, a Sequential no `output`.
        [output] = keras.tree.flatten(model.outputs if isinstance(model, keras.Sequential) else model.output)
        self.levels = metrics.levels(output.shape[-1])
        self.program = jax.jit(jax.vmap(self._evaluate, in_axes=(0, None, None, None)))

    def __call__(
        self,
        snapshots: list[Array],
        examples: Any,
        first: int,
        last: int,
        scored: Collection[int],
        lanes: Sequence[int],
        *,
        is_end: bool,
    ) -> list[Evaluation]:
        """Return of some lanes each metric at each snapshot from first to last, and what HostMetrics has of test rows.

        Scores of all predictions are those of the snapshots that are `scored`. `snapshots` are the values of each
        variable of the model, [lanes, room, …], `examples` are Examples.
        """
        kept, of_test_rows = self._evaluated(snapshots, examples, first, last)
        tests = [np.asarray(values) for values in of_test_rows] if is_end else []
        return [
            self.metrics.evaluation(
                [values[lane] for values in kept],
                [values[lane] for values in tests],
                range(first, last + 1),
                scored,
                is_end,
            )
            for lane in lanes
        ]

    def compile(self, examples: Any) -> None:
        """Compile the program by evaluating no snapshot."""
        self(self.no_snapshots(), examples, 0, -1, (), range(0), is_end=False)

    def no_snapshots(self) -> list[Array]:
        """Return snapshots of all lanes, as many as a call has room for, in which each variable is 0."""
        return [numpy.zeros((self.lanes, self.room, *one.shape), one.dtype) for one in self.model.variables]

    def _evaluated(
        self, snapshots: list[Array], examples: Any, first: int, last: int
    ) -> tuple[list[np.ndarray], list[Array]]:
        """Return what `_summary` does at each snapshot from first to last, [lanes, number, …] each, and at the last."""
        kept, of_test_rows = self.program(snapshots, examples, first, last)
        return [np.asarray(values)[:, first : last + 1] for values in kept], of_test_rows

    def _evaluate(
        self, snapshots: list[Array], examples: Examples, first: Array, last: Array
    ) -> tuple[list[Array], list[Array]]:
        """Return what `_summary` does at each snapshot, [room, …] each, and at the last."""
        return self._at_each(lambda values: self._summary(self._of_all(values, examples)), snapshots, first, last)

    def _at_each(
        self, found: Callable[[Any], tuple[list[Array], list[Array]]], given: Any, first: Array, last: Array
    ) -> tuple[list[Array], list[Array]]:
        """Return what is found of what each snapshot from first to last is given: [room, …] each, and at the last."""
        shapes = jax.eval_shape(found, jax.tree.map(lambda values: values[0], given))
        kept, at_last = jax.tree.map(lambda one: numpy.zeros(one.shape, one.dtype), shapes)
        kept = [numpy.zeros((self.room, *values.shape), values.dtype) for values in kept]

        def evaluate(number: Array, state: tuple[list[Array], list[Array]]) -> tuple[list[Array], list[Array]]:
            of_number, at_last = found(jax.tree.map(lambda values: values[number], given))
            pairs = zip(state[0], of_number, strict=True)
            return [values.at[number].set(value) for values, value in pairs], at_last

        return jax.lax.fori_loop(first, last + 1, evaluate, (kept, at_last))

    def _summary(self, found: list[Array]) -> tuple[list[Array], list[Array]]:
        """Return the values of all rows, [N, …] each, reduced over each split, with the predictions as they are, and
        the values of the test rows that are kept."""
        reduced = map(self._reduced, found, self.levels)
        tests = sum(self.sizes) - self.sizes[-1]
        return [*reduced, *found[len(self.levels) :]], [found[place][tests:] for place in self.metrics.kept_values()]

    def _reduced(self, values: Array, levels: int | None) -> Array:
        """Return the mean over the rows of each split of values [N, …], or their sum if they are bool, [3, …].

        Of values that are whole numbers below `levels`, how many rows of each split have which, [3, levels].
        """
        if levels:
            cells = numpy.asarray(self.metrics.split_of_row * levels, "int32") + values.astype("int32")
            counts = numpy.zeros(len(self.sizes) * levels, "int32").at[cells].add(1, mode="promise_in_bounds")
            return counts.reshape(len(self.sizes), levels)
        splits = numpy.split(values, np.cumsum(self.sizes)[:-1])
        if values.dtype == bool:
            return numpy.stack([split.sum(0, dtype="int32") for split in splits])
        dtype = "float64" if values.dtype == "float64" else self.model.variable_dtype
        none = numpy.full(values.shape[1:], np.nan, dtype)
        return numpy.stack([split.astype(dtype).mean(0) if len(split) else none for split in splits])

    def _of_all(self, values: list[Array], examples: Examples) -> list[Array]:
        """Return the values of all rows of all splits, [N, …] each, in batches of a fixed size."""
        batches, remainder = divmod(sum(self.sizes), self.batch_rows)
        first = (
            self._of_batch(values, examples, numpy.arange(remainder, dtype="int32"))
            if remainder or not batches
            else None
        )
        if not batches:
            assert first is not None
            return first
        rows = numpy.arange(remainder, sum(self.sizes), dtype="int32").reshape(batches, self.batch_rows)
        others = jax.lax.map(lambda rows: self._of_batch(values, examples, rows), rows)
        return self._joined(first, others)

    def _joined(self, first: list[Array] | None, others: list[Array]) -> list[Array]:
        """Return the values of all rows, [N, …] each, of those of the first, [·, …], and of batches, [·, rows, …]."""
        together = [rest.reshape(-1, *rest.shape[2:]) for rest in others]
        if first is None:
            return together
        return [numpy.concatenate(pair) for pair in zip(first, together, strict=True)]

    def _of_batch(self, values: list[Array], examples: Examples, rows: Array) -> list[Array]:
        """Return the values of some rows, [B, …] each, and then the predictions."""
        inputs, labels = examples.take(rows)
        state = self.variables.state(values, [])
        outputs, _ = self.model.stateless_call(state.weights, state.others, inputs, training=False)
        outputs = outputs.astype(self.model.variable_dtype)
        found: list[Any] = [of_rows(labels, outputs) for of_rows in self.metrics.of_rows]
        return [numpy.asarray(one) for one in found + [predicted(outputs) for predicted in self.metrics.predictions]]
