"""Planted critical batch sizes: does the interval cover B, is a break of the law found, is one named where it holds.

A run of the law S(m) = S_min (1 + B/m) has errors of its cell (scatter between m), its seed (shared by all m) and its
own; it is seen after whole epochs. Each m is trained at several rates, of which those beside the best are slower, and
is read at the one with the smallest median over the seeds.
"""

from dataclasses import dataclass

import numpy as np

from batchwise.statistics.critical_batch_size import CriticalBatchSize, critical_batch_size
from benchmarks.truths.rate import Rate, at_least, at_most

KIND = "critical batch size"
ROWS = 1200  # training examples
ELEVEN = tuple(2**power for power in range(1, 12))
SLOWER = 0.08  # log updates, times the square of the distance from the best rate on the grid


@dataclass(frozen=True)
class Truth:
    """A law and how it is seen."""

    batch_size: float = 60  # B
    updates_min: float = 30
    batch_sizes: tuple[int, ...] = ELEVEN
    seeds: int = 5
    scatter: float = 0.1  # between m, standard deviation of log S
    seed_effect: float = 0.1
    error: float = 0.1  # of a run
    rates: int = 5  # of the grid
    budget: float = np.inf  # epochs
    last: float = 1.0  # times by which the updates at the largest m exceed the law

    def __str__(self) -> str:
        amounts = f"B = {self.batch_size:g}, {len(self.batch_sizes)} m, {self.seeds} seeds, scatter {self.scatter:.0%}"
        epochs = "" if np.isinf(self.budget) else f", {self.budget:g} epochs at most"
        return f"{amounts}, {self.rates} rates{epochs}" + (f", ×{self.last:g} at the largest m" * (self.last != 1))


COVERAGE = (
    Truth(scatter=0),
    Truth(),
    Truth(scatter=0.2),
    Truth(rates=1),
    Truth(batch_size=8, seeds=10),
    Truth(batch_size=500, seeds=3),
    Truth(batch_sizes=(4, 16, 64, 256, 1024)),
    Truth(batch_sizes=(8, 32, 128, 512), seeds=10, batch_size=30),
    Truth(budget=30),
)
BREAKS = (Truth(scatter=0, last=1.5), Truth(scatter=0.03, last=1.5))


def rates(repetitions: int) -> list[Rate]:
    """Return how often B is covered, a break of the law is found, and one is named where there is none."""
    found = []
    for truth in COVERAGE:
        fits = repeated(truth, repetitions)
        covered = np.mean([fit.batch_size.low <= truth.batch_size <= fit.batch_size.high for fit in fits])
        named = np.mean([any(one.breaks for one in fit.departures) for fit in fits])
        found += [
            at_least(KIND, f"{truth}: the interval covers B", float(covered), 0.90),
            at_most(KIND, f"{truth}: a break is named where there is none", float(named), 0.10),
        ]
    for truth in BREAKS:
        seen = np.mean([fit.departures[-1].breaks for fit in repeated(truth, repetitions)])
        found.append(at_least(KIND, f"{truth}: it is named", float(seen), 0.80))
    return found


def repeated(truth: Truth, repetitions: int) -> list[CriticalBatchSize]:
    """Return the fits to made-up runs of a truth, of a generator each."""
    return [critical_batch_size(*runs(truth, np.random.default_rng([15, number]))) for number in range(repetitions)]


def runs(truth: Truth, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return m, seed, lower and upper bound of the updates of each run at the chosen rate, [m·seeds] each."""
    m, k = np.array(truth.batch_sizes), len(truth.batch_sizes)
    law = np.log(truth.updates_min * (1 + truth.batch_size / m)) + generator.normal(0, truth.scatter, k)
    law[-1] += np.log(truth.last)
    of_rates = SLOWER * np.square(np.arange(truth.rates) - truth.rates // 2)
    errors = generator.normal(0, truth.seed_effect, truth.seeds)
    errors = errors + generator.normal(0, truth.error, (k, truth.rates, truth.seeds))
    per_epoch = -(-ROWS // m)[:, None, None]
    epochs = np.ceil(np.exp(law[:, None, None] + of_rates[:, None] + errors) / per_epoch)
    chosen = _fastest(epochs, truth.budget)
    epochs, per_epoch = epochs[np.arange(k), chosen], per_epoch[..., 0]
    lower = np.minimum(epochs - 1, truth.budget) * per_epoch
    upper = np.where(epochs <= truth.budget, epochs * per_epoch, np.inf)
    return np.repeat(m, truth.seeds), np.tile(np.arange(truth.seeds), k), lower.ravel(), upper.ravel()


def _fastest(epochs: np.ndarray, budget: float) -> np.ndarray:
    """Return the rate with the smallest median, ties: the smallest mean, of epochs [m, rates, seeds]."""
    seen = np.minimum(epochs, budget + 1)
    return np.lexsort((seen.mean(axis=2), np.median(seen, axis=2)), axis=1)[:, 0]
