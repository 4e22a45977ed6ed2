"""What the operations show that a model is made of: also those in a Lambda or in a layer of one's own."""

from typing import Any

from batchwise.common.errors import UserError
from batchwise.runtime.engine import used
from batchwise.runtime.keras import keras, size_of_type

if used() == "jax":
    from batchwise.training.model_checks.operations_jax import traced
else:
    from batchwise.training.model_checks.operations_tensorflow import traced


def check(name: str, model: keras.Model, inputs: Any) -> None:
    """Raise UserError for an activation on the outputs of some inputs, [B, …], or for numbers of less precision."""
    activation, types = traced(model, inputs)
    if activation:
        raise UserError(
            f"the outputs of model {name} pass through {activation}; they must be linear, for the loss makes "
            "probabilities, or counts, of them itself: leave the activation out"
        )
    for operation, dtype in types:
        if "float" in dtype and size_of_type(dtype) < size_of_type(model.variable_dtype):
            raise UserError(
                f"model {name} computes in {dtype}, in {operation}; the dtype of the study is "
                f"{model.variable_dtype}: leave casts to other types out of its layers"
            )
