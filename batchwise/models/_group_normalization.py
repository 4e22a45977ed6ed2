"""Group normalisation, as a layer."""

from typing import Any

import keras
from keras import ops

from batchwise.models._layers import EPSILON

if keras.backend.backend() == "tensorflow":
    from batchwise.models._group_normalization_tensorflow import normalised
else:
    from batchwise.models._group_normalization_jax import normalised


@keras.saving.register_keras_serializable("batchwise")
class GroupNormalization(keras.layers.Layer):
    """Normalises the channels of each image in groups of equal size (Wu & He 2018, arXiv 1803.08494, section 3.1).

    Of inputs [B, H, W, C] the values of a group, of all places, have mean 0 and variance 1; then each channel is
    multiplied by γ and moved by β, which start at 1 and 0. Nothing depends on other rows. Statistics are in the type of
    the variables: float32 where other layers compute in bfloat16.
    """

    def __init__(self, groups: int, **options: Any) -> None:
        super().__init__(**options)
        self.groups = groups

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, from a file of the model."""
        return {**super().get_config(), "groups": self.groups}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create γ and β, [C] each. Raises ValueError if the channels cannot be parted into groups of equal size."""
        channels = input_shape[-1]
        if channels is None or channels % self.groups:
            raise ValueError(f"there are {channels} channels; it must be a multiple of {self.groups}, the groups")
        self.gamma = self.add_weight((channels,), "ones", name="gamma", autocast=False)
        self.beta = self.add_weight((channels,), "zeros", name="beta", autocast=False)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the inputs: the outputs have the same."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Return the normalised inputs."""
        exact = ops.cast(inputs, self.variable_dtype)
        return ops.cast(normalised(exact, self.groups, self.gamma, self.beta, EPSILON), self.compute_dtype)
