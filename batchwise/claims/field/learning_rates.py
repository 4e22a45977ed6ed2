"""Questions L: which learning rate goes with which batch size."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.costs import learning_rate_law
from batchwise.analysis.reliable_rates import converging, octaves
from batchwise.analysis.seed_values import Undecidable
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.comparison import Comparison, fitted, over_seeds
from batchwise.claims.paper import comparisons
from batchwise.statistics.intervals import Estimate
from batchwise.statistics.learning_rate_laws import SATURATING

LEVELS = ["batch_size", "weights"]  # with which was trained, and from where was sampled
PARTS = 2  # updates in sequence that are compared with one of as many rows
PARTS_OF_UPDATE = {"mean_per_example": "the mean for each row", "covariance_trace": "the covariance"}
STEPS = "one update of as many rows as several"
BEST_RATE, SATURATED = "the best learning rate", "the best learning rate where it saturates"
SAME_STEP = 0.1  # relative distance of two steps that are called nearly the same
LAWS = {"sgd": 1.0, "adam": 0.5, "rmsprop": 0.5}  # exponent of η* in m: linear, and Malladi 2022
ADAPTIVE = ("adam", "adadelta", "rmsprop")


def range_shrinks(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the octaves of η̃ that train reliably, on a line in log₂ m, at the smallest m with those at the largest.

    Each seed has its line. An octave more or less than a step of the grid cannot be seen, at either end of a range.
    """
    found = []
    for study in _with_range(studies):
        sizes = np.array(study.sizes)
        try:
            widths = octaves(study.seed_values, sizes)
        except Undecidable:
            continue
        found.append(_lost(study, "range_lost", -comparisons.slope(sizes, widths), np.sqrt(2), margin))
    return found


