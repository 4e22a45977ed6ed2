"""Has an Embedding an entry for each value of the data? Under XLA, TensorFlow takes another one without a word."""

from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock

import numpy as np

from batchwise.common.errors import UserError
from batchwise.runtime.keras import keras
from batchwise.training.model_checks.structure import layers, tensors

ROWS = 1024
OPTION = " (the option `vocabulary` of the models for texts that are here)"


def check(
    name: str, model: keras.Model, parts: Iterable[np.ndarray], take: Callable[[np.ndarray], tuple[Any, Any]]
) -> None:
    """Raise UserError if the inputs of an Embedding are not whole numbers from 0 up to its last entry.

    It is given the rows of all splits in which the inputs are largest, smallest, or no whole numbers: `parts` are the
    inputs of all, some rows at a time, and `take` returns inputs and labels of rows, as the model is given them.
    """
    whole = [tensor for tensor in keras.tree.flatten(tensors(model, "input")) if "int" in tensor.dtype]
    if not whole and not any(isinstance(layer, keras.layers.Embedding) for layer in layers(model)):
        return
    inputs, _ = take(_extreme_rows_of(parts))
    if whole and _fraction(inputs).any():
        raise UserError(
            f"the keras.Input of model {name} is of {whole[0].dtype}, and the data have {_example(inputs)}, which is "
            "no whole number: leave dtype out of keras.Input"
        )
    call, seen = keras.layers.Embedding.call, []

    def watched(layer: keras.layers.Embedding, given: Any, *arguments: Any, **options: Any) -> Any:
        if not options.get("reverse"):  # of a ReversibleEmbedding: from its vectors to its entries
            seen.append((layer, np.asarray(given)))
            given = keras.ops.clip(given, 0, layer.input_dim - 1)  # an error here would be wrapped by Keras
        return call(layer, given, *arguments, **options)

    with mock.patch.object(keras.layers.Embedding, "call", watched):
        model(inputs, training=False)
    for layer, values in seen:
        _check_values(name, layer, values)


def _check_values(name: str, layer: keras.layers.Embedding, values: np.ndarray) -> None:
    if _fraction(values).any():
        raise UserError(
            f"the Embedding {layer.name} of model {name} is given {_example(values)}; it takes whole numbers: give it "
            "tokens, or use a Dense layer for numbers"
        )
    if values.min() < 0 or values.max() >= layer.input_dim:
        value = int(values.min() if values.min() < 0 else values.max())
        raise UserError(
            f"the Embedding {layer.name} of model {name} has {layer.input_dim} entries, for 0 to "
            f"{layer.input_dim - 1}, and the data have {value}: "
            + ("number the tokens from 0 up" if value < 0 else f"its input_dim must be {value + 1} at least{OPTION}")
        )


def _extreme_rows_of(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Return the numbers that `_extreme_rows` gives of the rows of all splits, which come some at a time."""
    first, rows, values = 0, [], []
    for part in parts:
        found = _extreme_rows(part)
        rows.append(first + found)
        values.append(part[found])
        first += len(part)
    return np.concatenate(rows)[_extreme_rows(np.concatenate(values))]


def _extreme_rows(values: np.ndarray) -> np.ndarray:
    """Return the numbers of rows [N, …] that hold the largest and the smallest values, and any that are not whole."""
    flat = values.reshape(len(values), -1)
    fraction = _fraction(flat)
    rows = [flat.max(1).argmax(), flat.min(1).argmin(), fraction.any(1).argmax()]
    of_columns = np.concatenate([flat.argmax(0), flat.argmin(0), fraction.argmax(0)])
    return np.unique(np.concatenate([rows, of_columns[:ROWS]])).astype("int32")


def _fraction(values: Any) -> np.ndarray:
    """Return which values are no whole numbers, NaN among them."""
    values = np.asarray(values)
    return np.floor(values) != values


def _example(values: Any) -> str:
    values = np.asarray(values)
    return f"{values[_fraction(values)][0]:g}"
