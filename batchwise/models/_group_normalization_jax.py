"""Group normalisation on JAX: the formulas, of which XLA makes few passes, and JAX the gradient."""

from typing import Any

from keras import ops


def normalised(inputs: Any, groups: int, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Return the normalised inputs, [B, H, W, C], of so many groups of channels."""
    _, height, width, channels = inputs.shape
    grouped = ops.reshape(inputs, (-1, height * width, groups, channels // groups))
    centred = grouped - ops.mean(grouped, (1, 3), keepdims=True)
    scaled = centred * ops.rsqrt(ops.mean(ops.square(centred), (1, 3), keepdims=True) + epsilon)
    return ops.reshape(scaled, inputs.shape) * gamma + beta
