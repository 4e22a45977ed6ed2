"""Batch normalisation on TensorFlow: by its one kernel, or by the formulas with their gradient in the fewest passes."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# The outputs, and the mean over the parts of their means and of their unbiased variances, [C] each.
Normalised = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
# From the gradients of these to that of the inputs, of γ and of β.
Gradient = Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def parted(inputs: tf.Tensor, first: int) -> list[tf.Tensor]:
    """Return the first rows, so many, and the others."""
    return tf.split(inputs, [first, inputs.shape[0] - first])


def normalised_parts(inputs: tf.Tensor, parts: int, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float) -> Normalised:
    """Return equal parts of the rows, [B, …, C], normalised by their own statistics, and the means of these."""
    gamma, beta = tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta)
    if parts > 1 or inputs.dtype != tf.float32:
        return _by_formula(inputs, parts, gamma, beta, epsilon)
    return _kernel(inputs, gamma, beta, [], [], epsilon, training=True)


def normalised_by(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, epsilon: float
) -> tf.Tensor:
    """Return the inputs normalised by given statistics."""
    gamma, beta = tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta)
    if inputs.dtype != tf.float32:
        return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
    return _kernel(inputs, gamma, beta, mean, variance, epsilon, training=False)[0]


def _kernel(
    inputs: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    mean: tf.Tensor | list[float],
    variance: tf.Tensor | list[float],
    epsilon: float,
    *,
    training: bool,
) -> Normalised:
    """TensorFlow's one kernel for all of it: for float32 and whole batches alone, but the fastest there is on a CPU."""
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(inputs, [1, -1, 1, inputs.shape[-1]]),
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=training,
    )
    return tf.reshape(outputs, tf.shape(inputs)), mean, variance


def _by_formula(inputs: tf.Tensor, parts: int, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float) -> Normalised:
    """The formulas of Ioffe & Szegedy 2015 (arXiv 1502.03167), section 3, with their gradient in the fewest passes.

    TensorFlow multiplies by one value for each channel at a quarter of its speed; `wide` repeats these values until
    they are as long as a row of the image.
    """
    channels = inputs.shape[-1]
    columns = inputs.shape[-2] if len(inputs.shape) > 2 else 1
    values = int(np.prod(inputs.shape[:-1])) // parts

    def mean_of(tensor: tf.Tensor) -> tf.Tensor:  # [parts, …, columns · C] → [parts, 1, C]
        return tf.reduce_mean(tf.reshape(tensor, [parts, values, channels]), 1, keepdims=True)

    def wide(tensor: tf.Tensor) -> tf.Tensor:  # [parts, 1, C] → [parts, 1, columns · C]
        return tf.tile(tensor, [1, 1, columns])

    @tf.custom_gradient
    def normalise(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple[Normalised, Gradient]:
        mean = mean_of(x)
        centred = x - wide(mean)
        variance = mean_of(tf.square(centred))
        scale = tf.math.rsqrt(variance + epsilon)  # 1 / standard deviation
        outputs = centred * wide(gamma * scale) + tf.tile(beta, [columns])

        def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            of_beta = mean_of(upstream)
            of_gamma = mean_of(upstream * centred) * scale
            of_x = wide(gamma * scale) * (upstream - wide(of_beta)) - wide(gamma * scale**2 * of_gamma) * centred
            return of_x, values * tf.reduce_sum(of_gamma, [0, 1]), values * tf.reduce_sum(of_beta, [0, 1])

        return (outputs, mean, variance), gradient

    outputs, mean, variance = normalise(tf.reshape(inputs, [parts, -1, columns * channels]), gamma, beta)
    unbiased = variance * (values / max(values - 1, 1))
    statistics = (tf.stop_gradient(tf.reduce_mean(tensor, [0, 1])) for tensor in (mean, unbiased))
    return tf.reshape(outputs, inputs.shape), *statistics
