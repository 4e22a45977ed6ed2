"""The best of two groups of batch sizes, compared in the metric by which the study chooses."""

from collections.abc import Collection

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.comparison import Comparison, over_seeds

TRAINS, TOO_FEW = "where every batch size trains", "where the large batch makes too few updates to train"


def compare_best(
    study: StudyResults, inside: Collection[int], outside: Collection[int], margin: float, quantity: str = "best_of"
) -> list[Comparison]:
    """Return by how much the best of some m beats the best of others on test rows, seed by seed.

    They are chosen on validation rows. `margin` is in least margins of the metric. Nothing if a side has no chosen m.
    Studies in which one of the two makes too few updates to train are a group of their own.
    """
    best, other = study.best_of(inside), study.best_of(outside)
    if best is None or other is None or not {best, other} <= {*study.results}:
        return []
    return [compare_sizes(study, best, other, margin, quantity, group=trains(study, best, other))]


def trains(study: StudyResults, *sizes: int) -> str:
    """Return the group of a comparison of some m: whether all of them make enough updates to train."""
    return TOO_FEW if {*sizes} & {*study.too_few_updates} else TRAINS


def compare_sizes(
    study: StudyResults, one: int, other: int, margin: float, quantity: str, group: str = ""
) -> Comparison:
    """Return by how much an m beats another on test rows, seed by seed, each at its chosen learning rate."""
    metric = study.metric
    gain = metric.gain(study.results[one].to_numpy(float), study.results[other].to_numpy(float))
    numbers = {"best": one, "other": other, "unit": metric.differences}
    measured = over_seeds(gain, resolution(study))
    margin *= metric.least_margin
    return Comparison(study.name, quantity, **measured, margin=margin, group=group, numbers=numbers)


def resolution(study: StudyResults) -> float:
    """Return by how much a row more or less changes the metric, in the unit of its differences; 0 if it counts none."""
    return study.metric.scale / study.tables.test_rows if study.metric.counted else 0.0
