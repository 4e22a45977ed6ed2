"""What is trained of the runs of lanes, kept in memory: their branches go on from here, and need not train it again."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from batchwise.config.grid import Run
from batchwise.runtime.jax import jax
from batchwise.training.curves import Curves
from batchwise.training.on_jax.state import State


class Prefix(NamedTuple):
    """The first epochs of runs. None depends on its lane, so that each may go on in another one, beside others."""

    epochs: int
    runs: list[Run]  # without their branch: that of each lane which has one
    state: State  # of all lanes, of NumPy
    curves: list[Curves]

    def of_branches(self, runs: list[Run], padded: Callable[[list[int]], list[int]]) -> "Prefix | None":
        """Return what is kept of branches that are trained together, in the order of `runs`; None if one is missing.

        `padded` gives lanes without a run one to be like.
        """
        alone = without_branch(runs)
        if not runs[0].branch or self.epochs > runs[0].branch[0] or not {*alone} <= {*self.runs}:
            return None
        lanes = [self.runs.index(run) for run in alone]
        state = jax.tree.map(lambda values: values[padded(lanes)], self.state)
        return Prefix(self.epochs, alone, state, _copied([self.curves[lane] for lane in lanes]))


def of_lanes(epochs: int, runs: list[Run], state: State, curves: list[Curves]) -> Prefix:
    """Return the first epochs of branches, as they have been trained to their moment: a copy of the state."""
    return Prefix(epochs, without_branch(runs), jax.tree.map(np.array, state), _copied(curves))


def without_branch(runs: list[Run]) -> list[Run]:
    """Return the runs that branches leave."""
    return [replace(run, branch=()) for run in runs]


def _copied(curves: list[Curves]) -> list[Curves]:
    return [replace(one, calls=[*one.calls]) for one in curves]
