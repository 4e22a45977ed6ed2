"""Training examples per second of a network on all cores, of this engine and of the alternatives.

This engine trains a run on each core, side by side; the others train one run on all cores, or do as their name says.
Each loop has processes of its own, since a process has one number of threads; they take turns, so that a change of the
machine's speed hits all.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from time import perf_counter
from types import ModuleType

import numpy as np

ROUNDS = 9
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Loop:
    """The processes of a loop of a module, benchmarks/network_loops.py say, with the other arguments that it takes."""

    def __init__(self, module: ModuleType, name: str, arguments: tuple[str, ...], stack: ExitStack) -> None:
        self.examples = module.EXAMPLES
        self.processes = processes(name)
        command = [sys.executable, "-m", module.__name__, name, *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        started = [subprocess.Popen(command, **pipes) for _ in range(self.processes)]
        self.started = [stack.enter_context(process) for process in started]

    def turn(self, batch_size: int) -> float:
        """Return examples per second of a turn, over all processes. Raises ChildProcessError if one has ended."""
        start = perf_counter()
        for process in self.started:
            print(batch_size, file=process.stdin, flush=True)
        if any(not process.stdout.readline() for process in self.started):
            raise ChildProcessError(f"{self.started[0].args} ended; run it by hand to see why")
        return self.processes * self.examples[batch_size] / (perf_counter() - start)


def processes(name: str) -> int:
    """Return how many runs a loop trains side by side."""
    return CORES if name.startswith("this_engine") or name.endswith("side_by_side") else 1


def measure(module: ModuleType, *arguments: str) -> dict[tuple[str, int], list[float]]:
    """Return {(loop, m): examples per second of each turn} of the loops of a module."""
    names = [name for name in module.LOOPS if not name.startswith("pytorch") or find_spec("torch")]
    with ExitStack() as stack:
        loops = {name: Loop(module, name, arguments, stack) for name in names}
        for m in module.EXAMPLES:
            for loop in loops.values():  # compiled and warm
                loop.turn(m), loop.turn(m)
        rates = {(name, m): [] for m in module.EXAMPLES for name in names}
        for _ in range(ROUNDS):
            for name, m in rates:
                rates[name, m].append(loops[name].turn(m))
        for loop in loops.values():
            for process in loop.started:
                process.stdin.close()
    return rates


def memory(batch_size: int) -> int:
    """Return the MiB that training on as many images as CIFAR-10 has takes at m, beside TensorFlow's own."""
    command = [sys.executable, "-m", "benchmarks.network_memory", str(batch_size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    before, after = map(int, done.stdout.split())
    return after - before


def ratios(rates: dict[tuple[str, int], list[float]]) -> dict[tuple[str, int], float]:
    """Return {(other loop, m): median examples per second of this engine / those of the other}."""
    medians = {key: float(np.median(values)) for key, values in rates.items()}
    return {
        (name, m): medians["this_engine", m] / value for (name, m), value in medians.items() if name != "this_engine"
    }
