"""JAX: all epochs are one jitted `lax.scan`, of a `lax.scan` over the batches and an evaluation.

The fastest form that was found. A call for each epoch takes 1.1 to 1.3 times as long; gathering the rows of an epoch
beforehand, one-hot labels, or unrolling four batches change nothing that stands out from the noise.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.job import Job


def prepare(job: Job) -> Callable[[], np.ndarray]:
    """Return what trains the job and returns the losses after each epoch, [epochs, 3]."""
    parts = [(jnp.asarray(part.inputs), jnp.asarray(part.labels)) for part in job.parts]
    inputs, labels = parts[0]
    batches, remainder = divmod(job.rows, job.batch_size)

    def update(weights, rows):
        gradient = jax.grad(lambda weights: _loss(weights, inputs[rows], labels[rows]))(weights)
        return jax.tree.map(lambda weight, slope: weight - job.learning_rate * slope, weights, gradient), None

    def epoch(weights, order):
        weights, _ = jax.lax.scan(update, weights, order[: job.rows - remainder].reshape(batches, job.batch_size))
        if remainder:
            weights, _ = update(weights, order[job.rows - remainder :])
        losses, correct = zip(*(_metrics(weights, *part) for part in parts), strict=True)
        return weights, (jnp.stack(losses), jnp.stack(correct))

    train = jax.jit(lambda weights, orders: jax.lax.scan(epoch, weights, orders))

    def run():
        _, (losses, _) = jax.device_get(train(job.weights, job.orders))
        return losses

    return run


def _logits(weights, inputs):
    weights_1, bias_1, weights_2, bias_2 = weights
    return jax.nn.relu(inputs @ weights_1 + bias_1) @ weights_2 + bias_2


def _loss(weights, inputs, labels):
    logs = jax.nn.log_softmax(_logits(weights, inputs))
    return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()


def _metrics(weights, inputs, labels):
    hits = _logits(weights, inputs).argmax(axis=1) == labels
    return _loss(weights, inputs, labels), hits.sum()
