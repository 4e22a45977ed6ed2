"""How often ratios of times are right, of processes that differ as those that were measured, some slow."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from batchwise.statistics.intervals import Estimate
from batchwise.statistics.ratios import between_processes, ratio_of_times
from benchmarks.truths.rate import Rate

KIND = "ratio of times"
PROCESSES = 3
SPREAD = 0.025  # standard deviation of log times between processes on an idle machine, as measured
SLOW = (1.5, 3.0)  # times as long as the others takes a process that shares its core with something else
MARGIN = 1.1  # times that differ by less do not matter
STUDIES = 20  # in a repetition, so that rates of 200 repetitions are known to half a percent


class Machine(NamedTuple):
    """How a study was measured: at so many points, and which processes were slow."""

    points: int
    slow_processes: float = 0.0  # share of them
    slow_pass: bool = False  # one process of each point

    def __str__(self) -> str:
        slow = "one pass of three slow" if self.slow_pass else f"{self.slow_processes:.0%} of processes slow"
        return f"{self.points} points, {slow}"


IDLE = (Machine(5), Machine(19))
BUSY = (Machine(5, 0.05), Machine(19, 0.05), Machine(19, slow_pass=True))


def rates(repetitions: int) -> list[Rate]:
    """Return how often what is said of ratios is right, in `repetitions` times some studies; always the same."""
    return [*_coverage(repetitions), *_equal(repetitions), *_unequal(repetitions)]


def _coverage(repetitions: int) -> Iterator[Rate]:
    for machine in IDLE:
        rate = _share([one.low <= 1 <= one.high for one in ratios(machine, 1.0, repetitions)])
        yield Rate(KIND, f"interval of 95 %, {machine}", rate, "0.93 to 0.97", 0.93 <= rate <= 0.97)
    for machine in BUSY:
        rate = _share([one.low <= 1 <= one.high for one in ratios(machine, 1.0, repetitions)])
        yield Rate(KIND, f"interval of 95 %, {machine}", rate, "≥ 0.93", rate >= 0.93)


def _equal(repetitions: int) -> Iterator[Rate]:
    for machine in IDLE:
        rate = _share([within(one) for one in ratios(machine, 1.0, repetitions)])
        yield Rate(KIND, f"equal times called equal, {machine}", rate, "≥ 0.80", rate >= 0.8)
    for machine in IDLE + BUSY:
        rate = _share([beyond(one) for one in ratios(machine, 1.0, repetitions)])
        yield Rate(KIND, f"equal times called unequal, {machine}", rate, "≤ 0.05", rate <= 0.05)


def _unequal(repetitions: int) -> Iterator[Rate]:
    for machine in IDLE:
        rate = _share([one.low > MARGIN for one in ratios(machine, 1 + 2 * (MARGIN - 1), repetitions)])
        yield Rate(KIND, f"twice the margin called more, {machine}", rate, "≥ 0.80", rate >= 0.8)
    for machine in IDLE + BUSY:
        rate = _share([within(one) for one in ratios(machine, MARGIN, repetitions)])
        yield Rate(KIND, f"the margin called equal, {machine}", rate, "≤ 0.05", rate <= 0.05)


def within(ratio: Estimate) -> bool:
    """Return whether a ratio is surely within the margin."""
    return ratio.low > 1 / MARGIN and ratio.high < MARGIN


def beyond(ratio: Estimate) -> bool:
    """Return whether a ratio is surely beyond the margin, on either side."""
    return ratio.high < 1 / MARGIN or ratio.low > MARGIN


def ratios(machine: Machine, truth: float, repetitions: int) -> Iterator[Estimate]:
    """Yield the ratios of all disjoint pairs of points of studies, of which the first takes `truth` times as long."""
    generator = np.random.default_rng([machine.points, round(100 * machine.slow_processes), round(100 * truth)])
    for _ in range(STUDIES * repetitions):
        logs = log_medians(machine, generator)
        spread = between_processes(logs)
        for a, b in zip(logs[::2], logs[1::2], strict=False):
            yield ratio_of_times(a + np.log(truth), b, spread)


def log_medians(machine: Machine, generator: np.random.Generator) -> np.ndarray:
    """Return log times of a study whose points take equally long, [points, processes]."""
    shape = machine.points, PROCESSES
    is_slow = generator.random(shape) < machine.slow_processes
    if machine.slow_pass:
        is_slow[:, generator.integers(PROCESSES)] = True
    return generator.normal(0, SPREAD, shape) + is_slow * np.log(generator.uniform(*SLOW, shape))


def _share(values: list[bool]) -> float:
    return float(np.mean(values))
