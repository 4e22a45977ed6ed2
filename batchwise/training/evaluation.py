"""The evaluation of a model on all rows of a data set, in inference mode: every metric of its task."""

import numpy as np

from batchwise.data.task import Task
from batchwise.runtime.tensorflow import is_out_of_memory, keras, tf
from batchwise.training import network
from batchwise.training.device_data import Examples

# Bits of a mean depend on the rows that are evaluated together, so their number is fixed. Convolutions make of an image
# up to 3 MB for a layer (ResNet-50): so few fit into memory, and small ones into the cache.
EVALUATION_ROWS, EVALUATION_IMAGES = 2048, 128


class Evaluator:
    """One compiled program, which all batch sizes share: it evaluates snapshots of a model's variables.

    `sizes` are the rows of each split, `room` is the number of snapshots that a call has room for.
    """

    def __init__(
        self, model: keras.Model, task: Task, examples: Examples, sizes: list[int], *, room: int, xla: bool
    ) -> None:
        self.model, self.task, self.examples, self.sizes, self.room = model, task, examples, sizes, room
        self.batch_rows = EVALUATION_IMAGES if network.has_convolutions(model) else EVALUATION_ROWS
        # A subclass of keras.Model has no `outputs`, a Sequential no `output`.
        [output] = keras.tree.flatten(model.outputs if isinstance(model, keras.Sequential) else model.output)
        label, outputs = tf.zeros([1], "int32"), tf.zeros([1, *output.shape[1:]], examples.dtype)
        self.dtypes = [values.dtype for values in self._values(label, outputs)]
        self.program = tf.function(self._evaluate, jit_compile=xla, autograph=False)

    def __call__(self, snapshots: list[tf.Tensor], first: int, last: int) -> dict[str, np.ndarray]:
        """Return each metric at each snapshot from first to last, {name: [snapshots, 3]}; NaN for a split without rows.

        `snapshots` are the values of each variable, [room, …]. The model is left at the last.
        """
        found = self.program(snapshots, tf.constant(first), tf.constant(last))
        named = zip(self.task.metrics, found, strict=True)
        return {metric.name: self._means(values.numpy()[first : last + 1]) for metric, values in named}

    def compile(self) -> None:
        """Compile the program by evaluating no snapshot. If there is no memory for that, runs will say."""
        try:
            none = [tf.zeros((self.room, *variable.shape), variable.dtype) for variable in self.model.variables]
            self(none, 0, -1)
        except (tf.errors.OpError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise

    def _means(self, values: np.ndarray) -> np.ndarray:
        """Return what `_reduced` gives, [snapshots, 3], as means: counts are divided here, in float64."""
        return values / np.array([size or np.nan for size in self.sizes]) if values.dtype.kind == "i" else values

    def _evaluate(self, snapshots: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor) -> list[tf.Tensor]:
        def evaluate(number: tf.Tensor, kept: list[tf.TensorArray]) -> tuple[tf.Tensor, list[tf.TensorArray]]:
            for variable, values in zip(self.model.variables, snapshots, strict=True):
                variable.assign(values[number])
            of_splits = map(self._reduced, self._of_rows())
            return number + 1, [array.write(number, values) for array, values in zip(kept, of_splits, strict=True)]

        arrays = [tf.TensorArray(dtype, self.room, element_shape=(3,)) for dtype in self.dtypes]
        _, arrays = tf.while_loop(lambda number, _: number <= last, evaluate, (first, arrays), parallel_iterations=1)
        return [array.stack() for array in arrays]

    def _reduced(self, values: tf.Tensor) -> tf.Tensor:
        """Return the mean over the rows of each split of values [N], or their sum if they are whole numbers, [3]."""
        splits = tf.split(values, self.sizes)
        if values.dtype.is_integer:
            return tf.stack([tf.reduce_sum(split) for split in splits])
        none = tf.constant(np.nan, values.dtype)
        return tf.stack(
            [tf.reduce_mean(split) if size else none for size, split in zip(self.sizes, splits, strict=True)]
        )

    def _of_rows(self) -> list[tf.Tensor]:
        """Return the value of each metric for each row of all splits, [N] each, in batches of a fixed size."""
        batches, remainder = divmod(len(self.examples), self.batch_rows)
        first = self._of_batch(*self.examples.first(remainder))
        if not batches:  # a loop is compiled, and its shapes checked, even if it has no turn
            return first
        rows = tf.reshape(tf.range(remainder, len(self.examples)), [batches, self.batch_rows])
        others = tf.map_fn(
            lambda rows: self._of_batch(*self.examples.take(rows)),
            rows,
            parallel_iterations=1,
            fn_output_signature=self.dtypes,
        )
        return [tf.concat([one, tf.reshape(rest, [-1])], 0) for one, rest in zip(first, others, strict=True)]

    def _of_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
        return self._values(labels, self.model(inputs, training=False))

    def _values(self, labels: tf.Tensor, outputs: tf.Tensor) -> list[tf.Tensor]:
        """Return the value of each metric for each row, [B] each; of those that are bool 0 or 1, whose sum is exact."""
        found = [metric.values(labels, outputs) for metric in self.task.metrics]
        return [tf.cast(values, "int32") if values.dtype == tf.bool else values for values in found]
