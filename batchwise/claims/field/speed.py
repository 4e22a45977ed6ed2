"""Questions S and P: what a batch size costs in time. Times are medians over processes of the medians of each.

Repetitions of a process share what it has, so that intervals are of the spread between processes of the same point,
which all points of a study have in common.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchwise.analysis.profile_summary import KEY
from batchwise.analysis.study_results import StudyResults, whole_batches
from batchwise.claims.comparison import BATCH_SIZES, PROCESSES, Comparison, Scale, over_seeds
from batchwise.claims.field.best_cells import resolution
from batchwise.statistics.intervals import Estimate
from batchwise.statistics.ratios import Spread, between_processes, ratio_of_times

TWICE = ((8, 16), (32, 64), (128, 256))
NEIGHBOURS = ((16, 17), (32, 33), (64, 65), (128, 129))
UP_TO, BEYOND = "up to the knee", "beyond the knee"


def faster_epochs(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the time of an epoch at the knee with the smallest m, and at the largest m with the knee.

    The knee is the smallest m of the grid at which an epoch takes less than `margin` times as long as at the fastest.
    """
    found = []
    for study in whole_batches(studies):
        times = {m: _epoch(study, m) for m in study.sizes}
        times = {m: seconds for m, seconds in times.items() if len(seconds)}
        if len(times) > 1:
            medians = {m: float(np.median(seconds)) for m, seconds in times.items()}
            small, *_, large = times
            bend = knee(medians, margin)
            pairs = {UP_TO: (small, bend), BEYOND: (bend, large)}
            found += [
                _epochs(study, times, *pair, margin, group, bend) for group, pair in pairs.items() if len({*pair}) > 1
            ]
    return found


def knee(seconds: Mapping[int, float], margin: float) -> int:
    """Return the smallest m at which an epoch takes less than `margin` times as long as at the fastest."""
    return min(m for m, time in seconds.items() if time < margin * min(seconds.values()))


def _epochs(
    study: StudyResults, times: dict[int, np.ndarray], small: int, large: int, margin: float, group: str, bend: int
) -> Comparison:
    milliseconds = {"small": 1000 * np.median(times[small]), "large": 1000 * np.median(times[large])}
    numbers = {"small": small, "large": large, **{f"milliseconds_{side}": time for side, time in milliseconds.items()}}
    numbers["named"] = bend
    return _times(study, "time_of_an_epoch", times[small], times[large], margin, group=group, **numbers)


def _epoch(study: StudyResults, m: int) -> np.ndarray:
    """Return the seconds of all updates of an epoch, [processes]; the last has its own rows."""
    whole, last = study.seconds(m), study.seconds(m, "ragged")
    return study.rows // m * whole + np.median(last) if len(last) else study.rows / m * whole


def _times(
    study: StudyResults,
    quantity: str,
    slow: np.ndarray,
    fast: np.ndarray,
    margin: float,
    *,
    group: str = "",
    **numbers: Any,
) -> Comparison:
    """Return how many times as long the first takes as the second, of the seconds of each process."""
    spread = _spread(study)
    return Comparison(
        study.name,
        quantity,
        ratio_of_times(np.log(slow), np.log(fast), spread),
        spread.degrees,
        min(len(slow), len(fast)),
        PROCESSES,
        margin=margin,
        scale=Scale.RATIO,
        group=group,
        numbers=numbers,
    )


def _spread(study: StudyResults) -> Spread:
    """Return how much processes of the same point differ, over all points of a study."""
    whole = study.process_seconds[study.process_seconds.index.get_level_values("part") == "whole"]
    return between_processes([np.log(group) for _, group in whole.groupby(KEY)])


