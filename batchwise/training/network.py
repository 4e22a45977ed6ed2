"""Models and optimisers: built from a recipe and a seed, and what the engine must know of them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from textwrap import shorten
from unittest import mock

import numpy as np

from batchwise.common import plugins
from batchwise.common.plugin_errors import told
from batchwise.config.recipe import Recipe
from batchwise.runtime.tensorflow import keras
from batchwise.training import random_streams
from batchwise.training.model_checks import memory, structure

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
}
CONVOLUTIONS = tuple(
    getattr(keras.layers, f"{kind}{dimensions}D{suffix}")
    for kind, all_dimensions, suffix in (
        ("Conv", (1, 2, 3), ""),
        ("Conv", (1, 2, 3), "Transpose"),
        ("DepthwiseConv", (1, 2), ""),
        ("SeparableConv", (1, 2), ""),
    )
    for dimensions in all_dimensions
)


def build(recipe: Recipe, input_shape: tuple[int, ...], outputs: int, seed: int) -> keras.Model:
    """Return the model of a recipe as it starts from a seed.

    Raises UserError if it cannot be built with the options of the recipe, or is none that the engine trains.
    """
    chosen = recipe.model
    with told(f"model {chosen.name} cannot be built with {shorten(str(chosen.options), 200)}"):
        model = _built(recipe, input_shape, outputs, seed)
    structure.check(chosen.name, model, input_shape, outputs, recipe.dtype)
    return model


def check_size(recipe: Recipe, input_shape: tuple[int, ...], outputs: int) -> None:
    """Raise UserError if the weights of a model do not fit into the machine's memory, before they are made."""
    memory.check(recipe.model.name, lambda: _built(recipe, input_shape, outputs, seed=0))


def _built(recipe: Recipe, input_shape: tuple[int, ...], outputs: int, seed: int) -> keras.Model:
    """Return what the plug-in of a recipe builds from a seed."""
    keras.config.set_floatx(recipe.dtype)
    keras.config.set_dtype_policy(recipe.dtype)  # Keras keeps its first policy, whatever floatx is later
    with _keras_seeded(int(random_streams.generator(seed, "weights").integers(2**31))):
        options = deepcopy(recipe.model.options)  # a plug-in may change them, and would be given them so the next time
        return plugins.load("models", recipe.model.name).build(input_shape, outputs, **options)


def start(model: keras.Model, seed: int) -> list[np.ndarray]:
    """Return the values of a new model's variables, with the states of its random layers from the seed's own stream."""
    dropout = random_streams.generator(seed, "dropout")
    return [
        dropout.integers(2**31, size=variable.shape).astype(variable.dtype)
        if variable.name == "seed_generator_state"
        else variable.numpy()
        for variable in model.variables
    ]


def build_optimizer(recipe: Recipe, model: keras.Model) -> keras.optimizers.Optimizer:
    """Return the optimiser of a recipe, for a model; its learning rate is 0 until it is set."""
    optimizer = OPTIMIZERS[recipe.optimizer.name](0.0, **recipe.optimizer.model_dump(exclude={"name"}))
    optimizer.build(model.trainable_variables)
    return optimizer


def size(model: keras.Model) -> int:
    """Return the bytes of a model's variables."""
    return sum(variable.value.dtype.size * int(np.prod(variable.shape)) for variable in model.variables)


def has_convolutions(model: keras.Model) -> bool:
    """Return whether a model has convolutions, within its models too.

    XLA on a CPU is some 20 times slower than oneDNN at convolutions inside a loop, and faster at all else.
    """
    return any(isinstance(layer, CONVOLUTIONS) or has_convolutions(layer) for layer in getattr(model, "layers", ()))


def has_moving_averages(model: keras.Model) -> bool:
    """Return whether a model's outputs in inference mode depend on averages over training, as Keras names them."""
    return any(variable.name.startswith("moving_") for variable in model.non_trainable_variables)


def normalization_batch(layer: keras.Layer) -> int:
    """Return over how many rows the layers of a model normalise at most; 0 if over those of the update."""
    within = map(normalization_batch, getattr(layer, "layers", ()))
    return max(getattr(layer, "normalization_batch", 0), *within, 0)


@contextmanager
def _keras_seeded(seed: int) -> Iterator[None]:
    """Let Keras draw the seeds of initialisers and random layers from a generator of its own.

    keras.utils.set_random_seed alone seeds Python's global generator, from which other threads, Dask's say, draw too.
    """
    keras.utils.set_random_seed(seed)
    with mock.patch.object(keras.src.random.seed_generator, "python_random", random.Random(seed)):
        yield
