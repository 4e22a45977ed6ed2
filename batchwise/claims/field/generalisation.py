"""Claims G and N: which batch size generalises best, how sharp the minima are, and what is normalised together."""

import numpy as np
import pandas as pd

from batchwise.analysis.seed_values import Undecidable
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.evidence import Comparison, above, compare, not_zero, over_seeds
from batchwise.claims.field.best_cells import compare_best
from batchwise.claims.field.memory import shared
from batchwise.claims.field.quality import LARGE, SMALL
from batchwise.claims.judging import Evidence, all_of, any_of
from batchwise.claims.paper import comparisons

BEST = (2, 32)  # Masters & Luschi 2018, abstract
SHARPNESS = ("sharpness_0_001", "sharpness_0_0005", "hessian_largest")  # columns, and quantities of comparisons


def small_generalises(studies: list[StudyResults]) -> Evidence:
    """Compare the best m up to 32 with the best m from 256 on, on test rows."""
    found = []
    for study in whole_batches(studies):
        sizes = np.array(study.sizes)
        found += compare_best(study, sizes <= SMALL, sizes >= LARGE, right=above(0))
    return all_of(found)


def sharp_minima(studies: list[StudyResults]) -> Evidence:
    """Compare the sharpness at the end of training, and the test metric, of the largest m with those of the smallest.

    Sharpness is φ (Keskar 2017, metric 2.1, two ε) and λ_max of the Hessian, of the training loss at the final weights
    of the same seeds; its ratio is counted in doublings.
    """
    found = []
    for study in studies:
        cells = study.landscape.cells if study.landscape is not None else pd.DataFrame()
        if len(cells) and cells["batch_size"].nunique() > 1:
            sizes = {"small": cells["batch_size"].min(), "large": cells["batch_size"].max()}
            for quantity in SHARPNESS:
                small, large = _by_seed(cells, quantity, sizes)
                with np.errstate(divide="ignore", invalid="ignore"):  # a sharpness that is not above 0 has no doublings
                    doublings = np.log2(large / small)
                found.append(compare(study.name, quantity, over_seeds(doublings), right=above(0), **sizes))
            lost = over_seeds(study.metric.gain(*_by_seed(cells, study.metric.column("test"), sizes)))
            numbers = {**sizes, "unit": study.metric.differences, "metric": study.metric.title}
            found.append(compare(study.name, "smallest_less_largest", lost, right=above(0), **numbers))
    return all_of(found)


def _by_seed(cells: pd.DataFrame, column: str, sizes: dict[str, int]) -> list[np.ndarray]:
    """Return a column at each of the batch sizes, [seeds] each."""
    values = cells.pivot(index="batch_size", columns="seed", values=column)
    return [values.loc[m].to_numpy(float) for m in sizes.values()]


def best_between_2_and_32(studies: list[StudyResults]) -> Evidence:
    """Compare the best m from 2 to 32 with the best other m, on test rows."""
    found = []
    for study in whole_batches(studies):
        sizes = np.array(study.sizes)
        inside = (sizes >= BEST[0]) & (sizes <= BEST[1])
        found += compare_best(study, inside, ~inside, right=above(0))
    return all_of(found)


def two_batches(studies: list[StudyResults]) -> Evidence:
    """Compare normalisation batches at the same m, and m at the same normalisation batch.

    A normalised study whose batches are accumulated in k parts normalises m/k rows. Compared are the cells that it
    shares with the study without accumulation (the same m and η̃), and each m at its best rate with the m that
    normalises as many rows. Each of the two matters if one of its differences is not 0, and does not if all are within
    the least margin of the metric.
    """

    def belong(parts: StudyResults, whole: StudyResults) -> bool:
        normalised = parts.recipe["model"].get("normalization", "none") != "none"
        alike = normalised and same_but(parts, whole, "accumulation")
        return alike and parts.recipe["accumulation"] > 1 == whole.recipe["accumulation"]

    for parts, whole in pairs(studies, belong):
        at_same_m, at_same_k = _normalises(parts, whole), _updates(parts, whole)
        if at_same_m and at_same_k:
            return all_of([any_of(at_same_m), any_of(at_same_k)])
    return Evidence()


def _matters(study: StudyResults, quantity: str, gain: np.ndarray, **numbers: int) -> Comparison:
    right = not_zero(study.metric.least_margin)
    return compare(study.name, quantity, over_seeds(gain), right=right, **numbers, unit=study.metric.differences)


def _normalises(parts: StudyResults, whole: StudyResults) -> list[Comparison]:
    test = parts.metric.column("test")
    both = shared(parts, whole, test)
    each = parts.metric.gain(*(both[name].to_numpy(float) for name in (test, f"{test}_other")))
    gain, k = pd.Series(each).groupby(both["seed"]).mean().to_numpy(float), parts.recipe["accumulation"]
    return [_matters(parts, "normalised_in_parts", gain, parts=k)] if len(gain) else []


def _updates(parts: StudyResults, whole: StudyResults) -> list[Comparison]:
    found = []
    for m in parts.sizes:
        normalised = -(-m // parts.recipe["accumulation"])
        sides = (parts, m), (whole, normalised)
        try:
            large, small = (comparisons.best_on_test_rows(study.seed_values, size) for study, size in sides)
        except Undecidable:
            continue
        gain = parts.metric.gain(large, small)
        found.append(_matters(parts, "normalised_alike", gain, m=m, rows=normalised))
    return found
