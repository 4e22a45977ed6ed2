"""Which engine trained, and what times and memory are of where it trains several runs at once."""

from collections.abc import Mapping
from typing import Any

from batchwise.config.recipe import runs_at_once

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


def lanes(recipe: Mapping[str, Any]) -> int:
    """Return how many runs a program trains at once."""
    return runs_at_once(recipe["engine"], recipe["lanes"])


def engine(recipe: Mapping[str, Any]) -> str:
    """Return what trained: `JAX with 8 runs at once`."""
    number = lanes(recipe)
    return NAMES[recipe["engine"]] + (f" with {number} runs at once" if number > 1 else "")


def share(number: int) -> str:
    """Return what a run's seconds are where so many are trained at once; nothing where it is one."""
    return f"its share of {number} runs at once" if number > 1 else ""


def of_times(machine: Mapping[str, Any]) -> list[str]:
    """Return a sentence on the seconds of a profile, made on that machine; nothing where runs are trained alone."""
    number = machine.get("lanes", 1)
    if number == 1:
        return []
    return [f"A run's seconds are its share of those of {number} lanes, which take as long if some are empty."]


def of_memory(machine: Mapping[str, Any]) -> str:
    """Return a sentence on the memory of a profile, made on that machine."""
    number, name = machine.get("lanes", 1), NAMES[machine.get("engine", "tensorflow")]
    return f"Memory is of a whole process, {name} with it{f', and of all {number} lanes' if number > 1 else ''}."
