"""How long runs take: measured as they finish, apart from the results, and used to say how long the rest will take."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from batchwise import grid
from batchwise.grid import Run
from batchwise.params import Study

# A whole line of a file of timings: updates, examples, compilations, runs, seconds.
LINE = r"\d+,\d+,[01],1,\d+\.\d{6}"
# Seconds for an update, an example, a compilation and a run of a small dense network on one core, until one was timed.
FIRST_GUESS = np.array([4e-6, 5e-8, 1.5, 5e-3])
BELIEF = 0.1  # what the guess counts, in runs


@dataclass(frozen=True)
class Work:
    """What the time of a run depends on."""

    updates: int
    examples: int  # training rows × epochs
    compilations: int  # 1 for the first run of its batch size on its worker
    runs: int = 1


def work(study: Study, rows: int, batch_size: int, compilations: int = 0) -> Work:
    """Return the work of a run."""
    epochs = grid.epochs(study.budget, rows, batch_size)
    return Work(grid.updates(study.budget, rows, batch_size), rows * epochs, compilations)


class Timings:
    """The seconds that runs took, by their work; `before` holds the coefficients that are believed until then."""

    def __init__(self, before: np.ndarray = FIRST_GUESS) -> None:
        self.before = np.maximum(before, 1e-9)  # 0 would stay 0
        self.seconds: dict[Work, list[float]] = defaultdict(list)

    def add(self, done: Work, seconds: float) -> None:
        """Keep a measurement."""
        self.seconds[done].append(seconds)

    def coefficients(self) -> np.ndarray:
        """Return seconds for each update, example, compilation and run.

        Non-negative least squares of relative errors; what was believed before counts as a fraction of a run.
        """
        means = np.array([np.mean(values) for values in self.seconds.values()])
        weights = np.sqrt([*map(len, self.seconds.values()), *[BELIEF] * 4])
        measured = np.array([astuple(done) for done in self.seconds], float).reshape(-1, 4) / means[:, None]
        slower = np.median(measured @ self.before) if len(measured) else 1.0  # a larger model, another machine
        believed = self.before / slower
        relative, _ = nnls(np.vstack([measured * believed, np.eye(4)]) * weights[:, None], weights)
        return relative * believed


def predict(coefficients: np.ndarray, planned: Work) -> float:
    """Return the seconds of a run."""
    return float(coefficients @ astuple(planned))


def seconds_left(study: Study, rows: int, left: Collection[Run], workers: int, coefficients: np.ndarray) -> float:
    """Return the seconds that the workers need for the runs that are left; each batch size is compiled once."""
    counts = Counter(run.batch_size for run in left)
    total = sum(count * predict(coefficients, work(study, rows, m)) + coefficients[2] for m, count in counts.items())
    return total / max(1, min(workers, len(left)))


def append(path: Path, done: Work, seconds: float) -> None:
    """Add a line to a file of timings; it starts a new one, also after a line that a kill left unfinished."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"\n{','.join(map(str, astuple(done)))},{max(seconds, 1e-6):.6f}\n")


def read(path: Path) -> Timings:
    """Return the timings of a file, none if there is no file; unfinished lines are passed over."""
    timings = Timings()
    for line in path.read_text().splitlines() if path.exists() else ():
        if re.fullmatch(LINE, line):
            *done, seconds = line.split(",")
            timings.add(Work(*map(int, done)), float(seconds))
    return timings
