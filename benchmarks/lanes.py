"""What a run costs in lanes on JAX, against a run alone on TensorFlow, on one core.

`python -m benchmarks.lanes` (a minute or two) trains 50 epochs of the study digits_mlp, with the metrics of each epoch,
on both engines in turns, each in a process of its own. The time of a run in lanes is its share of the program's.
"""

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from batchwise.common import plugins
from batchwise.config import params
from batchwise.config.grid import Run
from batchwise.config.recipe import Recipe

CASES = (("sgd", 2), ("sgd", 32), ("sgd", 512), ("adam", 64))
AT_MOST = {("sgd", 2): 1 / 1.5, ("sgd", 32): 1 / 2, ("sgd", 512): 1 / 1.8, ("adam", 64): 1 / 2.5}
LANES, RATES, TURNS = (8, 16), (0.01, 0.02, 0.03, 0.05), 9


def serve(pipe: Connection, engine: str, lanes: int | None) -> None:
    """Train the runs of each case that is asked for, and answer with the seconds of a run, until there are no more."""
    from batchwise.training import trainers

    everything = params.load()
    study = everything.studies["digits_mlp"]
    data = plugins.load("datasets", study.data_set).prepare(**everything.data_sets[study.data_set])
    made: dict[str, Any] = {}
    while case := pipe.recv():
        optimizer, m = case
        if optimizer not in made:
            changes = {"engine": engine, "lanes": lanes, "optimizer": {"name": optimizer}}
            recipe = Recipe.model_validate(study.recipe.model_dump() | changes)
            made[optimizer] = trainers.load(data, recipe)
        runs = [Run(m, RATES[number % len(RATES)], number // len(RATES)) for number in range(lanes or 1)]
        start = time.perf_counter()
        made[optimizer].train(runs)
        pipe.send((time.perf_counter() - start) / len(runs))


def main() -> None:
    """Print the milliseconds of a run on both engines, and their ratio."""
    context, engines = multiprocessing.get_context("spawn"), {"tensorflow": (None,), "jax": LANES}
    pipes: dict[tuple[str, int | None], Connection] = {}
    for engine, numbers in engines.items():
        for lanes in numbers:
            pipes[engine, lanes], other = context.Pipe()
            context.Process(target=serve, args=(other, engine, lanes), daemon=True).start()
    print("| optimiser | m | alone, ms | " + " | ".join(f"{lanes} lanes, ms | ratio" for lanes in LANES) + " | asked |")
    print("|---" * (4 + 2 * len(LANES)) + "|")
    for case in CASES:
        times: dict[tuple[str, int | None], list[float]] = {key: [] for key in pipes}
        for turn in range(1 + TURNS):  # the first compiles
            for key, pipe in pipes.items():
                pipe.send(case)
                taken = pipe.recv()
                times[key] += [taken] if turn else []
        medians = {key: float(np.median(values)) for key, values in times.items()}
        alone = medians["tensorflow", None]
        cells = [f"{1e3 * medians['jax', n]:.1f} | {medians['jax', n] / alone:.2f}" for n in LANES]
        print(f"| {case[0]} | {case[1]} | {1e3 * alone:.1f} | {' | '.join(cells)} | {AT_MOST[case]:.2f} |", flush=True)
    for pipe in pipes.values():
        pipe.send(None)


if __name__ == "__main__":
    main()
