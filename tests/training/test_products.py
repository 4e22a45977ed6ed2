"""Products of matrices on JAX: sums over rows are rewritten, to the same numbers in the same order of axes."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from batchwise.training import trainers
from tests.training.runs import data_set, recipe

pytestmark = pytest.mark.jax

ROWS, LEFT, RIGHT = 12, 5, 3


@pytest.fixture(scope="module")
def jax() -> Any:
    from batchwise.runtime.jax import jax

    return jax


def sums(jax: Any, left: Any, right: Any) -> Any:
    """Return the sum over rows of the products of what two arrays have of each, [left, right]."""
    return jax.lax.dot_general(left, right, (((0,), (0,)), ((), ())))


PROGRAMS = {  # of [ROWS, LEFT] and [ROWS, RIGHT]
    "the smaller first": lambda jax, left, right: sums(jax, right, left),
    "the smaller last": lambda jax, left, right: sums(jax, left, right),
    "in a function": lambda jax, left, right: jax.jit(lambda left: sums(jax, left, right))(left) + 1,
    "of two axes": lambda jax, left, right: jax.numpy.einsum(
        "abi,abj->ij", left.reshape(4, 3, -1), right.reshape(4, 3, -1)
    ),
    "of two axes in another order": lambda jax, left, right: jax.numpy.einsum(
        "abi,baj->ij", left.reshape(4, 3, -1), right.reshape(3, 4, -1)
    ),
    "of more axes that stay": lambda jax, left, right: jax.numpy.einsum("bij,bk->ijk", left.reshape(-1, 5, 1), right),
    "in a loop": lambda jax, left, right: jax.lax.fori_loop(
        0, 2, lambda _, total: total + sums(jax, left, right), 1 + sums(jax, left, right)
    ),
    "a gradient": lambda jax, *both: jax.grad(lambda *both: (jax.numpy.tanh(sums(jax, *both)) ** 2).sum())(*both),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_rewritten_programs_return_the_same(jax, name) -> None:
    from batchwise.training.on_jax.products import rows_last

    program = partial(PROGRAMS[name], jax)
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(7, ROWS, size)) for size in (LEFT, RIGHT))  # in 7 lanes

    def rewritten(*arrays: Any) -> Any:
        [found] = rows_last(jax.make_jaxpr(program)(*arrays))(*arrays)
        return found

    found = jax.jit(jax.vmap(rewritten))(left, right)
    expected = [np.asarray(program(*pair)) for pair in zip(left, right, strict=True)]
    assert np.allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("rows", "kept"), [(3, True), (4, False)])
def test_sums_over_a_few_rows_alone_are_left_to_xla(jax, rows, kept) -> None:
    from batchwise.training.on_jax.products import rows_last

    left, right = np.ones((rows, LEFT)), np.ones((rows, RIGHT))
    traced = jax.make_jaxpr(partial(sums, jax))(left, right)
    rewritten = jax.make_jaxpr(lambda *arrays: rows_last(traced)(*arrays))(left, right)
    found = [one.params["dimension_numbers"][0] for one in rewritten.eqns if one.primitive.name == "dot_general"]
    assert (found == [((0,), (0,))]) is kept


def test_products_of_several_pairs_stay_as_they_are(jax) -> None:
    from batchwise.training.on_jax.products import rows_last

    left, right = np.ones((2, ROWS, LEFT)), np.ones((2, ROWS, RIGHT))
    traced = jax.make_jaxpr(lambda left, right: jax.numpy.einsum("pri,prj->pij", left, right))(left, right)
    rewritten = jax.make_jaxpr(lambda *arrays: rows_last(traced)(*arrays))(left, right)
    assert str(rewritten) == str(traced)


def test_on_a_gpu_products_stay_as_they_are_and_updates_are_the_same(jax, monkeypatch) -> None:
    from batchwise.training.on_jax import update

    expected = trainers.load(data_set(), recipe("adam")).updated(12, 0.1)
    monkeypatch.setattr(update, "has_nvidia_driver", lambda: True)
    monkeypatch.delattr(update, "rows_last")
    found = trainers.load(data_set(), recipe("adam")).updated(12, 0.1)
    assert all(np.allclose(*pair, rtol=1e-6, atol=1e-7) for pair in zip(found, expected, strict=True))
