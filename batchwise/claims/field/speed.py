"""Claims S and P: what a batch size costs in time. Times are medians over repetitions, in random order of m.

Repetitions of a process share what it has, so that the variation between processes is part of every interval.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from batchwise.analysis.study_results import StudyResults, whole_batches
from batchwise.claims.evidence import (
    NO_SPREAD,
    Comparison,
    Right,
    Spread,
    above,
    below,
    compare,
    over_seeds,
    ratio,
)
from batchwise.claims.judging import Evidence, all_of
from batchwise.statistics.intervals import Estimate
from batchwise.statistics.ratios import ratio_of_medians

MIDDLE = 100  # rows: "m = 1 slow, 100 faster, N fastest"
TWICE = ((8, 16),)
NEIGHBOURS = ((16, 17), (32, 33), (64, 65), (96, 100), (128, 129))
NO_FASTER = 1.1  # a power of two that saves less than a tenth of the time of a row is called no faster
SMALLER_TYPES = (("float32", "float64"), ("bfloat16", "float32"))
WON_BACK = 0.75  # of the speed that as many processes would have if they did not disturb each other


def faster_epochs(studies: list[StudyResults]) -> Evidence:
    """Compare the time of an epoch at m near 100 with the smallest m, and at the largest m with that near 100."""
    found = []
    for study, spread in _with_spread(whole_batches(studies)):
        sizes = [m for m in study.sizes if len(study.repetitions(m))]
        if len(sizes) > 1:
            middle = min(sizes, key=lambda m: abs(np.log(m / MIDDLE)))
            for small, large in pairwise(sorted({sizes[0], middle, sizes[-1]})):
                found.append(_epochs(study, spread, small, large))
    return all_of(found)


def _epochs(study: StudyResults, spread: Spread, small: int, large: int) -> Comparison:
    more, less = (_epoch(study, m) for m in (large, small))
    numbers = {"milliseconds_large": 1000 * np.median(more), "milliseconds_small": 1000 * np.median(less)}
    measured = ratio(ratio_of_medians(more, less), len(more), spread)
    return compare(study.name, "time_of_an_epoch", measured, right=below(1), small=small, large=large, **numbers)


def _epoch(study: StudyResults, m: int) -> np.ndarray:
    """Return the seconds of all updates of an epoch, [repetitions]; the last has its own rows."""
    whole, last = study.repetitions(m), study.repetitions(m, "ragged")
    return study.rows // m * whole + last if len(last) == len(whole) else study.rows / m * whole


def between_processes(studies: list[StudyResults]) -> dict[bool, Spread]:
    """Return how much two processes differ that should take the same time, of programs with XLA and without.

    It is the standard deviation of log ratios of the time of a row, between neighbours (NEIGHBOURS) that each had a
    process of its own: what its memory happens to be can make a process slower by half. None from fewer than two.
    """
    logs: dict[bool, list[float]] = {True: [], False: []}
    for study in whole_batches(studies):
        if study.profile is None:
            continue
        for small, large in NEIGHBOURS:
            times = [study.repetitions(m) / m for m in (large, small)]
            if all(map(len, times)):
                logs[study.profile.machine["xla"]].append(np.log(np.median(times[0]) / np.median(times[1])))
    return {
        xla: Spread(float(np.std(found, ddof=1)), len(found) - 1) if len(found) > 1 else NO_SPREAD
        for xla, found in logs.items()
    }


def _with_spread(studies: list[StudyResults]) -> Iterator[tuple[StudyResults, Spread]]:
    """Yield the studies whose times were measured, each with the spread between processes of programs like its own."""
    spreads = between_processes(studies)
    for study in studies:
        if study.profile is not None:
            yield study, spreads[study.profile.machine["xla"]]


def double_for_less(studies: list[StudyResults]) -> Evidence:
    """Compare the time of an update at m = 16 with twice that at m = 8."""
    return all_of(_pairs(studies, "time_of_an_update", TWICE, right=below(2)))


def powers_of_two(studies: list[StudyResults]) -> Evidence:
    """Compare the time of a row at the neighbours of powers of two, those that were measured."""
    return all_of(_pairs(studies, "time_of_a_row", NEIGHBOURS, right=below(NO_FASTER), by_row=True))


def _pairs(
    studies: list[StudyResults],
    quantity: str,
    pairs: Sequence[tuple[int, int]],
    *,
    right: Right,
    by_row: bool = False,
) -> list[Comparison]:
    """Compare the time of an update, or of each of its rows, at the larger m of each pair with that at the smaller."""
    found = []
    for study, spread in _with_spread(whole_batches(studies)):
        for small, large in pairs:
            times = study.repetitions(large), study.repetitions(small)
            if all(map(len, times)):
                factor = small / large if by_row else 1.0
                estimate = Estimate(*(factor * value for value in ratio_of_medians(*times)))
                measured = ratio(estimate, len(times[0]), spread)
                found.append(compare(study.name, quantity, measured, right=right, small=small, large=large))
    return found


def seconds_not_epochs(studies: list[StudyResults]) -> Evidence:
    """Compare the m that is best after equal seconds with the one that is best after equal epochs, after those seconds.

    Both are chosen on validation rows, at the learning rates of the study; the seconds are those in which the fastest m
    trains all its epochs.
    """
    found = []
    for study in whole_batches(studies):
        test = study.metric.column("test")
        seconds = {m: time for m, time in study.epoch_seconds.items() if not study.curve(m, test).empty}
        if study.has_validation and len(seconds) > 1:
            found.append(_best_then(study, seconds, {m: int(study.curve(m, test).index[-1]) for m in seconds}))
    return all_of(found)


def _best_then(study: StudyResults, seconds: dict[int, float], last: dict[int, int]) -> Comparison:
    """Compare the best m after equal seconds with that after equal epochs; `last` are the epochs of each m."""
    deadline, epochs = min(last[m] * seconds[m] for m in seconds), min(last.values())
    reached = {m: min(last[m], int(deadline / seconds[m] * (1 + 1e-9))) for m in seconds}
    by_epochs, by_seconds = (_best(study, at) for at in (dict.fromkeys(seconds, epochs), reached))
    test = study.metric.column("test")
    values = [study.after(m, test, reached[m]) for m in (by_seconds, by_epochs)]
    measured = over_seeds(study.metric.gain(*values))
    numbers = {"seconds": deadline, "by_seconds": by_seconds, "by_epochs": by_epochs, "epochs": epochs}
    return compare(study.name, "best_after_seconds", measured, right=above(0), **numbers, unit=study.metric.differences)


def _best(study: StudyResults, reached: dict[int, int]) -> int:
    """Return the m with the best mean on validation rows after its epochs; an m without one comes last."""
    validation = study.metric.column("validation")
    means = {m: study.after(m, validation, epochs).mean() for m, epochs in reached.items()}
    return max(means, key=lambda m: np.nan_to_num(study.metric.sign * means[m], nan=-np.inf))


def smaller_types(studies: list[StudyResults]) -> Evidence:
    """Compare the time of an update in float32 with float64, and in bfloat16, where the device has it, with float32."""
    found = []
    for study, spread in _with_spread(studies):
        for small, large in SMALLER_TYPES:
            for m in study.sizes:
                times = study.repetitions(m, dtype=small), study.repetitions(m, dtype=large)
                if all(map(len, times)):
                    measured = ratio(ratio_of_medians(*times), len(times[0]), spread)
                    numbers = {"small": small, "large": large, "m": m}
                    found.append(compare(study.name, "time_by_type", measured, right=below(1), **numbers))
    return all_of(found)


def side_by_side(studies: list[StudyResults]) -> Evidence:
    """Compare the speed at the smallest m of one of W processes side by side with three quarters of that alone."""
    found = []
    for study, spread in _with_spread([study for study in studies if study.sizes]):
        m, processes = min(study.sizes), study.profile.machine["cores"] if study.profile else 1
        together, alone = study.repetitions(m, "side_by_side"), study.repetitions(m)
        if len(together) and len(alone) and processes > 1:
            measured = ratio(ratio_of_medians(alone, together), len(alone), spread)
            numbers = {"processes": processes, "m": m}
            found.append(compare(study.name, "speed_side_by_side", measured, right=above(WON_BACK), **numbers))
    return all_of(found)
