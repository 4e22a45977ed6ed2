"""Models and optimisers: built from a recipe and a seed, and what the engine must know of them."""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from textwrap import shorten
from typing import Any
from unittest import mock

import numpy as np

from batchwise.common import plugins
from batchwise.common.plugin_errors import told
from batchwise.config.recipe import Recipe
from batchwise.runtime.engine import used
from batchwise.runtime.keras import keras, size_of_type
from batchwise.training import random_streams, trainable
from batchwise.training.model_checks import memory, structure

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "lamb": keras.optimizers.Lamb,
    "lion": keras.optimizers.Lion,
    "adadelta": keras.optimizers.Adadelta,
    "adagrad": keras.optimizers.Adagrad,
    "ftrl": keras.optimizers.Ftrl,
}
RANDOM_STATE = "seed_generator_state"  # as Keras names what a random layer draws from
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
RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)


def build(recipe: Recipe, input_shape: tuple[int, ...], output_shape: tuple[int | None, ...], seed: int) -> keras.Model:
    """Return the model of a recipe as it starts from a seed; shapes are those of a row.

    Raises UserError if it cannot be built with the options of the recipe, or is none that the engine trains.
    """
    chosen = recipe.model
    with told(f"model {chosen.name} cannot be built with {shorten(str(chosen.options), 200)}"):
        try:
            model = _built(recipe, input_shape, output_shape, seed)
        except ValueError as error:
            if "stateful=True" in str(error):  # as Keras says of one without a batch size
                raise structure.stateful(chosen.name) from None
            raise
    structure.check(chosen.name, model, input_shape, output_shape, recipe.dtype)
    return model


def check_size(recipe: Recipe, input_shape: tuple[int, ...], output_shape: tuple[int | None, ...]) -> None:
    """Raise UserError if the weights of a model do not fit into the machine's memory, before they are made."""
    memory.check(recipe.model.name, lambda: _built(recipe, input_shape, output_shape, seed=0))


def _built(
    recipe: Recipe, input_shape: tuple[int, ...], output_shape: tuple[int | None, ...], seed: int
) -> keras.Model:
    """Return what the plug-in of a recipe builds from a seed, of which the layers train that the recipe names."""
    keras.config.set_floatx(recipe.variable_dtype)
    keras.config.set_dtype_policy(recipe.dtype)  # Keras keeps its first policy, whatever floatx is later
    with _keras_seeded(int(random_streams.generator(seed, "weights").integers(2**31))), _naming() as names:
        options = deepcopy(recipe.model.options)  # a plug-in may change them, and would be given them so the next time
        model = plugins.load("models", recipe.model.name).build(input_shape, output_shape[-1], **options)
    if recipe.trainable and isinstance(model, keras.Model):  # what is none is refused later
        trainable.train_only(recipe.model.name, model, recipe.trainable, names)
    return model


def start(model: keras.Model, seed: int, given: dict[str, np.ndarray] | None = None) -> list[np.ndarray]:
    """Return the values of a new model's variables, with the states of its random layers from the seed's own stream.

    `given` are those that start otherwise, by name (`variables`).
    """
    dropout, given = random_streams.generator(seed, "dropout"), given or {}
    return [
        dropout.integers(2**31, size=variable.shape).astype(variable.dtype)
        if variable.name == RANDOM_STATE
        else given.get(name, np.asarray(variable.value))
        for name, variable in variables(model).items()
    ]


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the variables of a model in its order, by the names that they have in the files of runs: `000_kernel`."""
    return {f"{number:03d}_{variable.name}": variable for number, variable in enumerate(model.variables)}


def outputs_of(model: keras.Model, inputs: Any, *, training: bool) -> Any:
    """Return the outputs of a model in the type of its variables, which is not that of its layers in mixed_bfloat16."""
    return keras.ops.cast(model(inputs, training=training), model.variable_dtype)


def takes_whole_numbers(model: keras.Model) -> bool:
    """Return whether the keras.Input of a model is of whole numbers: of tokens, say."""
    return any("int" in tensor.dtype for tensor in keras.tree.flatten(structure.tensors(model, "input")))


def build_optimizer(recipe: Recipe, model: keras.Model) -> keras.optimizers.Optimizer:
    """Return the optimiser of a recipe, for what trains of a model; its learning rate is 0 until it is set.

    What forgets by half-lives is as for updates of one row, until an update sets it (update.py).
    """
    optimizer = OPTIMIZERS[recipe.optimizer.name](0.0, **recipe.optimizer.options(batch_size=1))
    optimizer.build(model.trainable_variables)
    return optimizer


def size(model: keras.Model) -> int:
    """Return the bytes of a model's variables."""
    return sum(size_of_type(variable.dtype) * int(np.prod(variable.shape)) for variable in model.variables)


def parameters(model: keras.Model) -> int:
    """Return how many trainable weights a model has."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def has_convolutions(model: keras.Model) -> bool:
    """Return whether a model has convolutions, within its models too.

    XLA on a CPU is some 20 times slower than oneDNN at convolutions inside a loop, and faster at all else.
    """
    return any(isinstance(layer, CONVOLUTIONS) or has_convolutions(layer) for layer in getattr(model, "layers", ()))


def is_recurrent(model: keras.Model) -> bool:
    """Return whether a layer of a model goes through the places of a row one after another."""
    return any(isinstance(layer, RECURRENT) for layer in structure.layers(model))


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
    with _keeping_programs() if used() == "tensorflow" else _drawing_as_tensorflow():
        keras.utils.set_random_seed(seed)
        with mock.patch.object(keras.src.random.seed_generator, "python_random", random.Random(seed)):
            yield


@contextmanager
def _keeping_programs() -> Iterator[None]:
    """Let TensorFlow, when it is given a seed, keep its compiled programs, unless something draws by that seed.

    It would make them ready again at their next call, which takes a second or two. What needs it are its operations
    that draw by a state of their own, tf.random.normal say; the initialisers of Keras do not.
    """
    from batchwise.runtime.tensorflow import context

    clear, draw = context.pywrap_tfe.TFE_ContextClearCaches, context.Context._internal_operation_seed
    kept: list[Any] = []  # of contexts that are to be cleared

    def cleared(of: Any) -> int:
        while kept:
            clear(kept.pop())
        return draw(of)

    with (
        mock.patch.object(context.pywrap_tfe, "TFE_ContextClearCaches", kept.append),
        mock.patch.object(context.Context, "_internal_operation_seed", cleared),
    ):
        yield


@contextmanager
def _drawing_as_tensorflow() -> Iterator[None]:
    from batchwise.training import draws_jax

    with draws_jax.given():
        yield


@contextmanager
def _naming() -> Iterator[dict[str, str]]:
    """Yield {name that Keras gives: that which it would give in a new process}, of all that is made meanwhile.

    Keras numbers what has no name of its own over all that a process makes: dense_7 is the first of the eighth model.
    """
    names: dict[str, str] = {}
    counts: defaultdict[str, int] = defaultdict(int)
    give = keras.src.utils.naming.uniquify

    def watched(name: str) -> str:
        given = give(name)
        names[given] = f"{name}_{counts[name]}" if counts[name] else name
        counts[name] += 1
        return given

    with mock.patch.object(keras.src.utils.naming, "uniquify", watched):
        yield names
