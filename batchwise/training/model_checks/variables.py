"""Are all variables with which a model computes its own? Others are neither trained nor set to the start of a run."""

from typing import Any

from batchwise.common.errors import UserError
from batchwise.runtime.engine import used
from batchwise.runtime.keras import keras


def check(name: str, model: keras.Model, inputs: Any) -> None:
    """Raise UserError for trainable variables that the outputs of some inputs, [B, …], come from without the model."""
    others = _others_on_jax(model, inputs) if used() == "jax" else _others_on_tensorflow(model, inputs)
    if others:
        raise UserError(
            f"model {name} computes with {len(others)} variable{'s' * (len(others) > 1)} that it does not know, of "
            f"the shape {[*others[0].shape]} the first: no run trains them; make them with add_weight, and layers as "
            "attributes of a layer in its __init__"
        )


def _others_on_tensorflow(model: keras.Model, inputs: Any) -> list[Any]:
    from batchwise.runtime.tensorflow import tf

    own = {id(variable.value) for variable in model.variables}
    with tf.GradientTape() as tape:
        model(inputs, training=False)
    return [variable for variable in tape.watched_variables() if id(variable) not in own]


class _Watching(keras.StatelessScope):
    """Remembers the variables of Keras whose values are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[int, keras.Variable] = {}

    def get_current_value(self, variable: keras.Variable) -> Any:
        self.read[id(variable)] = variable
        return super().get_current_value(variable)


def _others_on_jax(model: keras.Model, inputs: Any) -> list[keras.Variable]:
    own = {id(variable) for variable in model.variables}
    with _Watching() as watching:
        model(inputs, training=False)
    return [variable for key, variable in watching.read.items() if variable.trainable and key not in own]
