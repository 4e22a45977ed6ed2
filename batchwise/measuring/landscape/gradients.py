"""The loss of a study's training rows as a function of the trainable weights, with its derivatives, on TensorFlow.

The loss is that of the task alone, without the penalty of weight decay, in inference mode (dropout off, moving averages
in place of a batch's statistics), without augmentation. It is computed in the type of the weights: in bfloat16 it would
not change with small changes of them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.runtime.tensorflow import tf
from batchwise.training import evaluation_rows
from batchwise.training.trainer import Trainer

CHUNK = 64  # gradients in memory at a time
BYTES_PER_CHUNK = 2**28


class Gradients:
    """Programs, compiled once for a study, of the model whose variables `load` sets. Weights are flat, [P] float64."""

    def __init__(self, data: DataSet, recipe: Recipe, rows: np.ndarray, given: Path | None = None) -> None:
        """`rows` [R] are the numbers of the training rows over which `loss` and `product` average.

        `given` is the file of weights from which the study starts, if there is one.
        """
        self.dtype = recipe.variable_dtype
        self.trainer = Trainer(data, recipe.model_copy(update={"dtype": self.dtype}), weights=given)
        self.task, self.examples, self.model = self.trainer.task, self.trainer.examples, self.trainer.model
        self.training_rows = self.trainer.rows
        self.shapes = [tuple(weight.shape) for weight in self.model.trainable_variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.some, self.all = map(self._padded, (rows, np.arange(self.training_rows)))
        bytes_ = sum(self.sizes) * tf.as_dtype(self.dtype).size
        self.chunk = int(np.clip(BYTES_PER_CHUNK // bytes_, 1, CHUNK))
        bodies = (self._of_batches, self._loss, self._product)
        self.programs = {body: tf.function(body, jit_compile=self.trainer.xla, autograph=False) for body in bodies}

    def use_rows_of(self, seed: int, rows: np.ndarray) -> None:
        """Take the training rows of a seed, where seeds have rows of their own; `rows` as in __init__, and as many."""
        self.trainer.use_rows_of(seed)
        self.some = self._padded(rows)

    def start(self, seed: int) -> list[np.ndarray]:
        """Return the values of the model's variables before the first update of a seed, as the trainer has them."""
        return self.trainer.start(seed)

    def load(self, variables: list[np.ndarray]) -> np.ndarray:
        """Set the variables of the model, and return the trainable ones as one vector, [P]."""
        for variable, value in zip(self.model.variables, variables, strict=True):
            variable.assign(value)
        return np.concatenate([weight.numpy().ravel() for weight in self.model.trainable_variables], dtype="float64")

    def of_batches(self, weights: np.ndarray, batches: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the mean gradients of batches of training rows [k, b], in their order: [·, P] float64 at a time."""
        for first in range(0, len(batches), self.chunk):
            yield self._run(self._of_batches, weights, tf.constant(batches[first : first + self.chunk], "int32"))

    def of_batch(self, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the mean gradient of training rows [b], [P] float64."""
        return next(self.of_batches(weights, rows[None]))[0]

    def loss(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean loss of the rows, nats, and its gradient, [P] float64."""
        found = self._run(self._loss, weights, *self.some)
        return float(found[0]), found[1:]

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean loss of all training rows, [P] float64."""
        return self._run(self._loss, weights, *self.all)[1:]

    def product(self, weights: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return the Hessian of the mean loss of the rows times a vector [P], [P] float64."""
        return self._run(self._product, weights, *self.some, tf.constant(vector, self.dtype))

    def _run(self, body: Callable[..., tf.Tensor], weights: np.ndarray, *inputs: tf.Tensor) -> np.ndarray:
        return self.programs[body](tf.constant(weights, self.dtype), *inputs).numpy().astype("float64")

    def _padded(self, rows: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Return rows in batches of a fixed size, [n, B], and the share of each in their mean, 0 where padded."""
        size = min(evaluation_rows.together(self.model), len(rows))
        count = -(-len(rows) // size)
        shares = np.zeros(count * size)
        shares[: len(rows)] = 1 / len(rows)
        batches = np.resize(rows, (count, size))
        return tf.constant(batches, "int32"), tf.constant(shares.reshape(count, size), self.dtype)

    def _losses(self, weights: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return the loss of each row, [B]."""
        inputs, labels = self.examples.take(rows)
        parts = tf.split(weights, self.sizes)
        trainable = [tf.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True)]
        others = [variable.value for variable in self.model.non_trainable_variables]
        outputs, _ = self.model.stateless_call(trainable, others, inputs, training=False)
        return self.examples.weighted(self.task.loss(labels, outputs), rows)

    def _with_gradient(self, weights: tf.Tensor, rows: tf.Tensor, shares: tf.Tensor | float) -> tf.Tensor:
        """Return the loss of rows, each with its share, then its gradient, [1 + P]."""
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_sum(shares * self._losses(weights, rows))
        return tf.concat([[loss], tape.gradient(loss, weights)], 0)

    def _of_batches(self, weights: tf.Tensor, batches: tf.Tensor) -> tf.Tensor:
        """Return the mean gradient of each batch [k, b], [k, P]."""
        share = 1 / batches.shape[1]
        return tf.map_fn(
            lambda rows: self._with_gradient(weights, rows, share)[1:],
            batches,
            fn_output_signature=self.dtype,
            parallel_iterations=1,
        )

    def _loss(self, weights: tf.Tensor, batches: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
        """Return the mean loss of rows [n, B], then its gradient, [1 + P]."""
        zeros = tf.zeros([1 + sum(self.sizes)], self.dtype)
        return _summed(lambda *batch: self._with_gradient(weights, *batch), batches, shares, zeros)

    def _product(self, weights: tf.Tensor, batches: tf.Tensor, shares: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
        """Return the Hessian of the mean loss of rows [n, B] times a vector: the gradient of its slope along it."""

        def of_batch(rows: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(weights)
                slope = tf.reduce_sum(self._with_gradient(weights, rows, shares)[1:] * vector)
            return tape.gradient(slope, weights)

        return _summed(of_batch, batches, shares, tf.zeros_like(vector))


def _summed(of_batch: Callable[..., tf.Tensor], batches: tf.Tensor, shares: tf.Tensor, zeros: tf.Tensor) -> tf.Tensor:
    """Return the sum of `of_batch` over the batches [n, B], of which one is in memory at a time."""
    return tf.foldl(lambda total, batch: total + of_batch(*batch), (batches, shares), zeros, parallel_iterations=1)
