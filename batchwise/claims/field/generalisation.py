"""Questions G and N: which batch size generalises best, how sharp the minima are, and what is normalised together."""

import numpy as np
import pandas as pd

from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.comparison import Comparison, over_seeds, ratio_over_seeds
from batchwise.claims.field.best_cells import TOO_FEW, compare_best, resolution
from batchwise.claims.field.memory import shared
from batchwise.claims.field.quality import LARGE, SMALL

BEST = (2, 32)  # Masters & Luschi 2018, abstract
SHARPNESS = ("sharpness_0_001", "sharpness_0_0005", "hessian_largest")  # columns, and quantities of comparisons
SHARPER, WORSE = "how sharp the loss is", "the test result"
NORMALISES, UPDATES = "the rows that are normalised together", "the rows of an update"


def small_generalises(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the best m up to 32 with the best m from 256 on, on test rows."""
    found = []
    for study in whole_batches(studies):
        sides = [m for m in study.sizes if m <= SMALL], [m for m in study.sizes if m >= LARGE]
        found += compare_best(study, *sides, margin)
    return found


def sharp_minima(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare how sharp the loss is at the end of training, and the test metric, of the largest m with the smallest.

    Sharpness is φ (Keskar 2017, metric 2.1, two ε) and λ_max of the Hessian, of the training loss at the final weights
    of the same seeds, as a ratio: `margin` is a factor. A worse result is one by the least margin of the metric.
    """
    found = []
    for study in studies:
        cells = study.landscape.cells if study.landscape is not None else pd.DataFrame()
        if len(cells) and cells["batch_size"].nunique() > 1:
            sizes = {"small": cells["batch_size"].min(), "large": cells["batch_size"].max()}
            found += [_sharpness(study, cells, quantity, sizes, margin) for quantity in SHARPNESS]
            found.append(_worse(study, cells, sizes))
    return found


def _sharpness(
    study: StudyResults, cells: pd.DataFrame, quantity: str, sizes: dict[str, int], margin: float
) -> Comparison:
    small, large = _by_seed(cells, quantity, sizes)
    with np.errstate(divide="ignore", invalid="ignore"):  # a sharpness that is not above 0 has no ratio
        logs = np.log(large / small)
    return Comparison(study.name, quantity, **ratio_over_seeds(logs), margin=margin, group=SHARPER, numbers=sizes)


def _worse(study: StudyResults, cells: pd.DataFrame, sizes: dict[str, int]) -> Comparison:
    lost = study.metric.gain(*_by_seed(cells, study.metric.column("test"), sizes))
    numbers = {**sizes, "unit": study.metric.differences, "metric": study.metric.title}
    measured = over_seeds(lost, resolution(study))
    margin = study.metric.least_margin
    return Comparison(study.name, "smallest_less_largest", **measured, margin=margin, group=WORSE, numbers=numbers)


def _by_seed(cells: pd.DataFrame, column: str, sizes: dict[str, int]) -> list[np.ndarray]:
    """Return a column at each of the batch sizes, [seeds] each."""
    values = cells.pivot(index="batch_size", columns="seed", values=column)
    return [values.loc[m].to_numpy(float) for m in sizes.values()]


def best_between_2_and_32(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the best m from 2 to 32 with the best other m, on test rows."""
    found = []
    for study in whole_batches(studies):
        inside = [m for m in study.sizes if BEST[0] <= m <= BEST[1]]
        found += compare_best(study, inside, {*study.sizes} - {*inside}, margin)
    return found


def two_batches(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare normalisation batches at the same m, and m at the same normalisation batch.

    A normalised study whose batches are accumulated in k parts normalises m/k rows. Compared are the cells that it
    shares with the study without accumulation (the same m and η̃), and each m at its best rate with the m that
    normalises as many rows.
    """

    def belong(parts: StudyResults, whole: StudyResults) -> bool:
        normalised = parts.recipe["model"].get("normalization", "none") != "none"
        alike = normalised and same_but(parts, whole, "accumulation")
        return alike and parts.recipe["accumulation"] > 1 == whole.recipe["accumulation"]

    return [
        one
        for parts, whole in pairs(studies, belong)
        for one in [*_normalises(parts, whole, margin), *_updates(parts, whole, margin)]
    ]


def _matters(
    study: StudyResults, quantity: str, gain: np.ndarray, group: str, margin: float, **numbers: int
) -> Comparison:
    about = {**numbers, "unit": study.metric.differences}
    measured = over_seeds(gain, resolution(study))
    return Comparison(
        study.name, quantity, **measured, margin=margin * study.metric.least_margin, group=group, numbers=about
    )


def _normalises(parts: StudyResults, whole: StudyResults, margin: float) -> list[Comparison]:
    test = parts.metric.column("test")
    both = shared(parts, whole, test)
    each = parts.metric.gain(*(both[name].to_numpy(float) for name in (test, f"{test}_other")))
    gain, k = pd.Series(each).groupby(both["seed"]).mean().to_numpy(float), parts.recipe["accumulation"]
    return [_matters(parts, "normalised_in_parts", gain, NORMALISES, margin, parts=k)] if len(gain) else []


def _updates(parts: StudyResults, whole: StudyResults, margin: float) -> list[Comparison]:
    found = []
    for m in parts.results:
        rows = -(-m // parts.recipe["accumulation"])
        if rows in whole.results:
            both = pd.concat([parts.results[m], whole.results[rows]], axis=1, join="inner").to_numpy(float)
            gain = parts.metric.gain(*both.T)
            few = {m, rows} & {*parts.too_few_updates, *whole.too_few_updates}
            group = f"{UPDATES}, {TOO_FEW}" if few else UPDATES
            found.append(_matters(parts, "normalised_alike", gain, group, margin, m=m, rows=rows))
    return found
