"""Claims L: which learning rate goes with which batch size."""

import numpy as np

from batchwise.analysis.reliable_rates import converging, octaves
from batchwise.analysis.seed_values import Undecidable
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.evidence import Comparison, Evidence, above, all_of, estimate_within, within
from batchwise.claims.paper import comparisons
from batchwise.statistics.fits import Estimate

PROPORTIONAL = 0.1  # how far from 1 an exponent may be to be called proportional
SAME_STEP = 0.1  # relative distance of two steps that are called nearly the same
LEVELS = ["batch_size", "weights"]  # with which was trained, and from where was sampled
PARTS = 2  # updates in sequence that are compared with one of as many rows
LAW = 0.25  # how far an exponent may be from that of a law
LAWS = {"sgd": 1.0, "adam": 0.5, "rmsprop": 0.5}  # exponent of η* in m: linear, and Malladi 2022
ADAPTIVE = ("adam", "adadelta", "rmsprop")


def range_shrinks(studies: list[StudyResults]) -> Evidence:
    """Supported if the range of η̃ that trains reliably is narrower by each doubling of m.

    η̃ trains in a run if its validation accuracy is within 5 points of the best of its seed; the width is counted in
    octaves of the grid, and a line fitted to it on log₂ m for each seed. Studies with three η̃ or more, linear scaling.
    n: seeds.
    """
    found = []
    for study in _with_range(studies):
        try:
            for compared in comparisons.range_shrinks(study.seed_values, None, None):
                what = f"lost with each doubling of m, over m = {study.sizes[0]:,} to {study.sizes[-1]:,}"
                found.append(above(study.name, what, "octaves", compared.values))
        except Undecidable:
            continue
    return all_of(found)


def large_needs_small(studies: list[StudyResults]) -> Evidence:
    """Supported if the largest η̃ that trains falls as m grows: slope of log₂ of it on log₂ m below 0, seed by seed.

    η̃ trains as for L1. An m at which none trains is left out for its seed. n: seeds.
    """
    found = []
    for study in _with_range(studies):
        slopes = _edge_slopes(study)
        if len(slopes):
            what = "fall of the largest η̃ with each doubling of m"
            found.append(above(study.name, what, "octaves", -slopes))
    return all_of(found)


def _edge_slopes(study: StudyResults) -> np.ndarray:
    values = study.seed_values
    within = converging(values)
    rates = np.where(within == 1, values.base_learning_rate[:, None], -np.inf)  # [cells, seeds]
    edges = np.stack([rates[values.effective_batch_size == m].max(axis=0) for m in study.sizes])
    slopes = []
    for edge in edges.T:
        known = np.isfinite(edge)
        if known.sum() > 2:
            slopes.append(np.polyfit(np.log2(np.array(study.sizes)[known]), np.log2(edge[known]), 1)[0])
    return np.array(slopes)


def mean_and_covariance(studies: list[StudyResults]) -> Evidence:
    """Supported if the mean update of a row goes with η̃, and the covariance of an update with η̃²·m, by sampling.

    Exponents fitted to sampled updates at the final weights, for each cell and seed: within 1 ± 0.1. n: seeds.
    """
    found = []
    for study in studies:
        updates = study.landscape.updates if study.landscape is not None else []
        if len(updates):
            scale = {
                "mean_per_example": ("mean update of a row, on η̃", updates["base_learning_rate"]),
                "covariance_trace": (
                    "trace of the covariance of an update, on η̃²·m",
                    updates["base_learning_rate"] ** 2 * updates["update_batch_size"],
                ),
            }
            for column, (what, x) in scale.items():
                table = updates.assign(x=np.log2(x), y=np.log2(updates[column].abs()))
                slopes = table.groupby("seed")[[*LEVELS, "x", "y"]].apply(_slope).to_numpy(float)
                shifted = within(study.name, what, "as exponent", slopes - 1, PROPORTIONAL)
                found.append(_moved(shifted, 1.0))
    return all_of(found)


def _slope(table) -> float:
    """Return the exponent within the cells at which was sampled: each has a level of its own."""
    centred = table[["x", "y"]] - table.groupby(LEVELS)[["x", "y"]].transform("mean")
    return float(centred["x"] @ centred["y"] / (centred["x"] @ centred["x"]))


def _moved(comparison: Comparison, by: float) -> Comparison:
    bounds = {name: getattr(comparison, name) + by for name in ("effect", "low", "high")}
    return comparison._replace(**bounds, right=(1 - PROPORTIONAL, 1 + PROPORTIONAL))


def scaling_rules(studies: list[StudyResults]) -> Evidence:
    """Supported if steps add up, and the best η grows as the rules say.

    Two updates of m rows and one of 2·m with the same η̃, from the same weights, differ by less than 0.1 of the step
    (n: seeds). The best η goes with m to the power 1 for SGD and ½ for Adam and RMSprop, to within ±0.25 (n: batch
    sizes, those at the edge of the grid left out).
    """
    found = []
    for study in studies:
        steps = study.landscape.steps if study.landscape is not None else []
        if len(steps):
            distance = steps[steps["parts"].eq(PARTS)].groupby("seed")["relative_distance"].mean().to_numpy(float)
            near = above(
                study.name,
                f"distance of {PARTS} updates from one of as many rows",
                "of the step",
                -distance,
                -SAME_STEP,
            )
            found.append(near._replace(effect=-near.effect, low=-near.high, high=-near.low, right=(-np.inf, SAME_STEP)))
        if study.recipe["accumulation"] == 1:
            found.extend(_law(study))
    return all_of(found)


def _law(study: StudyResults) -> list[Comparison]:
    exponent = LAWS.get(study.recipe["optimizer"]["name"])
    law = study.costs.fits["learning_rate_law"] if study.costs is not None else {"points": 0}
    if exponent is None or law["points"] < 3:
        return []
    found = Estimate(*(np.nan if value is None else value for value in law["exponent"].values()))
    what = f"best η on m, {study.recipe['optimizer']['name']} (the rule: {exponent:g})"
    return [estimate_within(study.name, what, "as exponent", found, exponent, LAW, law["points"], law["points"] - 2)]


def adaptive_optimisers(studies: list[StudyResults]) -> Evidence:
    """Supported if with an adaptive optimiser more octaves of η̃ train than with SGD, on average over the m of both.

    Pairs of studies that are alike but for the optimiser, whose grids of η̃ have the same number of octaves; η̃ trains
    as for L1. n: seeds.
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
        what = f"range with {adaptive.recipe['optimizer']['name']} less that in {plain.name}, over {len(sizes)} m"
        found.append(above(adaptive.name, what, "octaves", wide[:seeds] - narrow[:seeds]))
    return all_of(found)


def _with_range(studies: list[StudyResults]) -> list[StudyResults]:
    linear = [study for study in whole_batches(studies) if study.tables.summary["learning_rate_scaling"] == "linear"]
    return [study for study in linear if study.has_validation and len(study.sizes) > 2]
