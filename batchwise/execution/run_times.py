"""How long runs take: measured as they finish, apart from the results, and used to say how long the rest will take."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares, nnls

from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study

# A whole line of a file of timings: updates, examples, compilations, runs, seconds.
LINE = r"\d+,\d+,[01],1,\d+\.\d{6}"
# Seconds for an update, an example, a compilation and a run of a small dense network on one core, until one was timed.
FIRST_GUESS = np.array([3e-6, 1e-7, 1.2, 2e-2])
BELIEF = 2  # what the guess counts, in runs
SMALLEST_CHANGE = 1e-3  # where the search for a change begins that may be 0
SLOW_MACHINE = 2  # times the guess; what takes longer still is a larger model, whose examples take their time


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
        self.fitted: np.ndarray | None = None  # to what has been measured until now

    def add(self, done: Work, seconds: float) -> None:
        """Keep a measurement."""
        self.seconds[done].append(seconds)
        self.fitted = None

    def coefficients(self) -> np.ndarray:
        """Return seconds for each update, example, compilation and run."""
        if self.fitted is None:
            self.fitted = self._fit()
        return self.fitted

    def _fit(self) -> np.ndarray:
        """Return the coefficients that fit what was measured, or those believed before if nothing was.

        Least squares of logarithms: of the errors of the predictions, and of the changes of what was believed before.
        """
        if not self.seconds:
            return self.before
        measured = np.array([astuple(done) for done in self.seconds], float)  # [n, 4]
        means = np.array([np.mean(values) for values in self.seconds.values()])
        weights = np.sqrt([*map(len, self.seconds.values()), *[BELIEF] * 4])
        believed = self._believed(measured, means)

        def errors(changes: np.ndarray) -> np.ndarray:
            predicted = measured @ (believed * np.exp(changes))
            return weights * np.concatenate([np.log(predicted / means), changes])

        without_belief, _ = nnls(measured / means[:, None] * believed, np.ones(len(means)))
        found = least_squares(errors, np.log(np.maximum(without_belief, SMALLEST_CHANGE)))
        return believed * np.exp(found.x)

    def _believed(self, measured: np.ndarray, means: np.ndarray) -> np.ndarray:
        """Return what was believed before, fitted to the machine and the model that were measured, [n, 4] and [n]."""
        slower = np.median(means / (measured @ self.before))
        believed = self.before * min(slower, SLOW_MACHINE)
        if slower > SLOW_MACHINE:
            of_rows = np.median((means - measured @ (believed * [1, 0, 1, 1])) / measured[:, 1])
            believed[1] = max(of_rows, believed[1])  # a few short runs leave nothing for their rows, or less
        return believed


def predict(coefficients: np.ndarray, planned: Work) -> float:
    """Return the seconds of a run."""
    return float(coefficients @ astuple(planned))


def seconds_left(
    study: Study,
    rows: int,
    left: Collection[Run],
    workers: int,
    coefficients: np.ndarray,
    compiled: Collection[int] = (),
) -> float:
    """Return the seconds that the workers need for the runs that are left; a batch size not `compiled` is so once."""
    counts = Counter(run.batch_size for run in left)
    total = sum(count * predict(coefficients, work(study, rows, m)) for m, count in counts.items())
    total += coefficients[2] * len(counts.keys() - set(compiled))
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
