"""What the operations of JAX show that a model is made of: as operations_tensorflow.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from batchwise.runtime.jax import jax, keras

# Of the primitives, and of functions of jax.nn that keep their names, as TensorFlow calls them.
ACTIVATIONS = {
    name: name for name in ("atan", "elu", "erf", "erfc", "exp", "relu", "relu6", "selu", "softplus", "tanh")
}
ACTIVATIONS |= {"leaky_relu": "leakyrelu", "log_softmax": "logsoftmax", "logistic": "sigmoid", "soft_sign": "softsign"}
BOUNDING = {"atan", "erf", "softsign", "tanh"}  # as in c·tanh(x / c), which bounds large logits smoothly
# What comes before these decides: they change no value, or all alike.
UNCHANGING = {
    *("broadcast_in_dim", "convert_element_type", "copy", "expand_dims", "log", "neg", "reduce_precision", "reshape"),
    *("slice", "squeeze", "stop_gradient", "transpose"),
}
WITH_NUMBERS = {"add", "div", "max", "min", "mul", "sub"}  # these too, with a number
SCALING = {"mul", "div"}
CALLS = {"checkpoint", "closed_call", "custom_jvp_call", "custom_vjp_call", "jit", "pjit", "remat"}


@dataclass(eq=False)
class Step:
    """An operation, and what it is given, each the operation that makes it."""

    kind: str
    given: list["Step"]


INPUT = "input"  # what is given to the program; a number is a Step of its own
NUMBER = Step("number", [])


def traced(model: keras.Model, inputs: Any) -> tuple[str | None, Iterator[tuple[str, str]]]:
    """Return the activation through which the outputs of inputs [B, …] pass last, or None, and all types of numbers.

    The types are those of each operation of the model, with its name.
    """
    weights, others = ([variable.value for variable in of] for of in _variables(model))

    def outputs(weights: Any, others: Any, rows: Any) -> Any:
        return model.stateless_call(weights, others, rows, training=False)[0]

    closed = jax.make_jaxpr(outputs)(weights, others, inputs)
    steps = [Step(INPUT, []) for _ in closed.jaxpr.invars]
    return _activation(_steps(closed, steps)[0]), _types(closed.jaxpr)


def _variables(model: keras.Model) -> tuple[list[keras.Variable], list[keras.Variable]]:
    return model.trainable_variables, model.non_trainable_variables


def _steps(closed: Any, inputs: list[Step]) -> list[Step]:
    """Return the steps that make the outputs of a program from its inputs; those of functions that it calls are in it.

    A named activation is a step.
    """
    jaxpr, constants = getattr(closed, "jaxpr", closed), getattr(closed, "consts", [])
    found = dict(zip(jaxpr.invars, inputs, strict=True))
    of_constants = (NUMBER if np.size(value) == 1 else Step(INPUT, []) for value in constants)
    found |= zip(jaxpr.constvars, of_constants, strict=True)

    def step(variable: Any) -> Step:
        return NUMBER if isinstance(variable, jax.extend.core.Literal) else found[variable]

    for equation in jaxpr.eqns:
        given = [step(variable) for variable in equation.invars]
        name, inner = equation.params.get("name"), _called(equation)
        if inner is not None and name not in ACTIVATIONS:
            made = _steps(inner, given)
        elif given and all(one is NUMBER for one in given):
            made = [NUMBER for _ in equation.outvars]
        else:
            made = [Step(name if inner is not None else equation.primitive.name, given) for _ in equation.outvars]
        found |= zip(equation.outvars, made, strict=True)
    return [step(variable) for variable in jaxpr.outvars]


def _called(equation: Any) -> Any:
    """Return the program of a function that an equation calls with what it is given, None if it calls none."""
    if equation.primitive.name not in CALLS:
        return None
    return equation.params.get("jaxpr", equation.params.get("call_jaxpr"))


def _types(jaxpr: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the type of numbers of each operation, within functions and loops too."""
    for equation in jaxpr.eqns:
        for variable in equation.outvars:
            yield equation.primitive.name, str(variable.aval.dtype)
        for value in jax.tree.leaves([*equation.params.values()], is_leaf=_is_program):
            if _is_program(value):
                yield from _types(getattr(value, "jaxpr", value))


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns")


def _activation(made: Step) -> str | None:
    """Return the activation through which what a step makes passes last, None if there is none."""
    made, scaled = _before(made)
    if made.kind == "concatenate":
        return next(filter(None, map(_activation, made.given)), None)
    if made.kind == "mul":
        return _gate_of_itself(*made.given)
    if made.kind == "div":
        return _softmax(*made.given)
    name = ACTIVATIONS.get(made.kind)
    return None if scaled and name in BOUNDING else name


def _before(made: Step) -> tuple[Step, bool]:
    """Return the step from which another is made without change, or with numbers alone, and whether it is scaled."""
    scaled = False
    while True:
        given = made.given
        if made.kind in WITH_NUMBERS:
            given = [one for one in given if one is not NUMBER]
            if len(given) != 1:
                return made, scaled
            scaled |= made.kind in SCALING
        elif made.kind not in UNCHANGING:
            return made, scaled
        made = given[0]


def _gate_of_itself(*factors: Step) -> str | None:
    """Return the product of a step and an activation of the same; None for one of another step."""
    origins = [_before(factor)[0] for factor in factors]
    for one, other in zip(origins, reversed(origins), strict=True):
        if other.kind in ACTIVATIONS and _before(other.given[0])[0] is one:
            return f"a product with its own {ACTIVATIONS[other.kind]}"
    return None


def _softmax(exponentials: Step, total: Step) -> str | None:
    """Return "softmax" for exponentials over their sum."""
    one, other = _before(exponentials)[0], _before(total)[0]
    is_sum = other.kind == "reduce_sum" and _before(other.given[0])[0] is one
    return "softmax" if one.kind == "exp" and is_sum else None
