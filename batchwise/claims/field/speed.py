"""Claims S and P: what a batch size costs in time. Times are medians over repetitions, in random order of m.

Repetitions of a process share what it has, so that the variation between processes is part of every interval.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from batchwise.analysis.study_results import StudyResults, whole_batches
from batchwise.claims.evidence import NO_SPREAD, Comparison, Evidence, Spread, above, all_of, ratio_below
from batchwise.statistics.fits import Estimate, ratio_of_medians

EPOCH, UPDATE, ROW = (f"times the time of {what}" for what in ("an epoch", "an update", "a row"))  # units
MIDDLE = 100  # rows: "m = 1 slow, 100 faster, N fastest"
NEIGHBOURS = ((16, 17), (32, 33), (64, 65), (96, 100), (128, 129))
NO_FASTER = 1.1  # a power of two that saves less than a tenth of the time of a row is called no faster
SMALLER_TYPES = (("float32", "float64"), ("bfloat16", "float32"))
WON_BACK = 0.75  # of the speed that as many processes would have if they did not disturb each other


def faster_epochs(studies: list[StudyResults]) -> Evidence:
    """Supported if an epoch takes less time at m near 100 than at the smallest m, and at the largest m than near 100.

    Near 100 is the m of the grid whose logarithm is nearest. The time is that of all updates of an epoch, the last with
    its own rows. n: repetitions of each.
    """
    found = []
    for study, spread in _with_spread(whole_batches(studies)):
        sizes = [m for m in study.sizes if len(study.repetitions(m))]
        if len(sizes) > 1:
            middle = min(sizes, key=lambda m: abs(np.log(m / MIDDLE)))
            for small, large in pairwise(sorted({sizes[0], middle, sizes[-1]})):
                times = [_epoch(study, m) for m in (large, small)]
                words = [
                    f"{1000 * np.median(one):.3g} ms with m = {m:,}"
                    for m, one in zip((large, small), times, strict=True)
                ]
                ratio = ratio_of_medians(*times)
                what = f"{words[0]}, {words[1]}"
                found.append(ratio_below(study.name, what, EPOCH, ratio, 1.0, len(times[0]), spread))
    return all_of(found)


def _epoch(study: StudyResults, m: int) -> np.ndarray:
    """Return the seconds of all updates of an epoch, [repetitions]."""
    whole, last = study.repetitions(m), study.repetitions(m, "ragged")
    return study.rows // m * whole + last if len(last) == len(whole) else study.rows / m * whole


def between_processes(studies: list[StudyResults]) -> dict[bool, Spread]:
    """Return how much two processes differ that should take the same time, of programs with XLA and without.

    It is the standard deviation of log ratios of the time of a row, between neighbours (NEIGHBOURS) that each had a
    process of its own: what its memory happens to be can make a process slower by half. None from fewer than two.
    """
    logs = {True: [], False: []}
    for study in whole_batches(studies):
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
    """Supported if an update at m = 16 takes less than 2 times as long as one at m = 8. n: repetitions of each."""
    return all_of([*_ratios(studies, ((8, 16),), 2.0, UPDATE, lambda small, large: 1.0)])


def powers_of_two(studies: list[StudyResults]) -> Evidence:
    """Supported if a row takes less than 1.1 times as long at the neighbour of a power of two, for each pair.

    The pairs are 16/17, 32/33, 64/65, 96/100 and 128/129, those that were measured. n: repetitions of each.
    """
    return all_of([*_ratios(studies, NEIGHBOURS, NO_FASTER, ROW, lambda small, large: small / large)])


def _ratios(studies: list[StudyResults], sizes, bound: float, unit: str, of_time) -> Iterator[Comparison]:
    for study, spread in _with_spread(whole_batches(studies)):
        for small, large in sizes:
            times = study.repetitions(large), study.repetitions(small)
            if all(map(len, times)):
                ratio = Estimate(*(value * of_time(small, large) for value in ratio_of_medians(*times)))
                what = f"m = {large} against m = {small}"
                yield ratio_below(study.name, what, unit, ratio, bound, len(times[0]), spread)


def seconds_not_epochs(studies: list[StudyResults]) -> Evidence:
    """Supported if the m that is best after equal epochs is worse than the one that is best after equal seconds.

    Both are chosen on validation rows, at the learning rates of the study; the seconds are those in which the fastest m
    trains all its epochs, and test accuracies are compared then, seed by seed. n: seeds.
    """
    found = []
    for study in whole_batches(studies):
        seconds = {m: time for m, time in study.epoch_seconds.items() if not study.curve(m, "test_accuracy").empty}
        if not study.has_validation or len(seconds) < 2:
            continue
        last = {m: int(study.curve(m, "test_accuracy").index[-1]) for m in seconds}
        deadline = min(last[m] * seconds[m] for m in seconds)
        reached = {m: min(last[m], int(deadline / seconds[m] * (1 + 1e-9))) for m in seconds}
        after_epochs, after_seconds = (_best(study, at) for at in ({m: min(last.values()) for m in seconds}, reached))
        values = _value(study, after_seconds, reached) - _value(study, after_epochs, reached)
        what = (
            f"after {deadline:.3g} s: m = {after_seconds:,}, best then, less m = {after_epochs:,}, best after "
            f"{min(last.values())} epochs"
        )
        found.append(above(study.name, what, "points", 100 * values))
    return all_of(found)


def _value(study: StudyResults, m: int, reached: dict[int, int], quantity: str = "test_accuracy") -> np.ndarray:
    curve = study.curve(m, quantity)
    return curve[curve.index <= reached[m]].iloc[-1].to_numpy(float)


def _best(study: StudyResults, reached: dict[int, int]) -> int:
    means = {m: np.nan_to_num(_value(study, m, reached, "validation_accuracy").mean(), nan=-1) for m in reached}
    return max(means, key=means.get)


def smaller_types(studies: list[StudyResults]) -> Evidence:
    """Supported if an update takes less time in float32 than in float64, and in bfloat16, where the device has it.

    n: repetitions of each.
    """
    found = []
    for study, spread in _with_spread(studies):
        for small, large in SMALLER_TYPES:
            for m in study.sizes:
                times = study.repetitions(m, dtype=small), study.repetitions(m, dtype=large)
                if all(map(len, times)):
                    what, ratio = f"{small} against {large}, m = {m:,}", ratio_of_medians(*times)
                    found.append(ratio_below(study.name, what, UPDATE, ratio, 1.0, len(times[0]), spread))
    return all_of(found)


def side_by_side(studies: list[StudyResults]) -> Evidence:
    """Supported if W processes side by side at the smallest m do more than 0.75·W times the work of one.

    n: repetitions of each.
    """
    found = []
    for study, spread in _with_spread(studies):
        m = min(study.sizes)
        together, alone = study.repetitions(m, "side_by_side"), study.repetitions(m)
        if len(together) and len(alone) and study.profile.machine["cores"] > 1:
            ratio = ratio_of_medians(alone, together)
            what = f"a process among {study.profile.machine['cores']} side by side, m = {m}"
            limit = ratio_below(study.name, what, "times its speed alone", ratio, WON_BACK, len(alone), spread)
            found.append(limit._replace(p_for=limit.p_against, p_against=limit.p_for, right=(WON_BACK, np.inf)))
    return all_of(found)
