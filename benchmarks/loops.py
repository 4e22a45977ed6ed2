"""Seconds of the training loops, side by side in one process on one core."""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from time import perf_counter

import numpy as np

from benchmarks import job

EPOCHS = 50
BATCH_SIZES = (2, 32, 512)
# {module of this package: the package that it needs}
NEEDS = {"this_engine": "tensorflow", "keras_fit": "keras", "pytorch_loop": "torch", "jax_loop": "jax"}
# These take many seconds at m = 2, where a tenth of the epochs takes a tenth of the time.
EPOCHS_OF = {("keras_fit", 2): 5, ("pytorch_loop", 2): 5}
ROUNDS = 24
# A loop that takes longer than this has a turn in every eighth round only.
SLOW = 0.4  # seconds

Loop = tuple[str, int]  # module, m


def available() -> list[str]:
    """Return the loops whose package is installed."""
    return [loop for loop, package in NEEDS.items() if find_spec(package)]


def missing() -> list[str]:
    """Return the packages that are not installed."""
    return [package for package in NEEDS.values() if not find_spec(package)]


def measure() -> tuple[dict[Loop, list[float]], dict[Loop, float]]:
    """Return the seconds of each turn, for 50 epochs, and the seconds that the first turn took longer: compiling."""
    seconds, compiling = {}, {}
    with one_core():
        turns = {(loop, m): _prepared(loop, m) for m in BATCH_SIZES for loop in available()}
        for key, turn in turns.items():
            first, seconds[key] = turn(), [turn()]
            compiling[key] = max(first - seconds[key][0], 0)
        for number in range(ROUNDS):
            for key, turn in turns.items():
                if number % 8 == 0 or seconds[key][0] < SLOW:
                    seconds[key].append(turn())
    scale = {key: EPOCHS / EPOCHS_OF.get(key, EPOCHS) for key in seconds}
    return {key: [scale[key] * value for value in values] for key, values in seconds.items()}, compiling


def _prepared(loop: str, batch_size: int) -> Callable[[], float]:
    what = job.make(batch_size, EPOCHS_OF.get((loop, batch_size), EPOCHS))
    train = importlib.import_module(f"benchmarks.{loop}").prepare(what)

    def turn() -> float:
        start = perf_counter()
        losses = train()
        seconds = perf_counter() - start
        if not np.isfinite(losses[:, 1]).all():
            raise FloatingPointError(f"{loop} diverged at m = {batch_size}: its time says nothing")
        return seconds

    return turn


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, with the threads that it starts, on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):  # macOS
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
