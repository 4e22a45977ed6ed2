"""The evaluation of a model on all rows of a data set, in inference mode: the metrics of its task."""

from collections.abc import Collection

import numpy as np

from batchwise.data.task import Tensor
from batchwise.runtime.tensorflow import MAY_BE_OUT_OF_MEMORY, is_out_of_memory, keras, tf
from batchwise.training import evaluation_rows, network
from batchwise.training.device_data import Examples
from batchwise.training.host_metrics import Evaluation, HostMetrics


class Evaluator:
    """One compiled program, which all batch sizes share: it evaluates snapshots of a model's variables.

    `room` is the number of snapshots that a call has room for.
    """

    def __init__(self, model: keras.Model, metrics: HostMetrics, examples: Examples, *, room: int, xla: bool) -> None:
        self.model, self.metrics, self.examples, self.room = model, metrics, examples, room
        self.sizes = metrics.sizes
        self.batch_rows = evaluation_rows.together(model)
        # A subclass of keras.Model has no `outputs`, a Sequential no `output`.
        [output] = keras.tree.flatten(model.outputs if isinstance(model, keras.Sequential) else model.output)
        (_, label), outputs = examples.first(1), tf.zeros([1, *output.shape[1:]], examples.dtype)
        self.specs = [tf.TensorSpec(values.shape[1:], values.dtype) for values in self._values(label, outputs)]
        self.levels = metrics.levels(output.shape[-1])
        self.program = tf.function(self._evaluate, jit_compile=xla, autograph=False)

    def __call__(
        self, snapshots: list[tf.Tensor], first: int, last: int, scored: Collection[int], *, is_end: bool
    ) -> Evaluation:
        """Return each metric at each snapshot from first to last; of test rows what they are at the last, at an end.

        Scores of all predictions are those of the snapshots that are `scored`. `snapshots` are the values of each
        variable, [room, …]. The model is left at the last.
        """
        found, of_test_rows = self._evaluated(snapshots, first, last)
        kept = [values.numpy() for values in of_test_rows] if is_end else []
        return self.metrics.evaluation(found, kept, range(first, last + 1), scored, is_end)

    def compile(self) -> None:
        """Compile the program by evaluating no snapshot. If there is no memory for that, runs will say."""
        try:
            self._compile()
        except MAY_BE_OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise

    def _compile(self) -> None:
        snapshots = [tf.zeros((self.room, *variable.shape), variable.dtype) for variable in self.model.variables]
        self(snapshots, 0, -1, (), is_end=False)

    def _evaluated(self, snapshots: list[tf.Tensor], first: int, last: int) -> tuple[list[np.ndarray], list[tf.Tensor]]:
        """Return what `_summary` does at each snapshot from first to last, [snapshots, …] each, and at the last."""
        kept, of_test_rows = self.program(snapshots, tf.constant(first), tf.constant(last))
        return [values.numpy()[first : last + 1] for values in kept], of_test_rows

    def _evaluate(
        self, snapshots: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        def evaluate(
            number: tf.Tensor, kept: list[tf.TensorArray], _: list[tf.Tensor]
        ) -> tuple[tf.Tensor, list[tf.TensorArray], list[tf.Tensor]]:
            for variable, values in zip(self.model.variables, snapshots, strict=True):
                variable.assign(values[number])
            found, of_test_rows = self._summary(self._of_all())
            written = [array.write(number, values) for array, values in zip(kept, found, strict=True)]
            return number + 1, written, of_test_rows

        splits = [[len(self.sizes), levels] if levels else [len(self.sizes)] for levels in self.levels]
        rows = [*splits, *[[len(self.examples)]] * len(self.metrics.predictions)]
        shapes = [(*before, *spec.shape) for before, spec in zip(rows, self.specs, strict=True)]
        dtypes = [spec.dtype for spec in self.specs]
        dtypes[: len(self.levels)] = map(self._type_of_reduced, dtypes, self.levels)
        arrays = [
            tf.TensorArray(dtype, self.room, element_shape=shape) for dtype, shape in zip(dtypes, shapes, strict=True)
        ]
        none = self._of_test_rows([tf.zeros((len(self.examples), *spec.shape), spec.dtype) for spec in self.specs])
        _, arrays, of_test_rows = tf.while_loop(
            lambda number, *_: number <= last, evaluate, (first, arrays, none), parallel_iterations=1
        )
        return [array.stack() for array in arrays], of_test_rows

    def _summary(self, found: list[tf.Tensor]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return the values of all rows, [N, …] each, reduced over each split, with the predictions as they are, and
        the values of the test rows that are kept."""
        reduced = map(self._reduced, found, self.levels)
        return [*reduced, *found[len(self.levels) :]], self._of_test_rows(found)

    def _of_test_rows(self, found: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the values of the test rows that are kept, of those of all rows, [N, …] each."""
        return [found[place][len(self.examples) - self.sizes[-1] :] for place in self.metrics.kept_values()]

    def _reduced(self, values: tf.Tensor, levels: int | None) -> tf.Tensor:
        """Return the mean over the rows of each split of values [N, …], or their sum if they are bool, [3, …].

        Of values that are whole numbers below `levels`, how many rows of each split have which, [3, levels].
        """
        if levels:
            cells = tf.constant(self.metrics.split_of_row * levels, "int32") + tf.cast(values, "int32")
            counts = tf.math.unsorted_segment_sum(tf.ones_like(cells), cells, len(self.sizes) * levels)
            return tf.reshape(counts, [len(self.sizes), levels])
        counted = values.dtype == tf.bool
        values = tf.cast(values, self._type_of_reduced(values.dtype, levels))
        splits = tf.split(values, self.sizes)
        if counted:
            return tf.stack([tf.reduce_sum(split, 0) for split in splits])
        none = tf.fill(values.shape[1:], tf.constant(np.nan, values.dtype))
        return tf.stack(
            [tf.reduce_mean(split, 0) if size else none for size, split in zip(self.sizes, splits, strict=True)]
        )

    def _type_of_reduced(self, dtype: tf.DType, levels: int | None) -> tf.DType:
        """Return the type of what `_reduced` gives: a mean of whole numbers has a fraction."""
        if levels or dtype == tf.bool:
            return tf.int32
        return tf.float64 if dtype == tf.float64 else tf.as_dtype(self.examples.dtype)

    def _of_all(self) -> list[tf.Tensor]:
        """Return the values of all rows of all splits, [N, …] each, in batches of a fixed size."""
        batches, remainder = divmod(len(self.examples), self.batch_rows)
        # Of no rows nothing is computed: convolutions refuse them where a layer before has changed their shape.
        first = self._of_batch(*self.examples.first(remainder)) if remainder or not batches else None
        if first and not batches:  # a loop is compiled, and its shapes checked, even if it has no turn
            return first
        rows = tf.reshape(tf.range(remainder, len(self.examples)), [batches, self.batch_rows])
        others = tf.map_fn(
            lambda rows: self._of_batch(*self.examples.take(rows)),
            rows,
            parallel_iterations=1,
            fn_output_signature=[tf.TensorSpec([self.batch_rows, *spec.shape], spec.dtype) for spec in self.specs],
        )
        return self._joined(first, others)

    def _joined(self, first: list[tf.Tensor] | None, others: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the values of all rows, [N, …] each, of those of the first, [·, …], if there are any, and of batches,
        [·, rows, …]."""
        rest = [tf.reshape(values, [-1, *spec.shape]) for values, spec in zip(others, self.specs, strict=True)]
        return rest if first is None else [tf.concat(pair, 0) for pair in zip(first, rest, strict=True)]

    def _of_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
        return self._values(labels, network.outputs_of(self.model, inputs, training=False))

    def _values(self, labels: Tensor, outputs: Tensor) -> list[tf.Tensor]:
        """Return the values of each row, [B] or [B, k] each, and then the predictions."""
        values = [tf.convert_to_tensor(of_rows(labels, outputs)) for of_rows in self.metrics.of_rows]
        return values + [tf.convert_to_tensor(predicted(outputs)) for predicted in self.metrics.predictions]
