"""Batch normalisation on JAX: the formulas, of which XLA makes one pass, and JAX the gradient."""

from typing import Any

from keras import ops


def parted(inputs: Any, first: int) -> Any:
    """Return the first rows, so many, and the others."""
    return inputs[:first], inputs[first:]


def normalised_parts(inputs: Any, parts: int, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Return equal parts of the rows, [B, …, C], normalised by their own statistics, and the means of these.

    The formulas are those of Ioffe & Szegedy 2015 (arXiv 1502.03167), section 3; the variances [C] are unbiased.
    """
    grouped = ops.reshape(inputs, (parts, -1, inputs.shape[-1]))
    mean = ops.mean(grouped, 1, keepdims=True)
    centred = grouped - mean
    variance = ops.mean(ops.square(centred), 1, keepdims=True)
    outputs = centred * (gamma * ops.rsqrt(variance + epsilon)) + beta
    values = grouped.shape[1]
    unbiased = variance * (values / max(values - 1, 1))
    statistics = (ops.stop_gradient(ops.mean(each, (0, 1))) for each in (mean, unbiased))
    return ops.reshape(outputs, inputs.shape), *statistics


def normalised_by(inputs: Any, gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    """Return the inputs normalised by given statistics."""
    return (inputs - mean) * (gamma * ops.rsqrt(variance + epsilon)) + beta
