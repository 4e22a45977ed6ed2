"""Training examples per second of ResNet-8 for CIFAR on all cores, of this engine and of the alternatives.

This engine trains a run on each core, side by side; the others train one run on all cores. Each loop has processes of
its own, since a process has one number of threads; they take turns, so that a change of the machine's speed hits all.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from time import perf_counter

import numpy as np

from benchmarks.network_loops import EXAMPLES, LOOPS

ROUNDS = 9
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
SIDE_BY_SIDE = ("this_engine", "this_engine_augmented")


class Loop:
    """The processes of a loop."""

    def __init__(self, name: str, normalization: str, stack: ExitStack) -> None:
        self.processes = CORES if name in SIDE_BY_SIDE else 1
        command = [sys.executable, "-m", "benchmarks.network_loops", name, normalization]
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
        return self.processes * EXAMPLES[batch_size] / (perf_counter() - start)


def measure(normalization: str) -> dict[tuple[str, int], list[float]]:
    """Return {(loop, m): examples per second of each turn}."""
    names = [name for name in LOOPS if name != "pytorch_loop" or find_spec("torch")]
    with ExitStack() as stack:
        loops = {name: Loop(name, normalization, stack) for name in names}
        for m in EXAMPLES:
            for loop in loops.values():  # compiled and warm
                loop.turn(m), loop.turn(m)
        rates = {(name, m): [] for m in EXAMPLES for name in names}
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
