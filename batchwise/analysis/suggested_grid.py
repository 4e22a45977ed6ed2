"""The base learning rates that are suggested for a study, of the ranges that train well at some of its batch sizes.

Rates are powers of two, held as their exponents: 2^−5 as −5.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from batchwise.analysis.rate_search import Range
from batchwise.config import grid
from batchwise.config.study import Study
from batchwise.data.metric import Metric

MOST_RATES = 8  # by factors of 2; a grid that would have more goes by factors of 4
MOST_ROOM = 4  # for what a longer run may do at lower rates
SCALINGS = {"linear": 1.0, "sqrt": 0.5, "none": 0.0}  # the power of m by which η̃ is multiplied
LEAST_GAIN = 2  # rates; a scaling that spares fewer is no better


@dataclass(frozen=True)
class Suggestion:
    """What short runs of a study say of its learning rates."""

    ranges: dict[int, Range | None]  # of each m that was tried, effective and ascending; None where no rate trains
    exponents: list[int]  # of the grid
    metric: Metric  # by which rates were compared
    split: str  # on whose rows
    shares: dict[int, float]  # of the updates of the study's runs at each m, those of the short ones
    refined: bool
    trained: int  # short runs that the store did not have

    @property
    def base_learning_rates(self) -> list[float]:
        """The grid."""
        return [2.0**exponent for exponent in self.exponents]


def recommended(ranges: Sequence[Range], step: int, shares: Mapping[int, float]) -> list[int]:
    """Return the exponents of a grid for all m: what trains well at each of them, and a step on both sides.

    `step` is the precision of the ranges, 1 or 2. By factors of 2 if they are few, otherwise by factors of 4. Where
    the trials were shorter than the study, `shares` of its updates, there is more room below: the best rate of a
    longer run is lower.
    """
    low = min(one.low - _room_of_length(shares[one.batch_size]) for one in ranges)
    high = max(one.high for one in ranges)
    if len(by_two := range(low - step, high + step + 1)) <= MOST_RATES:
        return [*by_two]
    return [*range(low - 2, high + 4, 2)]


def _room_of_length(share: float) -> int:
    """Return by how much lower rates may be: half-way between as they are and as much as the runs are longer."""
    return min(MOST_ROOM, round(math.log2(1 / share) / 2))


def growth(ranges: Sequence[Range], scaling: str) -> float | None:
    """Return p of η ∝ m^p, the line through the logarithms of the best η of each m; None of one m alone."""
    sizes = np.log2([one.batch_size for one in ranges])
    if len(ranges) < 2:
        return None
    rates = np.array([one.best for one in ranges]) + SCALINGS[scaling] * sizes
    return float(np.polyfit(sizes, rates, 1)[0])


def widths(ranges: Sequence[Range], scaling: str) -> dict[str, float]:
    """Return over how many factors of 2 the ranges of all m reach together, were η̃ scaled otherwise."""
    found = {}
    for name, power in SCALINGS.items():
        shifts = {one: (SCALINGS[scaling] - power) * math.log2(one.batch_size) for one in ranges}
        low, high = min(one.low + shifts[one] for one in ranges), max(one.high + shifts[one] for one in ranges)
        found[name] = high - low
    return found


def better_scaling(ranges: Sequence[Range], scaling: str) -> str | None:
    """Return the scaling of which a grid by factors of 4 would need the fewest rates, if it spares some."""
    needed = {name: math.ceil(width / 2) for name, width in widths(ranges, scaling).items()}
    fewest = min(needed, key=lambda name: (needed[name], name != scaling))
    return fewest if needed[scaling] - needed[fewest] >= LEAST_GAIN else None


def tried_sizes(study: Study, rows: int) -> list[int]:
    """Return the effective batch sizes to try: the smallest, the largest, and that which is nearest to their middle."""
    sizes = sorted({grid.effective_batch_size(m, rows) for m in study.grid.batch_sizes})
    middle = min(sizes, key=lambda m: abs(2 * math.log2(m) - math.log2(sizes[0]) - math.log2(sizes[-1])))
    return sorted({sizes[0], middle, sizes[-1]})
