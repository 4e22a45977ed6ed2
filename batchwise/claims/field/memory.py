"""Claims M: what a batch size costs in memory, and what cures a lack of it."""

import pandas as pd

from batchwise.analysis.costs import largest, memory
from batchwise.analysis.seed_values import Undecidable, choose
from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.evidence import Comparison, Evidence, above, all_of, estimate_above, exact, within
from batchwise.statistics.fits import Estimate

NO_LOSS = 1.0  # points: what is lost less than this is no loss
SAME = 1.0  # percent: losses that differ by less are the same


def grows(studies: list[StudyResults]) -> Evidence:
    """Supported if the peak memory grows by a line in m, of the grid and beyond (slope above 0), and ends somewhere.

    n: batch sizes.
    """
    found = []
    for study in studies:
        if study.profile is None:
            continue
        points, doubling = study.profile.points, study.profile.doubling
        grid = points[points["purpose"].eq("grid") & points["status"].eq("ok")]
        fit = memory(grid, doubling)
        if fit["points"] > 2:
            what = f"each row more, up to m = {largest(grid, doubling)['fits']:,} (R² = {fit['r_squared']:.4f})"
            slope = Estimate(*(value / 1024 for value in fit["row"]))
            found.append(estimate_above(study.name, what, "KiB", slope, 0, fit["points"], fit["points"] - 2))
            if not doubling["status"].isin(["stopped", "failed"]).any():  # where it ends is not known
                found.append(_ended(study, doubling))
    return all_of(found)


def _ended(study: StudyResults, doubling) -> Comparison:
    ended = doubling.loc[doubling["status"].eq("out_of_memory"), "batch_size"]
    where = f"at m = {ended.min():,}" if len(ended) else "nowhere"
    limit = study.profile.machine["memory_limit_bytes"] / 1e9
    return exact(
        study.name, f"memory of {limit:.1f} GB that did not end ({where})", "times", int(ended.empty), len(doubling)
    )


def smaller_cures(studies: list[StudyResults]) -> Evidence:
    """Supported if a smaller m fits where memory ended, and costs no quality.

    No quality is lost if the best smaller m, chosen on validation rows, is less than 1 point of test accuracy behind
    the largest m of the grid. n: batch sizes, then seeds.
    """
    found = []
    for study in whole_batches(studies):
        doubling = study.profile.doubling if study.profile is not None else []
        if len(doubling) and doubling["status"].eq("out_of_memory").any():
            ended = doubling.loc[doubling["status"].eq("out_of_memory"), "batch_size"].min()
            fits = doubling.loc[doubling["status"].eq("fits"), "batch_size"]
            what = f"no smaller m that fits (memory ended at m = {ended:,}, m = {fits.max():,} fits)"
            found.append(exact(study.name, what, "times", int(fits.empty), len(doubling)))
            found.extend(_cost_of_halving(study))
    return all_of(found)


def _cost_of_halving(study: StudyResults) -> list[Comparison]:
    values = study.seed_values
    largest = values.effective_batch_size == values.effective_batch_size.max()
    try:
        small, large = choose(values, ~largest), choose(values, largest)
    except Undecidable:
        return []
    what = f"m = {values.effective_batch_size[small]:,} instead of m = {values.effective_batch_size[large]:,}"
    return [above(study.name, what, "points", 100 * (values.test[small] - values.test[large]), -NO_LOSS)]


def accumulation(studies: list[StudyResults]) -> Evidence:
    """Supported if accumulated parts and whole batches end with the same training loss to within ±1 %, seed by seed.

    For each pair of studies without normalisation that are alike but for the accumulation: the mean over all m of both
    at their smallest η̃, since rounding differs, and a large rate makes much of little. n: seeds. (That the updates are
    equal is tested on the engine, to 13 digits.)
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
        what = f"training loss of {parts.recipe['accumulation']} parts less that of whole batches, of the latter"
        found.append(within(parts.name, what, "%", 100 * relative.to_numpy(float), SAME))
    return all_of(found)


def shared(one: StudyResults, other: StudyResults, quantity: str) -> pd.DataFrame:
    """Return the runs that two studies share by effective m, η̃ and seed, with a quantity of both (…, …_other)."""
    columns = ["effective_batch_size", "base_learning_rate", "seed"]
    sides = (study.tables.runs[[*columns, quantity]].drop_duplicates(columns) for study in (one, other))
    return pd.merge(*sides, on=columns, suffixes=("", "_other")).sort_values(columns, ignore_index=True)
