"""The activation through which the output of a model passes last, where its operations show one.

The loss of a task takes logits, and makes probabilities of them itself: trained on probabilities, a network learns
worse, and its accuracy is that of another threshold.
"""

from collections.abc import Callable, Generator
from typing import Any

from batchwise.runtime.keras import keras

# As Keras names them: functions of keras.activations, and the operations of keras.ops of the same names.
NAMES = {
    name.replace("_", "")
    for name in dir(keras.activations)
    if not name.startswith("_") and name not in ("linear", "get", "serialize", "deserialize")
} | {"exp"}
LAYERS = (
    keras.layers.Softmax,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)
# Layers and operations that change no value, or all of them alike: what comes before them decides.
UNCHANGING = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.InputLayer,
    keras.layers.Permute,
    keras.layers.Rescaling,
    keras.layers.Reshape,
)
UNCHANGING_OPERATIONS = {"cast", "expanddims", "getitem", "identity", "reshape", "squeeze", "transpose"}


def last(output: keras.KerasTensor) -> str | None:
    """Return the activation through which an output passes last, with its layer, or None if none is seen."""
    rescaled = False
    for operation in _from_the_end(output):
        if name := _activation(operation):
            # Large logits may be bounded smoothly: c·tanh(x / c).
            return None if rescaled and name == "tanh" else f"{name} in the layer {operation.name}"
        rescaled |= isinstance(operation, keras.layers.Rescaling)
    return None


def _from_the_end(tensor: keras.KerasTensor | None) -> Generator[Any, None, bool]:
    """Yield the operations that make a tensor, within models too, from the last to the first that changes values.

    Returns whether none does.
    """
    while tensor is not None:
        operation, node, index = tensor._keras_history
        if isinstance(operation, (keras.Sequential, keras.Function)):
            unchanged = yield from _from_the_end(operation.outputs[index])
        else:
            yield operation
            unchanged = _changes_nothing(operation)
        if not unchanged:
            return False
        before = operation._inbound_nodes[node].input_tensors
        tensor = before[0] if before else None
    return True


def _changes_nothing(operation: Any) -> bool:
    return isinstance(operation, UNCHANGING) or (_is_operation(operation) and _name(operation) in UNCHANGING_OPERATIONS)


def _activation(operation: Any) -> str | None:
    """Return the name of the activation with which an operation of Keras ends: a user's layer does what it likes."""
    if isinstance(operation, LAYERS) or (_is_operation(operation) and _name(operation) in NAMES):
        return _name(operation)
    if isinstance(operation, keras.layers.Wrapper):  # TimeDistributed, Bidirectional
        return _activation(operation.layer)
    if not type(operation).__module__.startswith("keras."):
        return None
    return _name_of(getattr(operation, "activation", None))


def _is_operation(operation: Any) -> bool:
    return type(operation).__module__.startswith("keras.src.ops.")


def _name(operation: Any) -> str:
    return type(operation).__name__.lower()


def _name_of(activation: Callable[..., Any] | keras.Layer | None) -> str | None:
    """Return the name of what a layer has for activation: a function, a layer, or nothing."""
    if isinstance(activation, keras.Layer):
        return _activation(activation)
    name = getattr(activation, "__name__", "")
    return name if name.replace("_", "") in NAMES else None
