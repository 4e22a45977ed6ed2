"""Group normalisation in the fewest passes: with its gradient in a half to a fifth of the time of Keras's layer."""

from collections.abc import Callable

import tensorflow as tf

# From the gradient of the outputs to those of the inputs, of γ and of β.
Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def normalised(inputs: tf.Tensor, groups: int, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Return the normalised inputs, [B, H, W, C].

    TensorFlow multiplies by one value for each channel at a quarter of its speed; `wide` repeats these values until
    they are as long as a row of the image.
    """
    _, height, columns, channels = inputs.shape
    values = height * columns

    def mean_of(tensor: tf.Tensor) -> tf.Tensor:  # [B, H, W · C] → [B, 1, C], of each channel
        return tf.reduce_mean(tf.reshape(tensor, [-1, values, channels]), 1, keepdims=True)

    def over_groups(tensor: tf.Tensor) -> tf.Tensor:  # [B, 1, C], where each channel has the mean of its group
        means = tf.reduce_mean(tf.reshape(tensor, [-1, 1, groups, channels // groups]), 3)
        return tf.repeat(means, channels // groups, 2)

    def wide(tensor: tf.Tensor) -> tf.Tensor:  # [B, 1, C] → [B, 1, W · C]
        return tf.tile(tensor, [1, 1, columns])

    @tf.custom_gradient
    def normalise(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        centred = x - wide(over_groups(mean_of(x)))
        scale = tf.math.rsqrt(over_groups(mean_of(tf.square(centred))) + epsilon)  # 1 / standard deviation
        outputs = centred * wide(gamma * scale) + tf.tile(beta, [columns])

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            of_beta = mean_of(upstream)
            of_gamma = mean_of(upstream * centred) * scale
            moved, turned = over_groups(gamma * of_beta), scale * over_groups(gamma * of_gamma)
            of_x = wide(scale) * (tf.tile(gamma, [columns]) * upstream - wide(moved) - wide(turned) * centred)
            return of_x, values * tf.reduce_sum(of_gamma, [0, 1]), values * tf.reduce_sum(of_beta, [0, 1])

        return outputs, gradient

    scale, offset = tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta)
    outputs = normalise(tf.reshape(inputs, [-1, height, columns * channels]), scale, offset)
    return tf.reshape(outputs, [-1, height, columns, channels])
