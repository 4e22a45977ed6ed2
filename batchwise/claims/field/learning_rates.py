"""Claims L: which learning rate goes with which batch size."""

import numpy as np
import pandas as pd

from batchwise.analysis.reliable_rates import converging, octaves
from batchwise.analysis.seed_values import Undecidable
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.evidence import Comparison, above, below, compare, fitted, over_seeds, within
from batchwise.claims.judging import Evidence, all_of
from batchwise.claims.paper import comparisons
from batchwise.statistics.intervals import Estimate

PROPORTIONAL = 0.1  # how far from 1 an exponent may be to be called proportional
SAME_STEP = 0.1  # relative distance of two steps that are called nearly the same
LEVELS = ["batch_size", "weights"]  # with which was trained, and from where was sampled
PARTS = 2  # updates in sequence that are compared with one of as many rows
LAW = 0.25  # how far an exponent may be from that of a law
LAWS = {"sgd": 1.0, "adam": 0.5, "rmsprop": 0.5}  # exponent of η* in m: linear, and Malladi 2022
ADAPTIVE = ("adam", "adadelta", "rmsprop")


def range_shrinks(studies: list[StudyResults]) -> Evidence:
    """Compare the octaves of η̃ that train reliably that are lost with each doubling of m, seed by seed."""
    found = []
    for study in _with_range(studies):
        try:
            lost = comparisons.range_shrinks(study.seed_values, None, None)
        except Undecidable:
            continue
        measured, numbers = over_seeds(lost[0].values), {"smallest": study.sizes[0], "largest": study.sizes[-1]}
        found.append(compare(study.name, "range_lost", measured, right=above(0), **numbers))
    return all_of(found)


def large_needs_small(studies: list[StudyResults]) -> Evidence:
    """Compare the octaves by which the largest η̃ that trains falls with each doubling of m, seed by seed.

    An m at which none trains is left out for its seed.
    """
    found = []
    for study in _with_range(studies):
        slopes = _edge_slopes(study)
        if len(slopes):
            found.append(compare(study.name, "fall_of_largest_rate", over_seeds(-slopes), right=above(0)))
    return all_of(found)


def _edge_slopes(study: StudyResults) -> np.ndarray:
    """Return the slope of log₂ of the largest η̃ that trains on log₂ m, of the seeds with three m or more."""
    values, sizes = study.seed_values, np.unique(study.seed_values.effective_batch_size)
    rates = np.where(converging(values) == 1, values.base_learning_rate[:, None], -np.inf)  # [cells, seeds]
    edges = np.array([rates[values.effective_batch_size == m].max(axis=0) for m in sizes]).reshape(-1, rates.shape[1])
    by_seed = [(sizes[np.isfinite(edge)], edge[np.isfinite(edge)]) for edge in edges.T]
    return np.array([comparisons.slope(m, np.log2(rates)) for m, rates in by_seed if len(m) > 2])


def mean_and_covariance(studies: list[StudyResults]) -> Evidence:
    """Compare with 1 the exponents of the mean update of a row in η̃, and of the covariance of an update in η̃²·m.

    They are fitted to updates that were sampled at the final weights, for each seed.
    """
    found = []
    for study in studies:
        updates = study.landscape.updates if study.landscape is not None else pd.DataFrame()
        if len(updates):
            base, m = updates["base_learning_rate"], updates["update_batch_size"]
            for quantity, predicted in {"mean_per_example": base, "covariance_trace": base**2 * m}.items():
                amount = updates[quantity].abs()
                table = updates.assign(x=np.log2(predicted), y=np.log2(amount.where(amount > 0))).dropna(subset="y")
                exponents = np.array([_exponent(rows) for _, rows in table.groupby("seed")])
                proportional = within(1 - PROPORTIONAL, 1 + PROPORTIONAL)
                found.append(compare(study.name, quantity, over_seeds(exponents), right=proportional))
    return all_of(found)


def _exponent(table: pd.DataFrame) -> float:
    """Return the exponent within the cells at which was sampled: each has a level of its own."""
    centred = table[["x", "y"]] - table.groupby(LEVELS)[["x", "y"]].transform("mean")
    squares = centred["x"] @ centred["x"]
    return float(centred["x"] @ centred["y"] / squares) if squares > 0 else np.nan


def scaling_rules(studies: list[StudyResults]) -> Evidence:
    """Compare two updates of m rows with one of 2·m, and the growth of the best η in m with the optimiser's rule."""
    found = []
    for study in studies:
        steps = study.landscape.steps if study.landscape is not None else pd.DataFrame()
        if len(steps):
            distance = steps[steps["parts"].eq(PARTS)].groupby("seed")["relative_distance"].mean().to_numpy(float)
            measured = over_seeds(distance)
            found.append(compare(study.name, "distance_of_steps", measured, right=below(SAME_STEP), parts=PARTS))
        if study.recipe["accumulation"] == 1:
            found.extend(_law(study))
    return all_of(found)


def _law(study: StudyResults) -> list[Comparison]:
    """Compare the exponent of the best η in m with the rule; the fit leaves out those at the edge of the grid."""
    optimizer = study.recipe["optimizer"]["name"]
    if optimizer not in LAWS or study.costs is None or study.costs.fits["learning_rate_law"]["points"] < 3:
        return []
    law = study.costs.fits["learning_rate_law"]
    exponent = Estimate(*(np.nan if value is None else value for value in law["exponent"].values()))
    rule, measured = LAWS[optimizer], fitted(exponent, law["points"])
    right = within(rule - LAW, rule + LAW)
    return [compare(study.name, "best_rate_exponent", measured, right=right, optimizer=optimizer, rule=rule)]


def adaptive_optimisers(studies: list[StudyResults]) -> Evidence:
    """Compare the octaves of η̃ that train with an adaptive optimiser with those of SGD, on average over the m of both.

    Of pairs of studies that are alike but for the optimiser, whose grids of η̃ have the same number of octaves.
    """

    def belong(adaptive: StudyResults, plain: StudyResults) -> bool:
        names = adaptive.recipe["optimizer"]["name"], plain.recipe["optimizer"]["name"]
        return names[0] in ADAPTIVE and names[1] == "sgd" and same_but(adaptive, plain, "optimizer")

    found = []
    for adaptive, plain in pairs(studies, belong):
        sizes = np.array(sorted({*adaptive.sizes} & {*plain.sizes}))
        try:
            wide, narrow = (octaves(study.seed_values, sizes).mean(axis=0) for study in (adaptive, plain))
        except Undecidable:
            continue
        seeds = min(len(wide), len(narrow))
        measured = over_seeds(wide[:seeds] - narrow[:seeds])
        numbers = {"optimizer": adaptive.recipe["optimizer"]["name"], "other": plain.name, "sizes": len(sizes)}
        found.append(compare(adaptive.name, "range_of_optimiser", measured, right=above(0), **numbers))
    return all_of(found)


def _with_range(studies: list[StudyResults]) -> list[StudyResults]:
    """Return the studies in which a range of η̃ can be compared by m."""
    linear = [study for study in whole_batches(studies) if study.tables.summary["learning_rate_scaling"] == "linear"]
    return [study for study in linear if study.has_validation and len(study.sizes) > 2]