def double_for_less(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare twice the time of an update of m rows with one of 2·m."""
    return _pairs(studies, "time_of_two_updates", TWICE, margin, factor=2.0)


def powers_of_two(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the time of a row at powers of two with their neighbours, of those that were measured."""
    return _pairs(studies, "time_of_a_row", NEIGHBOURS, margin)


def _pairs(
    studies: list[StudyResults],
    quantity: str,
    pairs: Sequence[tuple[int, int]],
    margin: float,
    factor: float | None = None,
) -> list[Comparison]:
    """Compare, for each pair, the time of a row of the smaller m with the larger; or `factor` smaller with a larger."""
    found = []
    for study in whole_batches(studies):
        for small, large in pairs:
            few, many = study.seconds(small), study.seconds(large)
            if len(few) and len(many):
                slow, fast = (factor * few, many) if factor else (few / small, many / large)
                found.append(_times(study, quantity, slow, fast, margin, small=small, large=large))
    return found


def seconds_not_epochs(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the m that is best after equal seconds with the one that is best after equal epochs, after those seconds.

    Both are chosen on validation rows, at the learning rates of the study; the seconds are those in which the fastest m
    trains all its epochs. Where they are the same, that is counted.
    """
    found = []
    for study in whole_batches(studies):
        test = study.metric.column("test")
        seconds = {m: time for m, time in study.epoch_seconds.items() if not study.curve(m, test).empty}
        if study.has_validation and len(seconds) > 1:
            last = {m: int(study.curve(m, test).index[-1]) for m in seconds}
            found.append(_best_then(study, seconds, last, margin))
    return found


def _best_then(study: StudyResults, seconds: dict[int, float], last: dict[int, int], margin: float) -> Comparison:
    """Compare the best m after equal seconds with that after equal epochs; `last` are the epochs of each m."""
    deadline, epochs = min(last[m] * seconds[m] for m in seconds), min(last.values())
    reached = {m: min(last[m], int(deadline / seconds[m] * (1 + 1e-9))) for m in seconds}
    by_epochs, by_seconds = (_best(study, at) for at in (dict.fromkeys(seconds, epochs), reached))
    numbers: dict[str, Any] = {"seconds": deadline, "by_seconds": by_seconds, "by_epochs": by_epochs, "epochs": epochs}
    about: dict[str, Any] = {
        "margin": margin * study.metric.least_margin,
        "numbers": numbers | {"unit": study.metric.differences},
    }
    if by_epochs == by_seconds:
        none = Estimate(0.0, 0.0, 0.0)
        return Comparison(study.name, "same_after_seconds", none, np.inf, len(seconds), BATCH_SIZES, **about)
    test = study.metric.column("test")
    values = [study.after(m, test, reached[m]) for m in (by_seconds, by_epochs)]
    measured = over_seeds(study.metric.gain(*values), resolution(study))
    return Comparison(study.name, "best_after_seconds", **measured, **about)


def _best(study: StudyResults, reached: dict[int, int]) -> int:
    """Return the m with the best mean on validation rows after its epochs; an m without one comes last."""
    validation = study.metric.column("validation")
    means = {m: study.after(m, validation, epochs).mean() for m, epochs in reached.items()}
    return max(means, key=lambda m: np.nan_to_num(study.metric.sign * means[m], nan=-np.inf))


def single_precision(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the time of an update in float64 with that in float32."""
    return _types(studies, "float64", "float32", margin)


def half_precision(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the time of an update in float32 with that in bfloat16."""
    return _types(studies, "float32", "bfloat16", margin)


def _types(studies: list[StudyResults], large: str, small: str, margin: float) -> list[Comparison]:
    found = []
    for study in studies:
        for m in study.sizes:
            times = study.seconds(m, dtype=large), study.seconds(m, dtype=small)
            if all(map(len, times)):
                numbers: dict[str, Any] = {"small": small, "large": large, "m": m}
                found.append(_times(study, "time_by_type", *times, margin, **numbers))
    return found


def side_by_side(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the speed at the smallest m of one of W processes side by side with that alone."""
    found = []
    for study in [study for study in studies if study.sizes]:
        m, processes = min(study.sizes), study.profile.machine["cores"] if study.profile else 1
        together, alone = study.seconds(m, "side_by_side"), study.seconds(m)
        if len(together) and len(alone) and processes > 1:
            numbers: dict[str, Any] = {"processes": processes, "m": m}
            found.append(_times(study, "speed_side_by_side", alone, together, margin, **numbers))
    return found
