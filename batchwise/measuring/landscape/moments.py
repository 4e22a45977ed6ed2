"""The first two moments of random vectors that do not fit into memory together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Of `count` independent draws of a vector."""

    mean: np.ndarray  # [P] float64
    mean_square: float  # mean of the squared norms
    count: int

    @property
    def covariance_trace(self) -> float:
        """The unbiased estimate of the trace of the vector's covariance."""
        return self.count / (self.count - 1) * (self.mean_square - float(self.mean @ self.mean))


def moments(parts: Iterable[np.ndarray]) -> Moments:
    """Return the moments of the rows of all parts, [k, P] float64 each."""
    total, squares, count = np.zeros(()), 0.0, 0
    for part in parts:
        total, squares, count = total + part.sum(0), squares + float((part**2).sum()), count + len(part)
    return Moments(total / count, squares / count, count)
