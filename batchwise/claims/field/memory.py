"""Questions M: what a batch size costs in memory, and what cures a lack of it."""

from dataclasses import replace

import pandas as pd

from batchwise.analysis.costs import largest, memory
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.comparison import BATCH_SIZES, Comparison, Scale, over_seeds
from batchwise.claims.field.best_cells import compare_best
from batchwise.statistics.intervals import Estimate

FITS = ("ok", "fits")  # how a point is called that was measured, and a doubled batch size that had room


def grows(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the peak memory at the largest m that was measured with that at m = 1, by a line in m, as a ratio.

    The interval is that of the slope.
    """
    found = []
    for study in studies:
        if study.profile is None:
            continue
        points, doubling = study.profile.points, study.profile.doubling
        grid = points[points["purpose"].eq("grid") & points["status"].eq("ok")]
        fit, most = memory(grid, doubling), largest(grid, doubling)["fits"]
        if fit["points"] > 2:
            constant = fit["constant"].value + fit["row"].value
            growth = Estimate(*(max(1 + value * (most - 1) / constant, 1e-9) for value in fit["row"]))
            numbers = {"m": most, "row": fit["row"].value / 1024, "r_squared": fit["r_squared"]}
            found.append(
                Comparison(
                    *(study.name, "memory_growth", growth, fit["points"] - 2, fit["points"], BATCH_SIZES),
                    margin=margin,
                    scale=Scale.RATIO,
                    numbers=numbers,
                )
            )
    return found


def smaller_cures(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the best smaller m with the largest of the grid, where memory ended and a smaller m fits."""
    found = []
    for study in whole_batches(studies):
        if study.profile is None:
            continue
        points, doubling = study.profile.points, study.profile.doubling
        ended = doubling.loc[doubling["status"].eq("out_of_memory"), "batch_size"]
        fits = pd.concat([table.loc[table["status"].isin(FITS), "batch_size"] for table in (points, doubling)])
        if len(ended) and len(fits):
            numbers = {"ended": ended.min(), "fits": fits.max()}
            best = compare_best(study, study.sizes[:-1], study.sizes[-1:], margin, quantity="smaller_instead")
            found += [replace(one, numbers={**one.numbers, **numbers}) for one in best]
    return found


def accumulation(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the training loss of accumulated parts with that of whole batches, seed by seed, in percent.

    For each pair of studies without normalisation that are alike but for the accumulation: the mean over all m of both
    at their smallest η̃, since rounding differs, and a large rate makes much of little. (That the updates are equal is
    tested on the trainer, to 13 digits.)
    """

    def belong(parts: StudyResults, whole: StudyResults) -> bool:
        same = same_but(parts, whole, "accumulation")
        normalised = parts.recipe["model"].get("normalization", "none") != "none"
        return same and not normalised and parts.recipe["accumulation"] > 1 == whole.recipe["accumulation"]

    found = []
    for parts, whole in pairs(studies, belong):
        losses = shared(parts, whole, "train_loss")
        losses = losses[losses["base_learning_rate"].eq(losses["base_learning_rate"].min())]
        relative = (losses["train_loss"] / losses["train_loss_other"] - 1).groupby(losses["seed"]).mean()
        numbers = {"parts": parts.recipe["accumulation"]}
        measured = over_seeds(100 * relative.to_numpy(float))
        found.append(Comparison(parts.name, "loss_of_parts", **measured, margin=margin, numbers=numbers))
    return found


def shared(one: StudyResults, other: StudyResults, quantity: str) -> pd.DataFrame:
    """Return the runs that two studies share by effective m, η̃ and seed, with a quantity of both (…, …_other)."""
    columns = ["effective_batch_size", "base_learning_rate", "seed"]
    sides = (study.tables.runs[[*columns, quantity]].drop_duplicates(columns) for study in (one, other))
    return pd.merge(*sides, on=columns, suffixes=("", "_other")).sort_values(columns, ignore_index=True)
