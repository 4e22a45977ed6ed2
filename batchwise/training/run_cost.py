"""What a run computes, counted roughly from its model, for who must bound it without a clock."""

import math
from dataclasses import dataclass

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.data.task import of_recipe
from batchwise.runtime.device import configure
from batchwise.runtime.keras import keras
from batchwise.training import network

# Seconds, on a machine of about one core. An update with convolutions calls its kernels one by one, outside of XLA.
UPDATE, UPDATE_OF_CONVOLUTIONS = 5e-6, 1e-3
MULTIPLY_ADDS = 1e10  # in a second
FORWARD_AND_BACK = 3  # times the multiply-adds of a row's outputs
ADDED = {"bias", "positions"}  # names of weights that are no kernels, though they may have two axes


@dataclass(frozen=True)
class Cost:
    """Seconds on a machine that is only thought of, the same everywhere."""

    update: float  # of an update without its rows
    evaluated_row: float

    def of_update(self, batch_size: int, evaluated: float) -> float:
        """Return the seconds of an update, with the rows that are evaluated for each row that is trained on."""
        return self.update + batch_size * (FORWARD_AND_BACK + evaluated) * self.evaluated_row


def of_model(recipe: Recipe, data: DataSet) -> Cost:
    """Return the cost of a recipe's model. Raises UserError as network.build does."""
    configure()  # before TensorFlow computes anything
    input_shape = data.train.inputs.shape[1:]
    output_shape = of_recipe(recipe, data.description.task).output_shape(len(data.class_names), input_shape)
    recipe.check_inputs(input_shape)
    network.check_size(recipe, input_shape, output_shape)
    model = network.build(recipe, input_shape, output_shape, seed=0)
    update = UPDATE_OF_CONVOLUTIONS if network.has_convolutions(model) else UPDATE
    return Cost(update, multiply_adds(model) / MULTIPLY_ADDS)


def multiply_adds(layer: keras.Layer) -> int:
    """Return about how many multiplications a layer, or a model, makes for the outputs of a row.

    Each kernel, trained or not, counts once for each place of the layer's output: of an image each pixel, of a text
    each word; of a recurrent layer for each of its input. Attention counts each pair of places, twice. A table that is
    looked up multiplies nothing, but for each place at which it makes outputs.
    """
    if inner := getattr(layer, "operations", None) or getattr(layer, "layers", ()):
        return sum(map(multiply_adds, inner))
    if isinstance(layer, keras.layers.Embedding):
        return _of_outputs_by_table(layer)
    if not isinstance(layer, keras.Layer):
        return _of_operation(layer)
    kernels = sum(
        math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1 and weight.name not in ADDED
    )
    return kernels * _places(layer) + _of_attention(layer)


def _of_outputs_by_table(layer: keras.layers.Embedding) -> int:
    """Return what a ReversibleEmbedding multiplies where it is called in reverse."""
    nodes = [node for node in layer._inbound_nodes if node.arguments.kwargs.get("reverse")]
    return sum(layer.input_dim * layer.output_dim * _places_of(node.output_tensors[0]) for node in nodes)


def _of_operation(operation: keras.Operation) -> int:
    """Return what a product of two tensors multiplies, as attention is made of: an einsum, each size once."""
    if type(operation).__name__ != "Einsum":
        return 0
    axes, tensors = operation.subscripts.split("->")[0].split(","), operation._inbound_nodes[0].input_tensors
    sizes = {
        axis: size or 1
        for names, tensor in zip(axes, tensors, strict=True)
        for axis, size in zip(names, tensor.shape, strict=True)
    }
    return math.prod(sizes.values())


def _of_attention(layer: keras.Layer) -> int:
    """Return what attention multiplies beside its kernels: queries with keys, and shares with values."""
    if not isinstance(layer, keras.layers.MultiHeadAttention):
        return 0
    query, value, *_ = layer._inbound_nodes[0].input_tensors
    return 2 * _places_of(query) * _places_of(value) * layer.num_heads * layer.key_dim


def _places(layer: keras.Layer) -> int:
    try:
        first, *_ = keras.tree.flatten(layer.input if isinstance(layer, network.RECURRENT) else layer.output)
    except (AttributeError, ValueError):  # a layer within a layer, or one that is called twice
        return 1
    return _places_of(first)


def _places_of(tensor: keras.KerasTensor) -> int:
    return math.prod(size or 1 for size in tensor.shape[1:-1])
