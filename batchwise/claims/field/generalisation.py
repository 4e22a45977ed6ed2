"""Claims G and N: which batch size generalises best, how sharp the minima are, and what is normalised together."""

import numpy as np

from batchwise.analysis.seed_values import Undecidable
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.evidence import Comparison, Evidence, above, all_of, within
from batchwise.claims.field.memory import shared
from batchwise.claims.field.quality import LARGE, SMALL, difference
from batchwise.claims.paper import comparisons

BEST = (2, 32)  # Masters & Luschi 2018, abstract
NO_MATTER = 1.0  # points: what changes accuracy by less does not matter
SHARPNESS = {"sharpness_0_001": "φ (ε = 10⁻³)", "sharpness_0_0005": "φ (ε = 5·10⁻⁴)", "hessian_largest": "λ_max"}


def small_generalises(studies: list[StudyResults]) -> Evidence:
    """Supported if the best m up to 32 has a higher test accuracy than the best m from 256 on, in each study.

    m and η̃ are chosen on validation rows after equal epochs; test accuracies are compared seed by seed. n: seeds.
    """
    found = []
    for study in whole_batches(studies):
        sizes = np.array(study.sizes)
        compared = difference(study, sizes <= SMALL, sizes >= LARGE)
        if compared:
            found.append(above(study.name, compared[0], "points", compared[1]))
    return all_of(found)


def sharp_minima(studies: list[StudyResults]) -> Evidence:
    """Supported if the largest m ends in sharper minima than the smallest, and in a lower test accuracy.

    Sharper is a larger φ (Keskar 2017, metric 2.1, both ε) and a larger λ_max of the Hessian, as doublings, of the
    training loss at the final weights of the same seeds. n: seeds.
    """
    found = []
    for study in studies:
        cells = study.landscape.cells if study.landscape is not None else []
        if len(cells) and cells["batch_size"].nunique() > 1:
            small, large = cells["batch_size"].min(), cells["batch_size"].max()
            for column, name in SHARPNESS.items():
                values = cells.pivot(index="batch_size", columns="seed", values=column)
                ratio = np.log2((values.loc[large] / values.loc[small]).to_numpy(float))
                found.append(above(study.name, f"{name}, m = {large:,} against m = {small:,}", "doublings", ratio))
            accuracy = cells.pivot(index="batch_size", columns="seed", values="test_accuracy")
            lost = 100 * (accuracy.loc[small] - accuracy.loc[large]).to_numpy(float)
            found.append(above(study.name, f"test accuracy, m = {small:,} less m = {large:,}", "points", lost))
    return all_of(found)


def best_between_2_and_32(studies: list[StudyResults]) -> Evidence:
    """Supported if in each study the best m from 2 to 32 beats the best other m in test accuracy.

    m and η̃ are chosen on validation rows; only studies with m on both sides count. n: seeds.
    """
    found = []
    for study in whole_batches(studies):
        sizes = np.array(study.sizes)
        inside = (sizes >= BEST[0]) & (sizes <= BEST[1])
        compared = difference(study, inside, ~inside)
        if compared:
            found.append(above(study.name, compared[0], "points", compared[1]))
    return all_of(found)


def two_batches(studies: list[StudyResults]) -> Evidence:
    """Supported if the batch that normalises matters at the same m, and m at the same normalisation batch.

    A normalised study whose batches are accumulated in k parts normalises m/k rows. Compared are the cells that it
    shares with the study without accumulation (the same m and η̃), and each m at its best rate with the m that
    normalises as many rows. Each of the two matters if one of its differences is not 0 (Bonferroni's correction), and
    does not if all are within ±1 point. n: seeds.
    """

    def belong(parts: StudyResults, whole: StudyResults) -> bool:
        normalised = parts.recipe["model"].get("normalization", "none") != "none"
        alike = normalised and same_but(parts, whole, "accumulation")
        return alike and parts.recipe["accumulation"] > 1 == whole.recipe["accumulation"]

    for parts, whole in pairs(studies, belong):
        at_same_m, at_same_k = _normalises(parts, whole), _updates(parts, whole)
        if at_same_m and at_same_k:
            sides = [[_two_sided(one) for one in side] for side in (at_same_m, at_same_k)]
            matters = max(min(1.0, len(side) * min(p for p, _ in side)) for side in sides)
            does_not = min(1.0, 2 * min(max(p for _, p in side) for side in sides))
            return Evidence((*at_same_m, *at_same_k), matters, does_not)
    return Evidence()


def _two_sided(comparison: Comparison) -> tuple[float, float]:
    """Return the p-values of a difference's not being 0, and of its being within the margin."""
    return comparison.p_against, comparison.p_for


def _matters(study: StudyResults, what: str, values: np.ndarray) -> Comparison:
    """Return a difference with p_for of its being within the margin and p_against of its not being 0."""
    one = above(study.name, what, "points", values)
    no_matter = within(study.name, what, "points", values, NO_MATTER)
    return one._replace(
        p_for=no_matter.p_for, p_against=min(1.0, 2 * min(one.p_for, one.p_against)), right=(np.nan,) * 2
    )


def _normalises(parts: StudyResults, whole: StudyResults) -> list[Comparison]:
    k = parts.recipe["accumulation"]
    both = shared(parts, whole, "test_accuracy")
    values = (both["test_accuracy"] - both["test_accuracy_other"]).groupby(both["seed"]).mean().to_numpy(float)
    what = f"m/{k} rows normalised together instead of m, at the same m and η̃"
    return [_matters(parts, what, 100 * values)] if len(values) else []


def _updates(parts: StudyResults, whole: StudyResults) -> list[Comparison]:
    found = []
    for m in parts.sizes:
        normalised = -(-m // parts.recipe["accumulation"])
        try:
            large, small = (
                comparisons.best_test_values(study.seed_values, size)
                for study, size in ((parts, m), (whole, normalised))
            )
        except Undecidable:
            continue
        what = f"m = {m:,} less m = {normalised:,}, both normalised by {normalised:,} rows"
        found.append(_matters(parts, what, 100 * (large - small)))
    return found
