"""What the networks share: ghost batch normalisation, layers up to their activation, and checks of options.

All weights start as He et al. 2015 (arXiv 1502.01852), section 2.2, propose: normal with variance 2 / fan-in; Keras's
he_normal truncates it at two standard deviations and keeps that variance. Biases start at 0.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# That of He's released ResNets and of PyTorch; Keras's is 1e-3.
EPSILON = 1e-5
# PyTorch's moving averages, at the batch size of He et al. 2015 (arXiv 1512.03385), section 4.2.
DECAY, DECAY_ROWS = 0.9, 128


@keras.saving.register_keras_serializable("batchwise")
class GhostBatchNormalization(keras.layers.Layer):
    """Batch normalisation with the statistics of parts of the batch (Hoffer et al. 2017, arXiv 1705.08741, alg. 1).

    The last axis of the inputs, [B, …, C], holds the channels. In training, each `normalization_batch` rows, in order,
    are normalised by their own mean and biased variance over all axes but the last, and so are the rows that remain if
    B is no multiple of it; 0 stands for all rows. B must be known when the layer is traced. γ starts at 1, β at 0.

    In inference the statistics are moving averages. Their horizon is a number of examples, not of updates, or they
    would be those of another span of training at each batch size: a call with B rows keeps 0.9 ** (B / 128), or as
    `decay_rows` says, of their weight, and adds the mean over its rows of the statistics of their parts: of the
    unbiased variance, as in PyTorch, since the biased one of few values is too small, and small parts would be tested
    at a scale at which they do not train. They are averages of what was seen alone: their start, mean 0 and variance 1,
    has no weight, or it would count for long where rows are few.

    As Keras's, a layer that does not train works as in inference, and statistics are in the type of the variables:
    float32 where other layers compute in bfloat16.
    """

    def __init__(self, normalization_batch: int, decay_rows: int = DECAY_ROWS, **options: Any) -> None:
        super().__init__(**options)
        self.normalization_batch, self.decay_rows = normalization_batch, decay_rows

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, from a file of the model."""
        return {**super().get_config(), "normalization_batch": self.normalization_batch, "decay_rows": self.decay_rows}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create γ and β, which are trained, the moving averages, [C] each, and the weight of these, a number."""
        channels = input_shape[-1:]
        own = {"autocast": False}  # in the layer too
        kept = {"trainable": False, **own}
        self.gamma = self.add_weight(channels, "ones", name="gamma", **own)
        self.beta = self.add_weight(channels, "zeros", name="beta", **own)
        self.moving_mean = self.add_weight(channels, "zeros", name="moving_mean", **kept)
        self.moving_variance = self.add_weight(channels, "ones", name="moving_variance", **kept)
        self.moving_weight = self.add_weight((), "zeros", name="moving_weight", **kept)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the inputs: the outputs have the same."""
        return input_shape

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the normalised inputs; in training, move the moving averages."""
        return tf.cast(self._normalised(tf.cast(inputs, self.variable_dtype), training), self.compute_dtype)

    def _normalised(self, inputs: tf.Tensor, training: bool) -> tf.Tensor:
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if not (training and self.trainable):
            return _normalise_by(inputs, gamma, beta, self.moving_mean, self.moving_variance)
        rows = inputs.shape[0]
        size = min(self.normalization_batch or rows, rows)
        whole, rest = rows // size * size, rows % size
        if not rest:
            outputs, mean, variance = _normalise(inputs, rows // size, gamma, beta)
        else:
            first, last = tf.split(inputs, [whole, rest])
            outputs, mean, variance = _joined(
                _normalise(first, whole // size, gamma, beta), _normalise(last, 1, gamma, beta), rest / rows
            )
        self._move(DECAY ** (rows / self.decay_rows), mean, variance)
        return outputs

    def _move(self, kept: float, mean: tf.Tensor, variance: tf.Tensor) -> None:
        """Let the moving averages keep a share of their weight, and add the statistics of a call."""
        weight = kept * self.moving_weight + (1 - kept)
        share = (1 - kept) / weight
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign((1 - share) * average + share * new)
        self.moving_weight.assign(weight)


# The outputs, and the mean over the parts of their means and of their unbiased variances, [C] each.
Normalised = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
# From the gradients of these to that of the inputs, of γ and of β.
Gradient = Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def _joined(first: Normalised, last: Normalised, share: float) -> Normalised:
    """Return what holds for all rows, of which the last ones are a `share`."""
    mean, variance = ((1 - share) * one + share * other for one, other in zip(first[1:], last[1:], strict=True))
    return tf.concat([first[0], last[0]], 0), mean, variance


def _normalise(inputs: tf.Tensor, parts: int, gamma: tf.Tensor, beta: tf.Tensor) -> Normalised:
    """Normalise equal parts of the rows by their own statistics."""
    if parts > 1 or inputs.dtype != tf.float32:
        return _normalise_parts(inputs, parts, gamma, beta)
    return _kernel(inputs, gamma, beta, [], [], training=True)


def _normalise_by(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
) -> tf.Tensor:
    """Return the inputs normalised by given statistics."""
    if inputs.dtype != tf.float32:
        return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, EPSILON)
    return _kernel(inputs, gamma, beta, mean, variance, training=False)[0]


def _kernel(
    inputs: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    mean: tf.Tensor | list[float],
    variance: tf.Tensor | list[float],
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
        epsilon=EPSILON,
        is_training=training,
    )
    return tf.reshape(outputs, tf.shape(inputs)), mean, variance


def _normalise_parts(inputs: tf.Tensor, parts: int, gamma: tf.Tensor, beta: tf.Tensor) -> Normalised:
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
        scale = tf.math.rsqrt(variance + EPSILON)  # 1 / standard deviation
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


def images(input_shape: tuple[int, ...], smallest: int = 1) -> keras.KerasTensor:
    """Return the input of a network for images, [B, H, W, C]. Raises ValueError if they are too small, or no images."""
    if len(input_shape) != 3:
        raise ValueError(f"the inputs have shape {input_shape}; it must be (height, width, channels)")
    if min(input_shape[:2]) < smallest:
        height, width = input_shape[:2]
        raise ValueError(f"the images are {height} × {width}; they must be {smallest} × {smallest} or larger")
    return keras.Input(input_shape)


def check(normalization: str, normalization_batch: int) -> None:
    """Raise ValueError if a normalisation batch is given where nothing is normalised."""
    if normalization == "none" and normalization_batch:
        raise ValueError(f"normalization_batch is {normalization_batch}; it must be 0 where normalization is none")


def convolution(
    inputs: keras.KerasTensor,
    channels: int,
    size: int,
    *,
    strides: int = 1,
    normalised: bool,
    normalization_batch: int,
) -> keras.KerasTensor:
    """Return a convolution of odd size, [B, ⌈H / strides⌉, ⌈W / strides⌉, channels], before its activation.

    It has biases only where it is not normalised, since β is one. It is padded by zeros, as many on each side, so that
    with strides it is centred on the pixels that [::strides] takes; TensorFlow's "same" would be one pixel off.
    """
    padding = size // 2 if strides > 1 else 0
    if padding:
        inputs = keras.layers.ZeroPadding2D(padding)(inputs)
    outputs = keras.layers.Conv2D(
        channels,
        size,
        strides=strides,
        padding="valid" if padding else "same",
        use_bias=not normalised,
        kernel_initializer="he_normal",
    )(inputs)
    return GhostBatchNormalization(normalization_batch)(outputs) if normalised else outputs