def large_needs_small(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the largest η̃ that trains, on a line in log₂ m, at the smallest m with that at the largest, in octaves.

    An m at which none trains is left out for its seed.
    """
    found = []
    for study in _with_range(studies):
        slopes = _edge_slopes(study)
        if len(slopes):
            found.append(_lost(study, "fall_of_largest_rate", -slopes, 1.0, margin))
    return found


def _lost(study: StudyResults, quantity: str, by_doubling: np.ndarray, ends: float, margin: float) -> Comparison:
    """Return octaves that are lost over all m, of those by doubling [seeds]; `ends` of a range are known to a step."""
    x = np.log2(study.sizes)
    doublings = float(np.ptp(x))
    step = ends * _step(study) * doublings / np.sqrt(np.square(x - x.mean()).sum())  # of a line through such points
    numbers = {"smallest": study.sizes[0], "largest": study.sizes[-1]}
    measured = over_seeds(doublings * by_doubling, resolution=step * np.sqrt(np.isfinite(by_doubling).sum()))
    return Comparison(study.name, quantity, **measured, margin=margin, numbers=numbers)


def _step(study: StudyResults) -> float:
    """Return the step of the grid of η̃, octaves."""
    rates = np.unique(study.seed_values.base_learning_rate)
    return float(np.log2(rates[-1] / rates[0]) / (len(rates) - 1))


def _edge_slopes(study: StudyResults) -> np.ndarray:
    """Return the slope of log₂ of the largest η̃ that trains on log₂ m, of the seeds with three m or more."""
    values, sizes = study.seed_values, np.unique(study.seed_values.effective_batch_size)
    rates = np.where(converging(values) == 1, values.base_learning_rate[:, None], -np.inf)  # [cells, seeds]
    edges = np.array([rates[values.effective_batch_size == m].max(axis=0) for m in sizes]).reshape(-1, rates.shape[1])
    by_seed = [(sizes[np.isfinite(edge)], edge[np.isfinite(edge)]) for edge in edges.T]
    return np.array([comparisons.slope(m, np.log2(rates)) for m, rates in by_seed if len(m) > 2])


def mean_and_covariance(studies: list[StudyResults], margin: float) -> list[Comparison]:
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
                measured, group = over_seeds(exponents - 1), PARTS_OF_UPDATE[quantity]
                found.append(Comparison(study.name, quantity, **measured, margin=margin, group=group))
    return found


def _exponent(table: pd.DataFrame) -> float:
    """Return the exponent within the cells at which was sampled: each has a level of its own."""
    centred = table[["x", "y"]] - table.groupby(LEVELS)[["x", "y"]].transform("mean")
    squares = centred["x"] @ centred["x"]
    return float(centred["x"] @ centred["y"] / squares) if squares > 0 else np.nan


def linear_rule(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare two updates of m rows with one of 2·m, and the growth of the best η in m with 1, with SGD."""
    found = []
    for study in studies:
        steps = study.landscape.steps if study.landscape is not None else pd.DataFrame()
        if len(steps):
            distance = steps[steps["parts"].eq(PARTS)].groupby("seed")["relative_distance"].mean().to_numpy(float)
            measured = over_seeds(distance)
            about: dict[str, Any] = {"group": STEPS, "numbers": {"parts": PARTS}}
            found.append(Comparison(study.name, "distance_of_steps", **measured, margin=SAME_STEP, **about))
    return found + _laws(studies, ["sgd"], margin)


def square_root_rule(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the growth of the best η in m with ½, with Adam and RMSprop."""
    return _laws(studies, ["adam", "rmsprop"], margin)


def _laws(studies: list[StudyResults], optimizers: Collection[str], margin: float) -> list[Comparison]:
    """Compare the exponent of the best η in m with the rule; the fit leaves out those at the edge of the grid.

    Where a law that saturates (McCandlish 2018) predicts better, the m below the batch size at which it has half of
    its highest rate have an exponent of their own, and so have those above.
    """
    return [
        one
        for study in whole_batches(studies)
        if study.recipe["optimizer"]["name"] in optimizers and study.costs is not None
        for group, rows in _regimes(study).items()
        for one in _law(study, group, rows, margin)
    ]


def _regimes(study: StudyResults) -> dict[str, pd.DataFrame]:
    """Return the rows of the batch sizes that have a law of their own."""
    law, rows = study.costs.fits["learning_rate_law"] if study.costs else {}, study.tables.batch_sizes
    if law["comparison"]["better"] != SATURATING:
        return {BEST_RATE: rows}
    below = rows["effective_batch_size"].le(law["batch_size"]["value"])
    return {BEST_RATE: rows[below], SATURATED: rows[~below]}


def _law(study: StudyResults, group: str, rows: pd.DataFrame, margin: float) -> list[Comparison]:
    optimizer = study.recipe["optimizer"]["name"]
    fit, rule = learning_rate_law(rows, study.tables.cells["base_learning_rate"].unique().tolist()), LAWS[optimizer]
    if np.isnan(fit["exponent"].value):
        return []
    deviation = Estimate(*(value - rule for value in fit["exponent"]))
    numbers = {"optimizer": optimizer, "rule": rule, **_ends(rows["effective_batch_size"])}
    about: dict[str, Any] = {"margin": margin, "group": group, "numbers": numbers}
    return [Comparison(study.name, "best_rate_exponent", **fitted(deviation, fit["points"]), **about)]


def _ends(sizes: pd.Series) -> dict[str, int]:
    return {"smallest": int(sizes.min()), "largest": int(sizes.max())}


def adaptive_optimisers(studies: list[StudyResults], margin: float) -> list[Comparison]:
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
        numbers = {"optimizer": adaptive.recipe["optimizer"]["name"], "other": plain.name, "sizes": len(sizes)}
        step = 2 * np.sqrt(seeds / len(sizes)) * _step(adaptive)  # two ranges of two ends, on average over the m
        measured = over_seeds(wide[:seeds] - narrow[:seeds], resolution=step)
        found.append(Comparison(adaptive.name, "range_of_optimiser", **measured, margin=margin, numbers=numbers))
    return found


def _with_range(studies: list[StudyResults]) -> list[StudyResults]:
    """Return the studies in which a range of η̃ can be compared by m."""
    linear = [study for study in whole_batches(studies) if study.tables.summary["learning_rate_scaling"] == "linear"]
    linear = [study for study in linear if not study.tables.single_rate]
    return [study for study in linear if study.has_validation and len(study.sizes) > 2]
