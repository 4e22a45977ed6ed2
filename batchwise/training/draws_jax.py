"""The random numbers of Keras on TensorFlow, for models that are built on JAX: they start from the same."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import numpy as np

from batchwise.runtime.jax import jax, keras
from batchwise.training import philox_jax as philox

SEEDS = 2**31 - 2  # of TensorFlow, from 0


@contextmanager
def given() -> Iterator[None]:
    """Let the functions of keras.random that initialisers call return what they return on TensorFlow, to rounding.

    Others, those in types of less than 32 bits, and what is only traced, draw as the engine does. A float of Python
    becomes one of 32 bits, unless a study computes in 64.
    """
    seeds = _without_seed()
    own = keras.src.backend.random
    functions: dict[str, Any] = {
        name: partial(_drawn, draw, getattr(own, name), seeds) for name, draw in FUNCTIONS.items()
    }
    with mock.patch.multiple(own, **functions), jax.enable_x64(keras.config.floatx() == "float64"):
        yield


def _uniform(seed: philox.Seed, size: int, dtype: str, minval: Any = 0.0, maxval: Any = 1.0) -> np.ndarray:
    low, high = (np.asarray(_in_tensorflow(value), dtype) for value in (minval, maxval))
    return philox.uniform(seed, size, dtype) * (high - low) + low


def _in_tensorflow(value: Any) -> Any:
    """Return what tf.cast makes of a number before it casts it: one of float32 of a float of Python."""
    return np.float32(value) if type(value) is float else value


def _normal(seed: philox.Seed, size: int, dtype: str, mean: Any = 0.0, stddev: Any = 1.0) -> np.ndarray:
    return _moved(philox.normal(seed, size, dtype), mean, stddev)


def _truncated_normal(seed: philox.Seed, size: int, dtype: str, mean: Any = 0.0, stddev: Any = 1.0) -> np.ndarray:
    return _moved(philox.truncated_normal(seed, size, dtype), mean, stddev)


def _moved(values: np.ndarray, mean: Any, deviation: Any) -> np.ndarray:
    return values * np.asarray(deviation, values.dtype) + np.asarray(mean, values.dtype)


def _integers(seed: philox.Seed, size: int, dtype: str, minval: Any, maxval: Any) -> np.ndarray:
    return philox.integers(seed, size, int(minval), int(maxval), dtype)


FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated_normal": _truncated_normal,
    "randint": _integers,
}
TYPES = ("float32", "float64", "int32", "int64")


def _drawn(
    draw: Callable[..., np.ndarray],
    own: Callable[..., Any],
    seeds: Iterator[np.ndarray],
    shape: Sequence[int],
    *,
    dtype: str | None = None,
    seed: Any = None,
    **range_: Any,
) -> Any:
    """Return a tensor of numbers as TensorFlow draws them; `own` is the function of the engine."""
    chosen = keras.backend.standardize_dtype(dtype)
    seed = next(seeds) if seed is None else _values(seed)
    if chosen not in TYPES or isinstance(seed, jax.core.Tracer) or not all(isinstance(size, int) for size in shape):
        return own(shape, dtype=dtype, seed=keras.ops.convert_to_tensor(seed, "uint32"), **range_)
    found = draw(np.asarray(seed).astype("int64") % SEEDS, math.prod(shape), chosen, **range_)
    return keras.ops.convert_to_tensor(found.reshape(shape), chosen)


def _values(seed: Any) -> Any:
    """Return the two numbers of a seed, as Keras makes them of what it is given."""
    return np.array([seed, 0]) if isinstance(seed, int) else keras.src.random.seed_generator.draw_seed(seed)


def _without_seed() -> Iterator[np.ndarray]:
    """Yield the seeds that Keras takes where it is given none, in whole numbers of 64 bits as on TensorFlow."""
    seed = np.array([keras.src.random.seed_generator.make_default_seed(), 0])
    while True:
        yield seed
        seed = (seed + 1) * 5387 % 933199  # of keras.random.SeedGenerator.next
