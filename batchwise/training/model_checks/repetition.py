"""Does a model do the same again? Built twice from one seed, and trained twice from one start, to the bit."""

from collections.abc import Callable

import numpy as np

from batchwise.common.errors import UserError
from batchwise.runtime.keras import keras

Values = list[np.ndarray]
WITHOUT_SEED = "[JAX RNG]"  # so Keras on JAX begins, where it will not draw in a program without a seed


def check_builds(name: str, model: keras.Model, again: keras.Model, start: Values, start_again: Values) -> None:
    """Raise UserError if two models that were built from one seed share variables, or do not start alike."""
    shared = {id(variable) for variable in model.variables} & {id(variable) for variable in again.variables}
    if model is again or shared:
        raise UserError(
            f"model {name}: build returns the same layers each time, so that a run would go on where another ended; "
            "make all layers within build"
        )
    shapes, shapes_again = ([value.shape for value in values] for values in (start, start_again))
    if shapes != shapes_again:
        raise UserError(
            f"model {name} has other variables each time it is built, of the shapes {shapes} and {shapes_again}; "
            "let build depend on its arguments alone"
        )
    if different := _different(model, start, start_again):
        raise UserError(
            f"model {name}: {different} starts from other values each time it is built with one seed; draw them with "
            "Keras's initialisers, or with numpy.random or random without a generator of your own"
        )


def check_updates(name: str, model: keras.Model, update: Callable[[], Values]) -> None:
    """Raise UserError if `update`, which returns the variables after updates from one start, does not repeat itself.

    It runs the Python of the model each time.
    """
    try:
        first = update()
    except ValueError as error:
        if WITHOUT_SEED not in str(error):
            raise
        raise _not_the_same(name, "a random operation has no seed of its own") from None
    for variable, value in zip(model.variables, first, strict=True):
        if np.isnan(value.astype("float64")).any():
            raise UserError(
                f"{variable.path} of model {name} is NaN after one update, as in all runs; leave out what has no "
                "gradient, or no finite one, at the start: roots of 0, quotients by 0"
            )
    if different := _different(model, first, update()):
        raise _not_the_same(name, f"from one start, {different} ends at other values")


def _not_the_same(name: str, why: str) -> UserError:
    return UserError(
        f"model {name} does not train the same twice: {why}; give each random operation a "
        "seed=keras.random.SeedGenerator() that its layer makes in __init__, and keep every state in a variable of the "
        "layer (add_weight)"
    )


def check_outputs(
    name: str, outputs: Callable[[keras.Model], np.ndarray], model: keras.Model, again: keras.Model
) -> None:
    """Raise UserError if outputs in inference mode are others at a second time, or of a model that is built again."""
    first, second, built_again = outputs(model), outputs(model), outputs(again)
    if first.tobytes() != second.tobytes():
        raise UserError(
            f"model {name} gives other outputs for the same rows and variables at the second time, with "
            "training=False; leave randomness and states out of inference"
        )
    if first.tobytes() != built_again.tobytes():
        raise UserError(
            f"model {name} gives other outputs each time it is built, with the same variables; what it computes "
            "must follow from its arguments and its variables alone"
        )


def _different(model: keras.Model, first: Values, second: Values) -> str | None:
    """Return the name of the first variable of which the bits differ."""
    for variable, one, other in zip(model.variables, first, second, strict=True):
        if one.tobytes() != other.tobytes():
            return variable.path
    return None
