"""The phases of a run: stretches of its epochs, each with a batch size of its own. Most runs have one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from batchwise.config.recipe import Recipe, Schedule, first_epoch

Cost = Callable[["Phase"], float]  # of a phase in each of its epochs
Epochs = Any  # a number or an array


class Branch(NamedTuple):
    """Where a run leaves the phases of its recipe: at an epoch, with another m and η, until it ends early."""

    first_epoch: int  # the first with the other m, from 0
    end_epoch: int  # the one after the last
    batch_size: int  # at most N
    rate_factor: float  # of η

    @property
    def name(self) -> str:
        """What the name of a run's file says of it."""
        return f"epochs{self.first_epoch}to{self.end_epoch}_m{self.batch_size}"


@dataclass(frozen=True)
class Phase:
    """Some epochs of a run, counted from 0; those of a budget of updates may end with a part of one."""

    first_epoch: int
    end_epoch: int  # the one after the last
    batch_size: int  # at most N
    rate_factor: float  # of η
    updates_per_epoch: int

    @property
    def epochs(self) -> int:
        """How many epochs it has."""
        return self.end_epoch - self.first_epoch


def scaled(learning_rate: float, batch_size: int, scaling: str) -> float:
    """Return η of η̃ and m: `linear` η̃·m (Masters & Luschi 2018, eq. 6), `sqrt` η̃·√m (Malladi 2022), `none` η̃."""
    return learning_rate * {"linear": batch_size, "sqrt": math.sqrt(batch_size), "none": 1}[scaling]


def rate_factor(batch_size: int, before: int, scaling: str) -> float:
    """Return what η is multiplied with where m takes the place of the one before."""
    return scaled(1.0, batch_size, scaling) / scaled(1.0, before, scaling)


def updates_per_epoch(rows: int, batch_size: int) -> int:
    """Return ceil(N/m)."""
    return -(-rows // batch_size)


def begins(schedule: Schedule, epochs: int) -> dict[int, int]:
    """Return {first epoch: multiple of m} of the phases of a schedule; of those with one epoch the last."""
    found = {0: 1} | {first_epoch(at, epochs): multiple for at, multiple in schedule.multiples_of_batch_size}
    return {epoch: multiple for epoch, multiple in found.items() if epoch < epochs}


def of_recipe(recipe: Recipe, rows: int, batch_size: int) -> list[Phase]:
    """Return the phases of a run with `rows` training rows that starts with an effective batch size."""
    epochs, scaling = recipe.budget.epochs, recipe.schedule.learning_rate_scaling
    if not epochs:
        steps = updates_per_epoch(rows, batch_size)
        return [Phase(0, -(-(recipe.budget.updates or 0) // steps), batch_size, 1.0, steps)]
    starts = begins(recipe.schedule, epochs)
    found = []
    for (first, multiple), end in zip(starts.items(), [*[*starts][1:], epochs], strict=True):
        m = min(multiple * batch_size, rows)
        found.append(Phase(first, end, m, rate_factor(m, batch_size, scaling), updates_per_epoch(rows, m)))
    return found


def of_run(recipe: Recipe, rows: int, batch_size: int, branch: Branch | None = None) -> list[Phase]:
    """Return the phases of a run, which may leave the one of its recipe with a branch."""
    found = of_recipe(recipe, rows, batch_size)
    if branch is None:
        return found
    steps = updates_per_epoch(rows, branch.batch_size)
    return [
        replace(found[0], end_epoch=branch.first_epoch),
        Phase(branch.first_epoch, branch.end_epoch, branch.batch_size, branch.rate_factor, steps),
    ]


def updates(recipe: Recipe, rows: int, batch_size: int, epochs: Epochs = math.inf) -> Epochs:
    """Return the weight updates of a run that starts with m, or those of its first epochs."""
    made = spent(of_recipe(recipe, rows, batch_size), lambda phase: phase.updates_per_epoch, epochs)
    return np.minimum(made, recipe.budget.updates or np.inf)


def spent(phases: Sequence[Phase], cost: Cost, epochs: Epochs) -> Epochs:
    """Return what the first epochs of a run cost, of what each phase costs in an epoch."""
    parts = [np.clip(np.subtract(epochs, phase.first_epoch), 0, phase.epochs) * cost(phase) for phase in phases]
    return sum(parts[1:], parts[0])


def reached(phases: Sequence[Phase], cost: Cost, amount: float) -> float:
    """Return after how many epochs a run has cost an amount, beyond its end if it never does."""
    for phase in phases[:-1]:
        of_phase = phase.epochs * cost(phase)
        if amount < of_phase:
            return phase.first_epoch + amount / cost(phase)
        amount -= of_phase
    return phases[-1].first_epoch + amount / cost(phases[-1])
