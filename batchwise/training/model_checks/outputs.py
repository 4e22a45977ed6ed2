"""What the outputs of a model show when it computes: an activation, a constant, or lost precision.

They are computed from random weights, so that what a model starts from, zeros say, tells nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.runtime.engine import used
from batchwise.runtime.keras import keras

# A model without an activation on its outputs gives both signs sooner or later: with one output, by the toss of a coin.
DRAWS = 16
# Outputs of fewer values, or whole numbers, may be of any type.
DISTINCT = 4
NARROW = {"float64": ("float32", "bfloat16", "float16"), "float32": ("bfloat16", "float16")}
# What outputs [B, outputs] of a right model are not at every draw.
KINDS: dict[str, Callable[[np.ndarray], bool]] = {
    "between 0 and 1": lambda outputs: bool(np.all((outputs >= 0) & (outputs <= 1))),
    # Of several, only their differences count: they may all be above 0, but are not cut off there.
    "never below 0": lambda outputs: bool(np.all(outputs >= 0) and (outputs.shape[1] == 1 or np.any(outputs == 0))),
    "never below 0 and of the same sum in each row": lambda outputs: bool(
        np.all(outputs >= 0) and np.allclose(outputs.sum(axis=1), outputs[0].sum(), rtol=1e-4)
    ),
    "never above 0": lambda outputs: outputs.shape[1] == 1 and bool(np.all(outputs <= 0)),
    "constant": lambda outputs: len(outputs) > 1 and bool(np.all(np.isfinite(outputs) & (outputs == outputs[:1]))),
}


def check(name: str, model: keras.Model, inputs: Any, dtype: str) -> None:
    """Raise UserError if the outputs of some inputs, [B, …], are no logits, the same for all, or of less precision.

    `dtype` is that of the study. The model keeps its variables.
    """
    random, found = np.random.default_rng(0), set(KINDS)
    for _ in range(DRAWS):
        weights = [
            keras.ops.convert_to_tensor(_drawn(random, weight.shape), weight.dtype)
            for weight in model.trainable_variables
        ]
        outputs = np.asarray(_outputs(model, weights, inputs))
        outputs = outputs.reshape(-1, outputs.shape[-1])  # of a text, those at all places
        _check_precision(name, outputs, dtype)
        with np.errstate(all="ignore"):  # of sums of large outputs
            found = {kind for kind in found if KINDS[kind](outputs)}
        if not found:
            return
    if "constant" in found:
        _check_dependence(name, model, [weights, [keras.ops.abs(weight) for weight in weights]], inputs)
    else:
        raise UserError(
            f"the outputs of model {name} are {' and '.join(sorted(found))}, whatever its weights are, as after an "
            "activation; they must be linear, for the loss makes probabilities, or counts, of them itself: leave the "
            "activation out"
        )


def check_start(name: str, model: keras.Model, inputs: Any) -> None:
    """Raise UserError if the outputs of a model as it starts are not finite, or not those of each row alone.

    It is asked for the same outputs twice without a reset, so that a state that changes in inference mode shows.
    """
    whole, again = (np.asarray(model(inputs, training=False)) for _ in range(2))
    if not np.isfinite(whole).all():
        raise UserError(
            f"the outputs of model {name} are NaN or infinite at its start, in {_rows(~np.isfinite(whole))} of "
            f"{len(whole)} rows, and no run could learn; look for roots and logarithms of numbers below 0, quotients "
            "by 0, and large initial weights"
        )
    if whole.tobytes() != again.tobytes():
        raise UserError(
            f"model {name} gives other outputs for the same rows at the second time, with training=False; leave "
            "randomness and states out of inference"
        )
    half = np.asarray(model(inputs[len(whole) // 2 :], training=False))
    other = ~np.isclose(half, whole[len(whole) // 2 :], rtol=1e-3, atol=1e-3 * np.abs(whole).max())
    if other.any():
        raise UserError(
            f"the outputs of model {name} for a row depend on the other rows of its batch, with training=False, in "
            f"{_rows(other)} of {len(half)} rows; let each row be computed alone, without means over the batch"
        )


def _rows(found: np.ndarray) -> int:
    return int(found.reshape(len(found), -1).any(axis=1).sum())


def _drawn(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return weights that neither let a signal die nor grow without end: kernels as He et al. 2015 propose."""
    deviation = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 1
    return deviation * random.normal(size=shape)


def _outputs(model: keras.Model, weights: list[Any], inputs: Any) -> Any:
    others = [variable.value for variable in model.non_trainable_variables]
    return model.stateless_call(weights, others, inputs, training=False)[0]


def _check_precision(name: str, outputs: np.ndarray, dtype: str) -> None:
    """Raise UserError if all outputs are numbers of a narrower type: they have been it, then."""
    if len(np.unique(outputs)) < DISTINCT or np.array_equal(np.floor(outputs), outputs):
        return
    for narrow in NARROW.get(outputs.dtype.name, ()):
        if np.array_equal(keras.ops.cast(keras.ops.cast(outputs, narrow), outputs.dtype.name), outputs):
            raise UserError(
                f"the outputs of model {name} are computed in {narrow}; the dtype of the study is {dtype}: leave casts "
                "to other types out of its layers"
            )


def _check_dependence(name: str, model: keras.Model, draws: list[list[Any]], inputs: Any) -> None:
    """Raise UserError for constant outputs without a slope, whatever the weights: deep ReLUs die, but not at all.

    Of whole numbers there is no slope.
    """
    for weights in draws:
        if not KINDS["constant"](np.asarray(_outputs(model, weights, inputs))) or np.any(
            _slope(model, weights, inputs)
        ):
            return
    raise UserError(
        f"the output of model {name} does not depend on its input: it is the same for all rows; connect the two"
    )


def _slope(model: keras.Model, weights: list[Any], inputs: Any) -> Any:
    """Return the gradient of the sum of the outputs of inputs that are no whole numbers; 0 where there is none."""
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(inputs.dtype)):
        return 0
    if used() == "jax":
        from batchwise.runtime.jax import jax

        return jax.grad(lambda rows: _outputs(model, weights, rows).sum())(inputs)
    from batchwise.runtime.tensorflow import tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = _outputs(model, weights, inputs)
    slope = tape.gradient(outputs, inputs)
    return 0 if slope is None else slope
