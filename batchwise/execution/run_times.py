"""How long runs take: measured as they finish, apart from the results, and used to say how long the rest will take.

What is timed is a call of a worker's program: of a run, or of as many as an engine trains together in its lanes, which
takes as long if some lanes are empty.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np

from batchwise.common.files import append_line, matching_lines
from batchwise.config import phases
from batchwise.config.grid import Run
from batchwise.config.study import Study

# A whole line of a file of timings: updates, examples, compilations and runs, or of a start, and seconds.
LINE = r"(?:(\d+),(\d+),([01]),1|start-up),(\d+\.\d{6})"
# Seconds for an update, an example, a compilation and a call of a small dense network on one core, until one was timed.
FIRST_GUESS = np.array([3e-6, 1e-7, 1.2, 2e-2])
BELIEF = 2  # what the guess counts, in calls
SLOW_MACHINE = 2  # times the guess; what takes longer still is a larger model, whose examples take their time


@dataclass(frozen=True)
class Work:
    """What the time of a call depends on: what one of its runs does."""

    updates: int
    examples: int  # training rows × epochs
    compilations: int  # 1 for the first call at its batch size on its worker
    calls: int = 1


def work(study: Study, rows: int, run: Run, compilations: int = 0) -> Work:
    """Return the work of a run, whose seed and η do not matter; of a branch with what it has in common with others."""
    stretches = phases.of_run(study, rows, run.effective_batch_size, run.branch or None)
    updates = sum(phase.epochs * phase.updates_per_epoch for phase in stretches)
    return Work(min(updates, study.budget.updates or updates), rows * stretches[-1].end_epoch, compilations)


class Timings:
    """The seconds that calls took, by their work; `before` holds the coefficients that are believed until then."""

    def __init__(self, before: np.ndarray = FIRST_GUESS) -> None:
        self.before = np.maximum(before, 1e-9)  # 0 would stay 0
        self.seconds: dict[Work, list[float]] = defaultdict(list)
        self.sums: Counter[Work] = Counter()  # of these seconds: a fit looks at no single run
        self.fitted: np.ndarray | None = None  # to what has been measured until now
        self.start_up: float | None = None  # of the last time

    def add(self, done: Work, seconds: float) -> None:
        """Keep a measurement."""
        self.seconds[done].append(seconds)
        self.sums[done] += seconds  # type: ignore[assignment]  # seconds are no whole number
        self.fitted = None

    def coefficients(self) -> np.ndarray:
        """Return seconds for each update, example, compilation and call."""
        if self.fitted is None:
            self.fitted = self._fit()
        return self.fitted

    def _fit(self) -> np.ndarray:
        """Return the coefficients that fit what was measured and what was believed before.

        Least squares of logarithms: of the errors of the predictions, and of the changes of what was believed, which
        keep each coefficient positive.
        """
        if not self.seconds:
            return self.before
        measured = np.array([astuple(done) for done in self.seconds], float)  # [n, 4]
        means = np.array([self.sums[done] / len(values) for done, values in self.seconds.items()])
        weights = np.sqrt([*map(len, self.seconds.values()), *[BELIEF] * 4])
        slower, compiles = means / (measured @ self.before), measured[:, 2] > 0
        telling = compiles if compiles.all() else ~compiles  # of a call that compiles little is the model's
        typical = np.median(slower[telling])
        believed = self.before * min(typical, SLOW_MACHINE)
        if typical > SLOW_MACHINE:  # a large model
            believed[1] += max(0, np.median(((means - measured @ believed) / measured[:, 1])[telling]))

        def errors(changes: np.ndarray) -> np.ndarray:
            predicted = measured @ (believed * np.exp(changes))
            return weights * np.concatenate([np.log(predicted / means), changes])

        from scipy.optimize import least_squares  # takes a third of a second to import

        start = [np.log(max(1, slower.max())), 0, 0, 0]  # from too many seconds an update there is a way down
        return believed * np.exp(least_squares(errors, start).x)


def predict(coefficients: np.ndarray, planned: Work) -> float:
    """Return the seconds of a call."""
    return float(coefficients @ astuple(planned))


def kind(study: Study, run: Run) -> Run:
    """Return what stands for all runs that may be trained together: of its batch size, branch and fold."""
    return replace(run, learning_rate=0.0, seed=run.seed % study.folds if study.folds else 0)


def calls(study: Study, counts: Counter[Run]) -> Counter[Run]:
    """Return in how many calls so many runs of each kind are trained."""
    return Counter({each: -(-count // study.recipe.runs_at_once) for each, count in counts.items()})


def calls_of(study: Study, runs: Collection[Run]) -> Counter[Run]:
    """Return in how many calls some runs are trained, by kind."""
    return calls(study, Counter(kind(study, run) for run in runs))


def seconds_left(study: Study, rows: int, left: Collection[Run], workers: int, coefficients: np.ndarray) -> float:
    """Return the seconds that the workers need for the runs that are left; each batch size is compiled once."""
    counts = calls_of(study, left)
    return seconds_of(counts, {each: work(study, rows, each) for each in counts}, workers, coefficients)


def seconds_of(
    counts: Counter[Run],
    works: Mapping[Run, Work],
    workers: int,
    coefficients: np.ndarray,
    compiled: Collection[int] = (),
) -> float:
    """Return the seconds that the workers need for so many calls of each kind, whose works are given.

    A batch size that is not `compiled` is so once.
    """
    total = sum(count * predict(coefficients, works[each]) for each, count in counts.items())
    total += coefficients[2] * len({each.effective_batch_size for each in +counts} - set(compiled))
    return total / max(1, min(workers, counts.total()))


def append(path: Path, done: Work, seconds: float) -> None:
    """Add a call to a file of timings."""
    append_line(path, f"{','.join(map(str, astuple(done)))},{max(seconds, 1e-6):.6f}")


def append_start_up(path: Path, seconds: float) -> None:
    """Add to a file of timings how long it took until the first run began."""
    append_line(path, f"start-up,{seconds:.6f}")


def read(path: Path) -> Timings:
    """Return the timings of a file, none if there is no file; unfinished lines are passed over."""
    timings = Timings()
    for updates, examples, compilations, seconds in matching_lines(path, LINE):
        if updates:
            timings.add(Work(int(updates), int(examples), int(compilations)), float(seconds))
        else:
            timings.start_up = float(seconds)
    return timings
