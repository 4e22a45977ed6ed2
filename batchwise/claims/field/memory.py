"""Claims M: what a batch size costs in memory, and what cures a lack of it."""

import numpy as np
import pandas as pd

from batchwise.analysis.costs import largest, memory
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.evidence import (
    NONE_COUNTED,
    TIMES,
    Comparison,
    above,
    compare,
    counted,
    fitted,
    over_seeds,
    within,
)
from batchwise.claims.field.best_cells import compare_best
from batchwise.claims.judging import Evidence, all_of
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.statistics.intervals import Estimate

FITS = ("ok", "fits")  # how a point is called that was measured, and a doubled batch size that had room
SAME = 1.0  # percent: losses that differ by less are the same


def grows(studies: list[StudyResults]) -> Evidence:
    """Compare with 0 the growth of the peak memory with each row, by a line in m, and ask where memory ends."""
    found = []
    for study in studies:
        if study.profile is None:
            continue
        points, doubling = study.profile.points, study.profile.doubling
        grid = points[points["purpose"].eq("grid") & points["status"].eq("ok")]
        fit = memory(grid, doubling)
        if fit["points"] > 2:
            slope = fitted(Estimate(*(value / 1024 for value in fit["row"])), fit["points"])
            numbers = {"m": largest(grid, doubling)["fits"], "r_squared": fit["r_squared"]}
            found.append(compare(study.name, "memory_of_a_row", slope, right=above(0), **numbers))
            if not doubling["status"].isin(["stopped", "failed"]).any():  # where it ends is not known
                found.append(_ended(study.name, study.profile))
    return all_of(found)


def _ended(study: str, profile: Profile) -> Comparison:
    doubling = profile.doubling
    ended = doubling.loc[doubling["status"].eq("out_of_memory"), "batch_size"]
    limit = profile.machine["memory_limit_bytes"]
    numbers = {"gigabytes": np.nan if limit is None else limit / 1e9}
    measured = counted(int(ended.empty), len(doubling), TIMES)
    if ended.empty:
        return compare(study, "memory_without_end", measured, right=NONE_COUNTED, **numbers)
    return compare(study, "memory_with_end", measured, right=NONE_COUNTED, m=ended.min(), **numbers)


def smaller_cures(studies: list[StudyResults]) -> Evidence:
    """Ask for a smaller m that fits where memory ended, and compare the best smaller m with the largest of the grid."""
    found = []
    for study in whole_batches(studies):
        if study.profile is None:
            continue
        points, doubling = study.profile.points, study.profile.doubling
        if doubling["status"].eq("out_of_memory").any():
            ended = doubling.loc[doubling["status"].eq("out_of_memory"), "batch_size"].min()
            fits = pd.concat([table.loc[table["status"].isin(FITS), "batch_size"] for table in (points, doubling)])
            measured, numbers = counted(int(fits.empty), len(doubling), TIMES), {"ended": ended, "fits": fits.max()}
            found.append(compare(study.name, "no_smaller_fits", measured, right=NONE_COUNTED, **numbers))
            is_largest = np.arange(len(study.sizes)) == len(study.sizes) - 1
            no_loss = above(-study.metric.least_margin)
            found += compare_best(study, ~is_largest, is_largest, no_loss, quantity="smaller_instead")
    return all_of(found)


def accumulation(studies: list[StudyResults]) -> Evidence:
    """Compare the training loss of accumulated parts with that of whole batches, seed by seed.

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
        measured, numbers = over_seeds(100 * relative.to_numpy(float)), {"parts": parts.recipe["accumulation"]}
        found.append(compare(parts.name, "loss_of_parts", measured, right=within(-SAME, SAME), **numbers))
    return all_of(found)


def shared(one: StudyResults, other: StudyResults, quantity: str) -> pd.DataFrame:
    """Return the runs that two studies share by effective m, η̃ and seed, with a quantity of both (…, …_other)."""
    columns = ["effective_batch_size", "base_learning_rate", "seed"]
    sides = (study.tables.runs[[*columns, quantity]].drop_duplicates(columns) for study in (one, other))
    return pd.merge(*sides, on=columns, suffixes=("", "_other")).sort_values(columns, ignore_index=True)
