"""Milliseconds of an update of networks for texts, of this engine and of the alternatives, on one core each.

T = 50 tokens, 64 units, a vocabulary of 20,000, Adam. Each loop has a process of its own on the same core; they take
turns. On a machine that does other things as well, the time of the processor says more than the clock.
"""

import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec

import numpy as np

from benchmarks.text_loops import LOOPS, UPDATES

MODELS = {"lstm": "LSTM", "bag_of_embeddings": "mean of embeddings"}
KINDS = {"whole": "", "padded": ", with masks and dropout"}
NAMES = {
    "this_engine": "this engine",
    "keras_fit": "model.fit",
    "pytorch": "PyTorch, eager",
    "pytorch_fused_adam": "PyTorch, eager, fused Adam",
}
# How many times faster than the others the engine is to be, by m, without masks and dropout.
AT_LEAST = {
    ("lstm", "pytorch"): {2: 2.5, 32: 2, 256: 1.2},
    ("lstm", "keras_fit"): {2: 4, 32: 2.5, 256: 1.3},
    ("bag_of_embeddings", "pytorch"): {2: 3.5, 32: 3.5, 256: 3},
}
ROUNDS = 9

Turns = dict[tuple[str, int], np.ndarray]  # {(loop, m): [turns, 2]}, milliseconds by the clock and of the processor


def rows() -> list[tuple]:
    """Return the rows of the table of benchmarks/speed.py."""
    return [
        row
        for model in MODELS
        for kind in KINDS
        for turns in ({key: found for m in UPDATES for key, found in measure(model, kind, m).items()},)
        for row in (*_times(model, kind, turns), *ratios(model, kind, turns))
    ]


def measure(model: str, kind: str, m: int) -> Turns:
    """Return the milliseconds of an update in each turn. Raises ChildProcessError if a loop has ended."""
    names = [name for name in LOOPS if not name.startswith("pytorch") or find_spec("torch")]
    with ExitStack() as stack:
        loops = {name: stack.enter_context(started(name, model, kind, str(m))) for name in names}
        for loop in loops.values():  # compiled and warm
            turn(loop), turn(loop)
        found = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name, loop in loops.items():
                found[name].append(turn(loop))
        for loop in loops.values():
            loop.stdin.close()
    return {(name, m): np.array(milliseconds) for name, milliseconds in found.items()}


def started(*arguments: str) -> subprocess.Popen[str]:
    """Return the process of a loop, a model, a kind and a batch size."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([sys.executable, "-m", "benchmarks.text_loops", *arguments], **pipes)


def turn(loop: subprocess.Popen[str]) -> tuple[float, float]:
    """Return the milliseconds of an update in a turn, by the clock and of the processor."""
    print(file=loop.stdin, flush=True)
    answer = loop.stdout.readline().split()
    if not answer:
        raise ChildProcessError(f"{loop.args} ended; run it by hand to see why")
    return float(answer[0]), float(answer[1])


def _times(model: str, kind: str, turns: Turns) -> list[tuple]:
    found = []
    for (name, m), milliseconds in turns.items():
        low, median, high = np.quantile(milliseconds[:, 0], (0.25, 0.5, 0.75))
        what = f"an update of {MODELS[model]}{KINDS[kind]}, {NAMES[name]}"
        processor = f"processor {np.median(milliseconds[:, 1]):.2f} ms"
        found.append((what, m, f"{median:.2f} ms", f"{low:.2f} … {high:.2f} ms", "", processor))
    return found


def ratios(model: str, kind: str, turns: Turns) -> list[tuple]:
    """Return a row for each other loop and m: how many times as fast this engine is, and whether that is enough."""
    found = []
    for (name, m), milliseconds in turns.items():
        if name != "this_engine":
            by_clock, by_processor = np.median(milliseconds, axis=0) / np.median(turns["this_engine", m], axis=0)
            target = AT_LEAST.get((model, name), {}).get(m) if kind == "whole" else None
            what = f"times faster than {NAMES[name]}, {MODELS[model]}{KINDS[kind]}"
            met = "" if target is None else "ok" if by_processor >= target else "short"
            wanted = "" if target is None else f"at least {target}"
            found.append((what, m, f"{by_processor:.2f} (processor)", f"{by_clock:.2f} (clock)", wanted, met))
    return found
