"""The loss of a study's training rows as a function of the trainable weights, with its derivatives, on JAX.

As gradients.py, which has them on TensorFlow, with the same methods.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.runtime.jax import jax
from batchwise.runtime.keras import size_of_type
from batchwise.training import evaluation_rows
from batchwise.training.on_jax.trainer import Trainer

CHUNK = 64  # gradients in memory at a time
BYTES_PER_CHUNK = 2**28
Array = Any  # of JAX
numpy = jax.numpy


class Gradients:
    """Programs, compiled once for a study, of the model whose variables `load` sets. Weights are flat, [P] float64."""

    def __init__(self, data: DataSet, recipe: Recipe, rows: np.ndarray, given: Path | None = None) -> None:
        """`rows` [R] are the numbers of the training rows over which `loss` and `product` average.

        `given` is the file of weights from which the study starts, if there is one.
        """
        self.dtype = recipe.variable_dtype
        self.trainer = Trainer(data, recipe.model_copy(update={"dtype": self.dtype}), weights=given)
        self.task, self.model, self.training_rows = self.trainer.task, self.trainer.model, self.trainer.rows
        self.shapes = [tuple(weight.shape) for weight in self.model.trainable_variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.some, self.all = map(self._padded, (rows, np.arange(self.training_rows)))
        self.chunk = int(np.clip(BYTES_PER_CHUNK // (sum(self.sizes) * size_of_type(self.dtype)), 1, CHUNK))
        self.programs = {body: jax.jit(body) for body in (self._of_batches, self._loss, self._product)}

    def use_rows_of(self, seed: int, rows: np.ndarray) -> None:
        """Take the training rows of a seed, where seeds have rows of their own; `rows` as in __init__, and as many."""
        self.trainer.use_rows_of(seed)
        self.some = self._padded(rows)

    def start(self, seed: int) -> list[np.ndarray]:
        """Return the values of the model's variables before the first update of a seed, as the trainer has them."""
        return self.trainer.start(seed)

    def load(self, variables: list[np.ndarray]) -> np.ndarray:
        """Set the variables of the model, and return the trainable ones as one vector, [P]."""
        self.trainer.load(variables)
        weights = [np.asarray(weight.value).ravel() for weight in self.model.trainable_variables]
        return np.concatenate(weights, dtype="float64")

    def of_batches(self, weights: np.ndarray, batches: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the mean gradients of batches of training rows [k, b], in their order: [·, P] float64 at a time."""
        for first in range(0, len(batches), self.chunk):
            yield self._run(self._of_batches, weights, numpy.asarray(batches[first : first + self.chunk], "int32"))

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
        return self._run(self._product, weights, *self.some, numpy.asarray(vector, self.dtype))

    def _run(self, body: Callable[..., Array], weights: np.ndarray, *inputs: Array) -> np.ndarray:
        others = [variable.value for variable in self.model.non_trainable_variables]
        given = numpy.asarray(weights, self.dtype), others, self.trainer.examples, *inputs
        return np.asarray(self.programs[body](*given)).astype("float64")

    def _padded(self, rows: np.ndarray) -> tuple[Array, Array]:
        """Return rows in batches of a fixed size, [n, B], and the share of each in their mean, 0 where padded."""
        size = min(evaluation_rows.together(self.model), len(rows))
        count = -(-len(rows) // size)
        shares = np.zeros(count * size)
        shares[: len(rows)] = 1 / len(rows)
        batches = np.resize(rows, (count, size))
        return numpy.asarray(batches, "int32"), numpy.asarray(shares.reshape(count, size), self.dtype)

    def _summed(self, weights: Array, others: list[Array], examples: Any, rows: Array, shares: Array | float) -> Array:
        """Return the loss of rows [B], each with its share."""
        inputs, labels = examples.take(rows)
        parts = numpy.split(weights, np.cumsum(self.sizes)[:-1])
        trainable = [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]
        outputs, _ = self.model.stateless_call(trainable, others, inputs, training=False)
        return numpy.sum(shares * examples.weighted(self.task.loss(labels, outputs), rows))

    def _of_batches(self, weights: Array, others: list[Array], examples: Any, batches: Array) -> Array:
        """Return the mean gradient of each batch [k, b], [k, P]."""
        share = 1 / batches.shape[1]
        return jax.lax.map(lambda rows: jax.grad(self._summed)(weights, others, examples, rows, share), batches)

    def _loss(self, weights: Array, others: list[Array], examples: Any, batches: Array, shares: Array) -> Array:
        """Return the mean loss of rows [n, B], then its gradient, [1 + P]."""

        def add(total: Array, batch: tuple[Array, Array]) -> tuple[Array, None]:
            loss, gradient = jax.value_and_grad(self._summed)(weights, others, examples, *batch)
            return total + numpy.concatenate([loss[None], gradient]), None

        return jax.lax.scan(add, numpy.zeros(1 + sum(self.sizes), self.dtype), (batches, shares))[0]

    def _product(
        self, weights: Array, others: list[Array], examples: Any, batches: Array, shares: Array, vector: Array
    ) -> Array:
        """Return the Hessian of the mean loss of rows [n, B] times a vector: how the gradient changes along it."""

        def add(total: Array, batch: tuple[Array, Array]) -> tuple[Array, None]:
            def gradient(values: Array) -> Array:
                return jax.grad(self._summed)(values, others, examples, *batch)

            return total + jax.jvp(gradient, (weights,), (vector,))[1], None

        return jax.lax.scan(add, numpy.zeros_like(vector), (batches, shares))[0]
