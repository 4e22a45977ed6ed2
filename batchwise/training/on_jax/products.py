"""Products of matrices as XLA computes them fast on a CPU, in all lanes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from batchwise.runtime.jax import jax
from batchwise.training.on_jax.device_data import Array

Axes = tuple[int, ...]
# Of fewer rows XLA writes out the sum, which is faster (digits_mlp on a CPU: 1.3 times at m = 3, 0.7 at m = 4).
FEWEST = 4
INLINED = "jit"  # a function within a function, of which only the equations count


def rows_last(traced: Any) -> Callable[..., list[Array]]:
    """Return a function that computes what a traced one (`jax.make_jaxpr`) does of its flat arguments.

    Of two matrices whose product is a sum over the first axis of both, as the gradient of a kernel is over the rows of
    a batch, the smaller is transposed first, and XLA kept from undoing that: in lanes such a product takes four times
    as long otherwise (jaxlib 0.10, digits_mlp; `python -m benchmarks.lanes`).
    """
    return lambda *arguments: _evaluated(traced.jaxpr, traced.consts, arguments)


def _evaluated(jaxpr: Any, constants: Sequence[Array], arguments: Sequence[Array]) -> list[Array]:
    """Return the outputs of a program, computed equation by equation."""
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def value(variable: Any) -> Array:
        return variable.val if isinstance(variable, jax.extend.core.Literal) else known[variable]

    for equation in jaxpr.eqns:
        found = _outputs(equation, [value(variable) for variable in equation.invars])
        known |= zip(equation.outvars, found, strict=True)
    return [value(variable) for variable in jaxpr.outvars]


def _outputs(equation: Any, inputs: list[Array]) -> list[Array]:
    primitive, options = equation.primitive, equation.params
    if primitive.name == INLINED:
        return _evaluated(options["jaxpr"].jaxpr, options["jaxpr"].consts, inputs)
    if primitive is jax.lax.dot_general_p:
        left, right = inputs
        if axes := _sums_over_first(left, right, options["dimension_numbers"]):
            return [_product(primitive, left, right, *axes, options)]
    found = primitive.bind(*inputs, **primitive.get_bind_params(options))
    return found if primitive.multiple_results else [found]


def _sums_over_first(left: Array, right: Array, dimensions: Any) -> tuple[Axes, Axes] | None:
    """Return the axes of two arrays over which they are summed, if of both they come first, with FEWEST rows or more.

    None for other products, and for those of several pairs of matrices.
    """
    (of_left, of_right), (pairs, _) = dimensions
    first = [*range(len(of_left))]
    if pairs or not first or sorted(of_left) != first or sorted(of_right) != first:
        return None
    others, rows = min(left.ndim, right.ndim) > len(first), math.prod(left.shape[: len(first)])
    return (of_left, of_right) if others and rows >= FEWEST else None


def _product(primitive: Any, left: Array, right: Array, of_left: Axes, of_right: Axes, options: Any) -> Array:
    """Return the sum over these axes of the products, the other axes of `left` before those of `right`."""
    if left.size > right.size:
        swapped, kept = _product(primitive, right, left, of_right, of_left, options), right.ndim - len(of_right)
        return jax.numpy.transpose(swapped, [*range(kept, swapped.ndim), *range(kept)])
    summed = len(of_left)
    turned = jax.lax.optimization_barrier(jax.numpy.transpose(left, [*range(summed, left.ndim), *of_left]))
    last = tuple(range(left.ndim - summed, left.ndim))
    found = primitive.bind(turned, right, **(options | {"dimension_numbers": ((last, of_right), ((), ()))}))
    return jax.lax.optimization_barrier(found)
