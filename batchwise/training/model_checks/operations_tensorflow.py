"""What the operations of TensorFlow show that a model is made of."""

from collections.abc import Iterator
from typing import Any

from batchwise.runtime.tensorflow import keras, tf

ACTIVATIONS = {
    *("Atan", "Elu", "Erf", "Erfc", "Exp", "LeakyRelu", "LogSoftmax", "Relu", "Relu6", "Selu", "Sigmoid", "Softmax"),
    *("Softplus", "Softsign", "Tanh"),
}
BOUNDING = {"Atan", "Erf", "Softsign", "Tanh"}  # as in c·tanh(x / c), which bounds large logits smoothly
# What comes before these decides: they change no value, or all alike.
UNCHANGING = {
    *("Cast", "EnsureShape", "ExpandDims", "Identity", "IdentityN", "Log", "Neg", "Reshape", "Squeeze"),
    *("StridedSlice", "Transpose"),
}
WITH_CONSTANTS = {"Add", "AddV2", "Maximum", "Minimum", "Mul", "RealDiv", "Sub"}  # these too, with a number
SCALING = {"Mul", "RealDiv"}


def traced(model: keras.Model, inputs: tf.Tensor) -> tuple[str | None, Iterator[tuple[str, str]]]:
    """Return the activation through which the outputs of inputs [B, …] pass last, or None, and all types of numbers.

    The types are those of each operation of the model, with its name.
    """
    function = tf.function(lambda rows: model(rows, training=False), autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec(inputs.shape, inputs.dtype)).graph
    return _activation(graph.outputs[0]), (
        (tensor.op.name, tensor.dtype.name) for operation in graph.get_operations() for tensor in operation.outputs
    )


def _activation(tensor: Any) -> str | None:
    """Return the activation through which a tensor passes last, None if there is none."""
    tensor, scaled = _before(tensor)
    kind = tensor.op.type
    if kind == "ConcatV2":
        return next(filter(None, map(_activation, list(tensor.op.inputs)[:-1])), None)
    if kind == "Mul":
        return _gate_of_itself(*tensor.op.inputs)
    return kind.lower() if kind in ACTIVATIONS and not (scaled and kind in BOUNDING) else None


def _before(tensor: Any) -> tuple[Any, bool]:
    """Return the tensor of which another is made without change, or with numbers alone, and whether it is scaled."""
    scaled = False
    while True:
        operation, inputs = tensor.op, list(tensor.op.inputs)
        if operation.type in WITH_CONSTANTS:
            inputs = [given for given in inputs if not _is_number(given)]
            if len(inputs) != 1:
                return tensor, scaled
            scaled |= operation.type in SCALING
        elif operation.type not in UNCHANGING:
            return tensor, scaled
        tensor = inputs[operation.outputs.index(tensor) if operation.type == "IdentityN" else 0]


def _is_number(tensor: Any) -> bool:
    while tensor.op.type in ("Cast", "Identity"):
        tensor = tensor.op.inputs[0]
    return tensor.op.type == "Const" and tensor.shape.num_elements() == 1


def _gate_of_itself(*factors: Any) -> str | None:
    """Return "swish", or another product of a tensor and an activation of the same; None for one of another tensor."""
    origins = [_before(factor)[0] for factor in factors]
    for one, other in zip(origins, reversed(origins), strict=True):
        if other.op.type in ACTIVATIONS and _before(other.op.inputs[0])[0] is one:
            return f"a product with its own {other.op.type.lower()}"
    return None
