"""The part of a study that decides what its batch sizes cost in time and memory."""

from typing import Any

import numpy as np

from batchwise.config.optimizers import AnyOptimizer, Optimizer
from batchwise.config.recipe import Budget, Schedule
from batchwise.config.study import LARGEST, Study


def of_study(study: Study) -> Study:
    """Return a study with nothing in it that time and memory do not depend on: those with equal parts cost the same.

    Learning rates and how they are scaled, seeds, the weights at the start, the numbers of the optimiser, how long and
    with which schedule a run trains, and what is looked at after training are at their simplest. Batch sizes are in
    order, with those to which a schedule makes them grow.
    """
    multiples = {1, *study.schedule.batch_sizes.values()}
    sizes = {min(multiple * m, LARGEST) for m in study.grid.batch_sizes for multiple in multiples}
    grid = {"batch_sizes": sorted(sizes), "base_learning_rates": [1.0], "seeds": 1}
    changes: dict[str, Any] = {
        "grid": study.grid.model_copy(update=grid),
        "optimizer": _without_numbers(study.optimizer),
        "weights": None,
        "budget": Budget(epochs=1),
        "schedule": Schedule(),
        "learning_rate_scaling": "none",
        "metric": None,
        "statistic": "last_epoch",
        "scores_every": 1,
        "targets": [],
        "landscape": [],
        "branches": None,
        "confirmation": None,
    }
    return study.model_copy(update=changes)


def _without_numbers(optimizer: AnyOptimizer) -> Optimizer:
    """Return an optimiser that takes as long: each number that is not 0 is ½, or −½, and half-lives are shares."""
    values = optimizer.model_dump()
    for decay, half_life in optimizer.half_lives().items():
        if values[half_life] is not None:
            values |= {decay: 0.5, half_life: None}
    numbers = {name: value for name, value in values.items() if type(value) in (int, float)}
    return optimizer.model_copy(update=values | {name: float(np.sign(value) / 2) for name, value in numbers.items()})
