"""How many rows are evaluated together: the same always, for the bits of a mean depend on it."""

import math

from batchwise.runtime.keras import keras
from batchwise.training import network

# Convolutions make of an image up to 3 MB for a layer (ResNet-50): so few fit into memory, and small ones into the
# cache.
EVALUATION_ROWS, EVALUATION_IMAGES = 2048, 32
# Of a layer, 32 MB as float32: of a text it has values at each place, and attention scores of each pair of places.
VALUES = 2**23


def together(model: keras.Model, lanes: int = 1) -> int:
    """Return how many rows of a model are evaluated together at most, at least one, in each of some lanes."""
    most = EVALUATION_IMAGES if network.has_convolutions(model) else EVALUATION_ROWS
    return max(1, min(most, VALUES // (lanes * max(values_of_row(model), 1))))


def values_of_row(layer: keras.Layer) -> int:
    """Return how many values a layer makes of a row, or the largest within a model; 0 where its shape is not known."""
    inner = getattr(layer, "layers", ())
    return max(_outputs(layer), _scores(layer), _gates(layer), *map(values_of_row, inner), 0)


def _outputs(layer: keras.Layer) -> int:
    try:
        shapes = [tensor.shape[1:] for tensor in keras.tree.flatten(layer.output)]
    except (AttributeError, ValueError):  # a layer within a layer, or one that is called twice
        return 0
    return max((math.prod(size or 1 for size in shape) for shape in shapes), default=0)


def _scores(layer: keras.Layer) -> int:
    """Return how many scores attention has of a row: of each head, as Keras names them, one for each pair of places."""
    heads = getattr(layer, "num_heads", 0) or getattr(layer, "num_query_heads", 0)
    return heads * _places(layer) ** 2 if heads else 0


def _gates(layer: keras.Layer) -> int:
    """Return what a recurrent layer makes of its inputs before its loop: at each place, all columns of its kernel."""
    if not isinstance(layer, network.RECURRENT):
        return 0
    return _places(layer) * max((weight.shape[-1] for weight in layer.weights if len(weight.shape) > 1), default=0)


def _places(layer: keras.Layer) -> int:
    """Return the places of a row that a layer is given; 0 where they are not known."""
    try:
        inputs, *_ = keras.tree.flatten(layer.input)
    except (AttributeError, ValueError):  # as in _outputs
        return 0
    return inputs.shape[1] or 1
