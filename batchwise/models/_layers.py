"""What the networks share: ghost batch normalisation, layers up to their activation, and checks of options.

All weights start as He et al. 2015 (arXiv 1502.01852), section 2.2, propose: normal with variance 2 / fan-in; Keras's
he_normal truncates it at two standard deviations and keeps that variance. Biases start at 0.
"""

from typing import Any

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    from batchwise.models._batch_normalization_tensorflow import normalised_by, normalised_parts, parted
else:
    from batchwise.models._batch_normalization_jax import normalised_by, normalised_parts, parted

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

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the normalised inputs; in training, move the moving averages."""
        return ops.cast(self._normalised(ops.cast(inputs, self.variable_dtype), training), self.compute_dtype)

    def _normalised(self, inputs: Any, training: bool) -> Any:
        gamma, beta = self.gamma, self.beta
        if not (training and self.trainable):
            return normalised_by(inputs, gamma, beta, self.moving_mean, self.moving_variance, EPSILON)
        rows = inputs.shape[0]
        size = min(self.normalization_batch or rows, rows)
        whole, rest = rows // size * size, rows % size
        if not rest:
            outputs, mean, variance = normalised_parts(inputs, rows // size, gamma, beta, EPSILON)
        else:
            first, last = parted(inputs, whole)
            outputs, mean, variance = _joined(
                normalised_parts(first, whole // size, gamma, beta, EPSILON),
                normalised_parts(last, 1, gamma, beta, EPSILON),
                rest / rows,
            )
        self._move(DECAY ** (rows / self.decay_rows), mean, variance)
        return outputs

    def _move(self, kept: float, mean: Any, variance: Any) -> None:
        """Let the moving averages keep a share of their weight, and add the statistics of a call."""
        weight = kept * self.moving_weight + (1 - kept)
        share = (1 - kept) / weight
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign((1 - share) * average + share * new)
        self.moving_weight.assign(weight)


# The outputs, and the mean over the parts of their means and of their unbiased variances, [C] each.
Normalised = tuple[Any, Any, Any]


def _joined(first: Normalised, last: Normalised, share: float) -> Normalised:
    """Return what holds for all rows, of which the last ones are a `share`."""
    mean, variance = ((1 - share) * one + share * other for one, other in zip(first[1:], last[1:], strict=True))
    return ops.concatenate([first[0], last[0]], 0), mean, variance


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
