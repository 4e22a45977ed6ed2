"""The loop over time of a recurrent layer on JAX, and a loop of its own for its gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from batchwise.models._recurrent_cells import Cell, Tensors

# XLA on a CPU reads and writes a step of an array in float32: of one in bfloat16 it would convert all steps at each,
# which at 400 takes 100 times as long.
BITS = {jnp.dtype("bfloat16"): jnp.uint16}


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def over_time(
    cell: Cell, inputs: jax.Array, kernel: jax.Array, bias: jax.Array, states: Tensors, mask: jax.Array | None
) -> tuple[jax.Array, Tensors]:
    """Return the outputs of all steps, [T, B, U], and the last states, [B, U] each.

    `inputs` are [T, B, G], `kernel` is [U, G] and `bias` [G]: a step is given its inputs and output · kernel + bias.
    Where `mask`, [T, B, 1], is False, a row keeps its states.
    """
    return _forward(cell, inputs, kernel, bias, states, mask)[0]


def _forward(
    cell: Cell, inputs: jax.Array, kernel: jax.Array, bias: jax.Array, start: Tensors, mask: jax.Array | None
) -> tuple[tuple[jax.Array, Tensors], Any]:
    """Return what `over_time` does, and what the gradient needs, of all steps as bits."""

    def step(states: Tensors, given: Any) -> tuple[Tensors, Any]:
        bits, mask = given
        now, kept = cell.step(_numbers(bits, inputs.dtype), states[0] @ kernel + bias, states)
        now = _where(mask, now, states)
        return now, [_bits(values) for values in (now[0], *kept)]

    last, (outputs, *kept) = jax.lax.scan(step, list(start), (_bits(inputs), mask))
    outputs = _numbers(outputs, inputs.dtype)
    return (outputs, last), (kernel, mask, start[0], outputs, kept)


def _backward(cell: Cell, saved: Any, gradients: tuple[jax.Array, Tensors]) -> tuple[Any, ...]:
    """Return the gradients of the arguments of `over_time`, of those of what it returns."""
    (kernel, mask, start, outputs, kept), (of_outputs, of_last) = saved, gradients
    dtype = of_outputs.dtype

    def step(of_states: Tensors, given: Any) -> tuple[Tensors, Tensors]:
        of_output, mask, kept = given
        of_states = [of_states[0] + _numbers(of_output, dtype), *of_states[1:]]
        through = _where(mask, of_states, [jnp.zeros_like(values) for values in of_states])
        before, changes = cell.gradient(through, [_numbers(values, dtype) for values in kept])
        before[0] += changes[-1] @ kernel.T
        return _where(mask, before, of_states), [_bits(values) for values in changes]

    of_start, changes = jax.lax.scan(step, list(of_last), (_bits(of_outputs), mask, kept), reverse=True)
    changes = [_numbers(values, dtype) for values in changes]
    before = jnp.concatenate([start[None], outputs[:-1]])
    of_kernel = jnp.einsum("tbu,tbg->ug", before, changes[-1])
    return changes[0], of_kernel, changes[-1].sum((0, 1)), of_start, None


def _where(mask: jax.Array | None, values: Tensors, others: Tensors) -> Tensors:
    """Return values where a mask is True, or there is none, and others where it is False."""
    return values if mask is None else [jnp.where(mask, *each) for each in zip(values, others, strict=True)]


def _bits(values: jax.Array) -> jax.Array:
    """Return an array as its steps are read and written: as numbers, or as the bits of them."""
    return jax.lax.bitcast_convert_type(values, BITS[values.dtype]) if values.dtype in BITS else values


def _numbers(bits: jax.Array, dtype: Any) -> jax.Array:
    return jax.lax.bitcast_convert_type(bits, dtype) if bits.dtype != dtype else bits


over_time.defvjp(_forward, _backward)
