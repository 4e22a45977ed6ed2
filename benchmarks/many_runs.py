"""What studies of 1,000, 10,000 and 100,000 runs take: `python -m benchmarks.many_runs [<runs> ...]`, half an hour.

Training is simulated (simulated_training.py), a millisecond a run; the store, the stages and DVC are real, in a copy of
the project. It prints the seconds, the memory and the files of each step, and draws benchmarks/many_runs.svg.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import perf_counter

from ruamel.yaml import YAML

from benchmarks.fault_project import Project

STUDY = "many"
SIZES = {1_000: (10, 10, 10), 10_000: (10, 50, 20), 100_000: (20, 50, 100)}  # batch sizes, learning rates, seeds
GIB = 2**30


@dataclass(frozen=True)
class Step:
    """What a step took: seconds of the clock, and bytes that its processes had together at most."""

    name: str
    seconds: float
    memory: int


def params(runs: int) -> dict:
    """Return a params.yaml with a study of so many runs: digits_mlp on a finer grid."""
    sizes, rates, seeds = SIZES[runs]
    return {
        "data_sets": {"digits": {"test_rows": 297, "validation_rows": 300, "seed": 0}},
        "studies": {
            STUDY: {
                "data_set": "digits",
                "model": {"name": "mlp", "hidden_units": [32]},
                "optimizer": {"name": "sgd"},
                "budget": {"epochs": 50},
                "learning_rate_scaling": "linear",
                "grid": {
                    "batch_sizes": [round(2 ** (number / 2 + 1)) for number in range(sizes)],
                    "base_learning_rates": [2.0 ** (-12 + 12 * number / (rates - 1)) for number in range(rates)],
                    "seeds": seeds,
                },
            }
        },
    }


class Bench:
    """A project with a study of many runs, and what its steps took."""

    def __init__(self, folder: Path, runs: int) -> None:
        self.project, self.runs = Project.new(folder), runs
        self.steps: list[Step] = []
        with (folder / "params.yaml").open("w") as file:
            YAML(typ="safe").dump(params(runs), file)

    def run(self, name: str, *command: str) -> str:
        """Run a command, and keep what it took; return what it printed."""
        start, process = perf_counter(), self.project.start(*command)
        most = [0]
        watch = Thread(target=_watch, args=(process.pid, most))
        watch.start()
        printed, _ = process.communicate()
        self.steps.append(Step(name, perf_counter() - start, 0))
        watch.join()
        self.steps[-1] = Step(name, self.steps[-1].seconds, most[0])
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{printed}")
        print(f"{self.runs:,} runs: {name}: {self.steps[-1].seconds:.1f} s, {most[0] / GIB:.2f} GiB", flush=True)
        return printed
