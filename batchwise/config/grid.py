"""The grid of a study: cells as the user asked for them, and the distinct runs that they need."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from batchwise.config import phases
from batchwise.config.phases import Branch, scaled
from batchwise.config.recipe import Budget, Recipe
from batchwise.config.study import LAST_EPOCHS, Study


@dataclass(frozen=True)
class Cell:
    """One (batch size, learning rate) of a study."""

    batch_size: int  # m as asked for
    effective_batch_size: int  # at most N: the m that is trained, and the m of the scaling rule
    base_learning_rate: float  # η̃
    learning_rate: float  # η, of the averaged gradient


@dataclass(frozen=True, order=True)
class Run:
    """One seed of a cell: what is trained once. Batch sizes above N share the runs of m = N."""

    effective_batch_size: int
    learning_rate: float
    seed: int
    branch: Branch | tuple[()] = ()  # where it goes on with another m; nothing in a run of the grid

    @property
    def name(self) -> str:
        """The stem of the run's file."""
        branched = f"_{self.branch.name}" if self.branch else ""
        return f"m{self.effective_batch_size}_lr{self.learning_rate!r}_seed{self.seed}{branched}"

    @property
    def facts(self) -> dict[str, Any]:
        """What decides its bits, beside what all runs of a study share."""
        own = {"effective_batch_size": self.effective_batch_size, "learning_rate": self.learning_rate}
        return own | {"seed": self.seed} | ({"branch": self.branch._asdict()} if self.branch else {})


def cells(study: Study, rows: int) -> list[Cell]:
    """Return the cells of a study with `rows` training rows, in the order of params.yaml."""
    sizes = [(m, effective_batch_size(m, rows)) for m in study.grid.batch_sizes]
    return [
        Cell(m, effective, base, scaled(base, effective, study.learning_rate_scaling))
        for m, effective in sizes
        for base in study.grid.base_learning_rates
    ]


def runs(study: Study, rows: int) -> list[Run]:
    """Return the distinct runs of a study, sorted."""
    return sorted({run for cell in cells(study, rows) for run in runs_of(cell, study)}, key=_order)


def branch_runs(study: Study, rows: int) -> list[Run]:
    """Return the runs that are branches, sorted: of each seed at each moment one for each distinct m."""
    given, epochs = study.branches, study.budget.epochs
    if not (given and epochs):
        return []
    trunk = effective_batch_size(given.batch_size, rows)
    sizes = {trunk, *(effective_batch_size(m, rows) for m in given.batch_sizes)}
    rate = scaled(given.base_learning_rate, trunk, study.learning_rate_scaling)
    factors = {m: phases.rate_factor(m, trunk, study.learning_rate_scaling) for m in sizes}
    return sorted(
        Run(trunk, rate, seed, Branch(first, end, m, factors[m]))
        for seed in range(study.grid.seeds)
        for first, end in given.epochs(epochs)
        for m in sizes
    )


def all_runs(study: Study, rows: int) -> list[Run]:
    """Return the distinct runs of a study and those that are its branches, sorted."""
    return sorted([*runs(study, rows), *branch_runs(study, rows)], key=_order)


# That of runs themselves, ten times as fast.
_order = attrgetter("effective_batch_size", "learning_rate", "seed", "branch")


def runs_of(cell: Cell, study: Study) -> list[Run]:
    """Return the runs of one cell, by seed."""
    return with_seeds(cell, range(study.grid.seeds))


def fresh_runs(cell: Cell, study: Study, seeds: int) -> list[Run]:
    """Return the runs of one cell with as many seeds that are not in the grid: those that follow."""
    return with_seeds(cell, range(study.grid.seeds, study.grid.seeds + seeds))


def with_seeds(cell: Cell, seeds: Iterable[int]) -> list[Run]:
    """Return the runs of one cell with some seeds."""
    return [Run(cell.effective_batch_size, cell.learning_rate, seed) for seed in seeds]


def effective_batch_size(batch_size: int, rows: int) -> int:
    """Return min(m, N), the batch size that is trained: more rows than there are is all of them."""
    return min(batch_size, rows)


def updates(recipe: Recipe, rows: int, batch_size: int, epochs: float = math.inf) -> int:
    """Return S, the weight updates of a run that starts with m, or of its first epochs."""
    return int(phases.updates(recipe, rows, batch_size, epochs))


def epochs(budget: Budget, rows: int, batch_size: int) -> int:
    """Return E, the epochs of a run; with a budget of updates the last one may be cut short."""
    if budget.epochs:
        return budget.epochs
    assert budget.updates  # a budget has one of the two
    return -(-budget.updates // phases.updates_per_epoch(rows, batch_size))


def shorter_than_statistic(study: Study, rows: int) -> dict[int, int]:
    """Return {m as asked: epochs of its runs} where these are fewer than the study's statistic is of, by m."""
    lengths = {m: epochs(study.budget, rows, effective_batch_size(m, rows)) for m in sorted(study.grid.batch_sizes)}
    return {m: length for m, length in lengths.items() if length < LAST_EPOCHS[study.statistic]}


def notes(study: Study, rows: int) -> list[str]:
    """Return what a user should know: of rows that no seed tests, and of batch sizes larger than all training rows,
    smaller than parts, or with few epochs."""
    parts, wanted = study.accumulation, LAST_EPOCHS[study.statistic]
    large = [m for m in study.grid.batch_sizes if m > rows]
    small = [m for m in study.grid.batch_sizes if effective_batch_size(m, rows) < parts]
    return [
        *_untested(study),
        *(f"batch size {m} is more than the {rows} training rows; it is trained as {rows}, all of them" for m in large),
        *_clipped(study, rows),
        *(
            f"accumulation is {parts}, more than the rows of batch size {m}; it is trained in parts of one row"
            for m in small
        ),
        *(
            f"batch size {m} is trained for fewer than the {wanted} epochs of {study.statistic}, {length}; the median "
            "is over these"
            for m, length in shorter_than_statistic(study, rows).items()
        ),
    ]


def _clipped(study: Study, rows: int) -> list[str]:
    """Return which batch sizes a schedule makes larger than all training rows."""
    largest = max(study.schedule.batch_sizes.values(), default=1)
    return [
        f"batch size {m} grows to {largest * m}, more than the {rows} training rows; it is trained as {rows} then"
        for m in study.grid.batch_sizes
        if m <= rows < largest * m
    ]


def _untested(study: Study) -> list[str]:
    """Return which folds no seed tests on."""
    seeds, folds = study.grid.seeds, study.folds
    if not folds or seeds == folds:
        return []
    return [f"{seeds} of {folds} folds are tested, one for each seed; {folds} seeds would test each row"]
