"""Are all variables with which a model computes its own? Others are neither trained nor set to the start of a run."""

from batchwise.common.errors import UserError
from batchwise.runtime.tensorflow import keras, tf


def check(name: str, model: keras.Model, inputs: tf.Tensor) -> None:
    """Raise UserError for trainable variables that the outputs of some inputs, [B, …], come from without the model."""
    own = {id(variable.value) for variable in model.variables}
    with tf.GradientTape() as tape:
        model(inputs, training=False)
    others = [variable for variable in tape.watched_variables() if id(variable) not in own]
    if others:
        raise UserError(
            f"model {name} computes with {len(others)} variable{'s' * (len(others) > 1)} that it does not know, of "
            f"the shape {[*others[0].shape]} the first: no run trains them; make them with add_weight, and layers as "
            "attributes of a layer in its __init__"
        )
