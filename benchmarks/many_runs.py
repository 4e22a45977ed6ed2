"""What studies of 1,000, 10,000 and 100,000 runs take: `python -m benchmarks.many_runs`, a quarter of an hour.

Training is simulated (simulated_training.py), a millisecond a run; the store, the stages and DVC are real, in a copy of
the project. It prints the seconds and the memory of each step, and writes benchmarks/many_runs.csv and many_runs.svg.
"""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter, sleep

import matplotlib.pyplot as plt
import pandas as pd
import psutil
from ruamel.yaml import YAML

from batchwise.execution.run_store import Store
from benchmarks.fault_project import Project

STUDY = "many"
SIZES = {1_000: (10, 10, 10), 10_000: (10, 50, 20), 100_000: (20, 50, 100)}  # batch sizes, learning rates, seeds
MISSING = 100  # one of so many runs is missing where some are
HERE = Path(__file__).parent
MB = 10**6


@dataclass(frozen=True)
class Row:
    """What a step took: seconds of the clock, and megabytes that its processes had together at most."""

    runs: int
    step: str
    seconds: float
    memory: float


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
                "statistic": "median_of_last_5_epochs",
                "grid": {
                    "batch_sizes": [round(2 ** (number / 2 + 1)) for number in range(sizes)],
                    "base_learning_rates": [2.0 ** (-12 + 12 * number / (rates - 1)) for number in range(rates)],
                    "seeds": seeds,
                },
            }
        },
    }


def rows(folder: Path, runs: int) -> list[Row]:
    """Return what the steps of a study of so many runs take, in a new project."""
    project, found = Project.new(folder), []
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(params(runs), file)

    def step(name: str, *command: str, seconds: Callable[[str], float] | None = None) -> None:
        row = measured(project, runs, name, command, seconds)
        found.append(row)
        print(f"{runs:,} runs, {name}: {row.seconds:.1f} s, {row.memory:,.0f} MB", flush=True)

    train = ("python", "-m", "benchmarks.simulated_training", STUDY)
    measured(project, runs, "", ("dvc", "repro", "preprocess"))
    step("plan", "python", "-m", "batchwise", "plan", STUDY)
    step("train", *train)
    forget_some(folder / "data/store")
    step("find what is missing", *train, seconds=until_the_first)
    step("keep in DVC", "dvc", "commit", "--force", f"train@{STUDY}")
    step("plan again", "python", "-m", "batchwise", "plan", STUDY)
    measured(project, runs, "", ("dvc", "repro", f"profile@{STUDY}", f"confirm@{STUDY}"))
    for stage in ("evaluate", "costs", "report"):
        step(stage, "dvc", "repro", f"{stage}@{STUDY}")
    step("nothing to do", "dvc", "repro", f"report@{STUDY}")
    step("train with all in the store", "dvc", "repro", "--force", "--single-item", f"train@{STUDY}")
    for name, place in (("files of runs", "data/runs"), ("files of the store", "data/store")):
        files = [path for path in (folder / place).rglob("*") if path.is_file()]
        print(f"{runs:,} runs, {name}: {len(files)}, {sum(path.stat().st_size for path in files) / MB:,.0f} MB")
    return found


def forget_some(store: Path) -> None:
    """Remove some entries of a store."""
    kept = Store(store)
    kept._opened().execute("DELETE FROM entries WHERE rowid % ? = 0", (MISSING,))
    kept.close()


def until_the_first(printed: str) -> float:
    """Return after how many seconds of its process the first run was begun."""
    (found,) = re.findall(r"begun after (.*) s", printed)
    return float(found)


def measured(
    project: Project, runs: int, name: str, command: tuple[str, ...], seconds: Callable[[str], float] | None = None
) -> Row:
    """Run a command and return what it took; `seconds` finds them in what it printed."""
    start, process = perf_counter(), project.start(*command)
    memory = [0.0]
    watching = Thread(target=watch, args=(psutil.Process(process.pid), memory))
    watching.start()
    printed, _ = process.communicate()
    took = perf_counter() - start
    watching.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{printed}")
    return Row(runs, name, seconds(printed) if seconds else took, memory[0])


def watch(process: psutil.Process, most: list[float]) -> None:
    """Note how much memory a process and those below it have at most, until it ends."""
    with suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            now = 0
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    now += each.memory_info().rss
            most[0] = max(most[0], now / MB)
            sleep(0.05)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the seconds of each step over the number of runs, and a line for cost that is proportional to it."""
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for step, part in table.groupby("step", sort=False):
        ax.plot(part["runs"], part["seconds"], marker="o", label=step)
    ends = [table["runs"].min(), table["runs"].max()]
    ax.plot(ends, [each / 1000 for each in ends], color="black", linestyle=":", label="1 ms a run")
    ax.set(xscale="log", yscale="log", xlabel="runs", ylabel="seconds")
    figure.legend(loc="outside right upper", fontsize="small")
    with plt.rc_context({"svg.hashsalt": "batchwise"}):
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure the numbers of runs that are named, or all, and write the table and the figure."""
    found: list[Row] = []
    for runs in [int(word) for word in sys.argv[1:]] or SIZES:
        with TemporaryDirectory() as folder:
            found += rows(Path(folder) / "project", runs)
    table = pd.DataFrame(map(asdict, found))
    wide = table.pivot_table(index="step", columns="runs", values=["seconds", "memory"], sort=False)
    print(wide.round(1).to_string())
    if len(sys.argv) == 1:
        table.round(2).to_csv(HERE / "many_runs.csv", index=False, lineterminator="\n")
        draw(table, HERE / "many_runs.svg")


if __name__ == "__main__":
    main()
