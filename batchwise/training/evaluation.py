"""The evaluation of a model on all rows of a data set, in inference mode."""

import numpy as np

from batchwise.data.task import Task
from batchwise.runtime.tensorflow import is_out_of_memory, keras, tf
from batchwise.training import network
from batchwise.training.device_data import Examples

# Bits of a loss depend on the rows that are evaluated together, so their number is fixed. Convolutions make of an image
# up to 3 MB for a layer (ResNet-50): so few fit into memory, and small ones into the cache.
EVALUATION_ROWS, EVALUATION_IMAGES = 2048, 128


class Evaluator:
    """One compiled program, which all batch sizes share: it evaluates snapshots of a model's variables.

    `sizes` are the rows of each part, `room` is the number of snapshots that a call has room for.
    """

    def __init__(
        self, model: keras.Model, task: Task, examples: Examples, sizes: list[int], *, room: int, xla: bool
    ) -> None:
        self.model, self.task, self.examples, self.sizes, self.room = model, task, examples, sizes, room
        self.batch_rows = EVALUATION_IMAGES if network.has_convolutions(model) else EVALUATION_ROWS
        self.program = tf.function(self._evaluate, jit_compile=xla, autograph=False)

    def __call__(self, snapshots: list[tf.Tensor], first: int, last: int) -> list[np.ndarray]:
        """Return the loss and the correct rows of each part at each snapshot from first to last, [snapshots, 3] each.

        `snapshots` are the values of each variable, [room, …]. The model is left at the last.
        """
        values = self.program(snapshots, tf.constant(first), tf.constant(last))
        return [value.numpy()[first : last + 1] for value in values]

    def compile(self) -> None:
        """Compile the program by evaluating no snapshot. If there is no memory for that, runs will say."""
        try:
            none = [tf.zeros((self.room, *variable.shape), variable.dtype) for variable in self.model.variables]
            self(none, 0, -1)
        except (tf.errors.OpError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise

    def _evaluate(self, snapshots: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def evaluate(number, loss, correct):
            for variable, values in zip(self.model.variables, snapshots, strict=True):
                variable.assign(values[number])
            losses, hits = self._parts()
            return number + 1, loss.write(number, losses), correct.write(number, hits)

        loss, correct = (
            tf.TensorArray(dtype, self.room, element_shape=(3,)) for dtype in (self.examples.dtype, "int32")
        )
        _, loss, correct = tf.while_loop(
            lambda number, *_: number <= last, evaluate, (first, loss, correct), parallel_iterations=1
        )
        return loss.stack(), correct.stack()

    def _parts(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the mean loss and the correct rows of each part, [3] and [3]."""
        losses, hits = self._rows()
        means = [
            tf.reduce_mean(part) if rows else tf.constant(np.nan, self.examples.dtype)
            for rows, part in zip(self.sizes, tf.split(losses, self.sizes), strict=True)
        ]
        return tf.stack(means), tf.stack([tf.reduce_sum(part) for part in tf.split(hits, self.sizes)])

    def _rows(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss and whether the class is right for each row of all parts, in batches of a fixed size."""
        batches, remainder = divmod(len(self.examples), self.batch_rows)
        losses, hits = self._batch(*self.examples.first(remainder))
        if not batches:  # a loop is compiled, and its shapes checked, even if it has no turn
            return losses, hits
        rows = tf.reshape(tf.range(remainder, len(self.examples)), [batches, self.batch_rows])
        all_losses, all_hits = tf.map_fn(
            lambda rows: self._batch(*self.examples.take(rows)),
            rows,
            parallel_iterations=1,
            fn_output_signature=(self.examples.dtype, "int32"),
        )
        return tf.concat([losses, tf.reshape(all_losses, [-1])], 0), tf.concat([hits, tf.reshape(all_hits, [-1])], 0)

    def _batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = self.model(inputs, training=False)
        return self.task.loss(labels, outputs), tf.cast(self.task.metric("accuracy").values(labels, outputs), "int32")
