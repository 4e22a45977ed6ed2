"""How long runs take: measured as they finish, apart from the results, and used to say how long the rest will take."""

from dataclasses import astuple, dataclass

import numpy as np
from scipy.optimize import nnls

from batchwise import grid
from batchwise.params import Study


@dataclass(frozen=True)
class Timing:
    """What a run did and the seconds that it took on its worker."""

    updates: int
    examples: int
    compiled: bool  # the first of its batch size on its worker
    seconds: float


def work(study: Study, rows: int, batch_size: int) -> tuple[int, int]:
    """Return the updates and the examples (rows × epochs) of a run."""
    return grid.updates(study.budget, rows, batch_size), rows * grid.epochs(study.budget, rows, batch_size)


def fit(timings: list[Timing]) -> np.ndarray:
    """Return seconds for each update, example, compilation and run: non-negative least squares of relative errors."""
    table = np.array([astuple(timing) for timing in timings], float)
    features = np.column_stack([table[:, :3], np.ones(len(table))]) / table[:, 3:]
    scale = np.abs(features).max(axis=0)
    scale[scale == 0] = 1
    coefficients, _ = nnls(features / scale, np.ones(len(table)))
    return coefficients / scale


def predict(coefficients: np.ndarray, updates: int, examples: int, compiled: bool) -> float:
    """Return the seconds of a run."""
    return float(coefficients @ [updates, examples, compiled, 1])
