"""Planted learning-rate laws: are the exponent and B covered, and which law is said to predict better.

The loss at a learning rate grows with the square of its distance from the best one, in octaves, and each cell has an
error; the best rate is that of the smallest loss on a grid, whose place is random. One at its edge is not known.
"""

from dataclasses import dataclass

import numpy as np

from batchwise.statistics.learning_rate_laws import POWER, SATURATING, LearningRateLaw, learning_rate_law
from benchmarks.truths.rate import Rate, at_least, at_most

KIND = "learning-rate law"
ELEVEN = tuple(2**power for power in range(1, 12))
REACH = 8  # octaves of the grid to each side of the middle


@dataclass(frozen=True)
class Truth:
    """A law and how it is seen."""

    exponent: float | None = None  # α of a power law
    batch_size: float | None = None  # B of a law that saturates
    batch_sizes: tuple[int, ...] = ELEVEN
    step: float = 1.0  # of the grid, octaves
    error: float = 1.0  # of a cell, in units of the loss an octave from the best rate

    def __str__(self) -> str:
        law = f"α = {self.exponent:g}" if self.batch_size is None else f"B = {self.batch_size:g}"
        return f"{law}, {len(self.batch_sizes)} m, a grid of {self.step:g} octaves, error {self.error:g}"


POWERS = (Truth(exponent=0.5), Truth(exponent=0.5, step=2.0), Truth(exponent=0.5, batch_sizes=ELEVEN[::2]))
SATURATINGS = (
    Truth(batch_size=60),
    Truth(batch_size=60, error=0.3, step=0.5),
    Truth(batch_size=20),
    Truth(batch_size=60, batch_sizes=ELEVEN[::2]),
)


def rates(repetitions: int) -> list[Rate]:
    """Return how often α and B are covered, and how often the law that was planted predicts better, or the other."""
    found = []
    for truth in POWERS + SATURATINGS:
        laws = repeated(truth, repetitions)
        own, other = (SATURATING, POWER) if truth.exponent is None else (POWER, SATURATING)
        better = np.mean([law.comparison.better == own for law in laws])
        wrong = np.mean([law.comparison.clear and law.comparison.better == other for law in laws])
        found += [
            at_least(KIND, f"{truth}: the interval covers it", _covered(truth, laws), 0.90),
            at_least(KIND, f"{truth}: it predicts better", float(better), 0.80),
            at_most(KIND, f"{truth}: the other law clearly predicts better", float(wrong), 0.05),
        ]
    return found


def _covered(truth: Truth, laws: list[LearningRateLaw]) -> float:
    """Return the share of intervals that hold the planted exponent or batch size."""
    planted = truth.batch_size if truth.exponent is None else truth.exponent
    intervals = [law.batch_size if truth.exponent is None else law.exponent for law in laws]
    return float(np.mean([one.low <= planted <= one.high for one in intervals]))


def repeated(truth: Truth, repetitions: int) -> list[LearningRateLaw]:
    """Return the laws through made-up best rates, of a generator each."""
    return [law_of(truth, np.random.default_rng([16, number])) for number in range(repetitions)]


def law_of(truth: Truth, generator: np.random.Generator) -> LearningRateLaw:
    """Return the law through the best rates of one grid search."""
    m = np.array(truth.batch_sizes, float)
    best = truth.exponent * np.log2(m) if truth.batch_size is None else -np.log2(1 + truth.batch_size / m)
    grid = best.mean() + np.arange(-REACH, REACH + truth.step, truth.step) + generator.uniform(0, truth.step)
    losses = np.square(grid - best[:, None]) + generator.normal(0, truth.error, (len(m), len(grid)))
    chosen = losses.argmin(axis=1)
    return learning_rate_law(m, 2.0 ** grid[chosen], (chosen == 0) | (chosen == len(grid) - 1), truth.step)
