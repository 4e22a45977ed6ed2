"""Claims S and P: what a batch size costs in time. Times are medians over repetitions, in random order of m."""

from collections.abc import Iterator

import numpy as np

from batchwise.claims.evidence import Comparison, Evidence, above, all_of, estimate_above, ratio_below
from batchwise.claims.sources import Study
from batchwise.laws import Estimate, ratio_of_medians
from batchwise.statistics import log2_slope

NEIGHBOURS = ((16, 17), (32, 33), (64, 65), (96, 100), (128, 129))
NO_FASTER = 1.1  # a power of two that saves less than a tenth of the time of a row is called no faster
SMALLER_TYPES = (("float32", "float64"), ("bfloat16", "float32"))
WON_BACK = 0.75  # of the speed that as many processes would have if they did not disturb each other


def faster_epochs(studies: list[Study]) -> Evidence:
    """Supported if the time of an epoch falls as m grows: slope of log₂ seconds on log₂ m below 0. n: batch sizes."""
    found = []
    for study in studies:
        seconds = study.epoch_seconds
        if len(seconds) > 2:
            fit = log2_slope(np.array(list(seconds), float), np.array(list(seconds.values())))
            fall = Estimate(-fit.slope, -fit.high, -fit.low)
            small, large = min(seconds), max(seconds)
            what = (
                f"fall in time by each doubling of m ( {1000 * seconds[small]:,.2f} ms an epoch at m = {small:,}, "
                f"{1000 * seconds[large]:,.2f} ms at m = {large:,})"
            )
            found.append(estimate_above(study.name, what, "octaves", fall, 0, fit.points, fit.points - 2))
    return all_of(found)


def double_for_less(studies: list[Study]) -> Evidence:
    """Supported if an update at m = 16 takes less than 2 times as long as one at m = 8. n: repetitions of each."""
    return all_of([*_ratios(studies, ((8, 16),), 2.0, "times the time of an update", lambda small, large: 1.0)])


def powers_of_two(studies: list[Study]) -> Evidence:
    """Supported if a row takes less than 1.1 times as long at the neighbour of a power of two, for each pair.

    The pairs are 16/17, 32/33, 64/65, 96/100 and 128/129, those that were measured, where a batch is not in parts
    (accumulation). n: repetitions of each.
    """
    return all_of(
        [*_ratios(studies, NEIGHBOURS, NO_FASTER, "times the time of a row", lambda small, large: small / large)]
    )


def _ratios(studies: list[Study], sizes, bound: float, unit: str, of_time) -> Iterator[Comparison]:
    for study in studies:
        if study.recipe["accumulation"] > 1:  # a neighbour has one part more, or parts that are not full
            continue
        for small, large in sizes:
            times = study.repetitions(large), study.repetitions(small)
            if all(map(len, times)):
                ratio = Estimate(*(value * of_time(small, large) for value in ratio_of_medians(*times)))
                what = f"m = {large} against m = {small}"
                yield ratio_below(study.name, what, unit, ratio, bound, len(times[0]))


def seconds_not_epochs(studies: list[Study]) -> Evidence:
    """Supported if the m that is best after equal epochs is worse than the one that is best after equal seconds.

    Both are chosen on validation rows, at the learning rates of the study; the seconds are those in which the fastest m
    trains all its epochs, and test accuracies are compared then, seed by seed. n: seeds.
    """
    found = []
    for study in studies:
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


def _value(study: Study, m: int, reached: dict[int, int], quantity: str = "test_accuracy") -> np.ndarray:
    curve = study.curve(m, quantity)
    return curve[curve.index <= reached[m]].iloc[-1].to_numpy(float)


def _best(study: Study, reached: dict[int, int]) -> int:
    means = {m: np.nan_to_num(_value(study, m, reached, "validation_accuracy").mean(), nan=-1) for m in reached}
    return max(means, key=means.get)


def smaller_types(studies: list[Study]) -> Evidence:
    """Supported if an update takes less time in float32 than in float64, and in bfloat16, where the device has it.

    n: repetitions of each.
    """
    found = []
    for study in studies:
        for small, large in SMALLER_TYPES:
            for m in study.sizes:
                times = study.repetitions(m, dtype=small), study.repetitions(m, dtype=large)
                if all(map(len, times)):
                    what = f"{small} against {large}, m = {m:,}"
                    found.append(
                        ratio_below(
                            study.name,
                            what,
                            "times the time of an update",
                            ratio_of_medians(*times),
                            1.0,
                            len(times[0]),
                        )
                    )
    return all_of(found)


def side_by_side(studies: list[Study]) -> Evidence:
    """Supported if W processes side by side at the smallest m do more than 0.75·W times the work of one.

    n: repetitions of each.
    """
    found = []
    for study in studies:
        m = min(study.sizes)
        together, alone = study.repetitions(m, "side_by_side"), study.repetitions(m)
        if len(together) and len(alone) and study.profile.machine["cores"] > 1:
            ratio = ratio_of_medians(alone, together)
            what = f"a process among {study.profile.machine['cores']} side by side, m = {m}"
            limit = ratio_below(study.name, what, "times its speed alone", ratio, WON_BACK, len(alone))
            found.append(limit._replace(p_for=limit.p_against, p_against=limit.p_for, right=(WON_BACK, np.inf)))
    return all_of(found)
