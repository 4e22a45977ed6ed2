"""Questions O: objects in photographs, and how large the batches of detectors should be."""

import numpy as np
import pandas as pd

from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.comparison import Comparison, over_seeds
from batchwise.claims.field import lengths, speed
from batchwise.claims.field.best_cells import compare_sizes, resolution
from batchwise.claims.field.quality import factor_of_a_few
from batchwise.data.lengths import PIXEL

EPOCHS, UPDATES = "at equal epochs", "at equal updates"
SMALLEST, MORE = "at the smallest batch size", "less what it gains at the largest"
BATCH, GROUP = "batch", "group"  # normalization of a model


def alike(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare all pairs among m = 16, 32 and 64 of detectors on test rows, each at its best rate, seed by seed."""
    return factor_of_a_few(_detectors(studies), margin)


def faster_epochs(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the time of an epoch of detectors as speed.faster_epochs does."""
    return speed.faster_epochs(_detectors(studies), margin)


def small_generalises(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the smallest m of detectors with the largest on test rows: after all epochs, and after as many updates.

    After as many updates as the largest m makes in its training, on a line between evaluations of the smallest; each at
    its best rate of whole runs, seed by seed. Where the budget is of updates, whole runs have as many.
    """
    found = []
    for study in whole_batches(_detectors(studies)):
        sizes = sorted({*study.results})
        if len(sizes) > 1:
            of_epochs = bool(study.recipe["budget"].get("epochs"))
            small, large = sizes[0], sizes[-1]
            found.append(compare_sizes(study, small, large, margin, "pair", EPOCHS if of_epochs else UPDATES))
            if of_epochs and not study.grows:
                found += _after_updates(study, small, large, margin)
    return found


def _after_updates(study: StudyResults, small: int, large: int, margin: float) -> list[Comparison]:
    test = study.metric.column("test")
    few, many = study.curve(small, test), study.curve(large, test)
    if few.empty or many.empty:
        return []
    updates = int(many.index[-1]) * -(-study.rows // large)
    early = np.array([_at(few[seed], updates / -(-study.rows // small)) for seed in few])
    gain = study.metric.gain(early, many.iloc[-1].to_numpy(float))
    numbers = {"best": small, "other": large, "updates": updates, "unit": study.metric.differences}
    measured, least = over_seeds(gain, resolution(study)), margin * study.metric.least_margin
    return [Comparison(study.name, "pair_after_updates", **measured, margin=least, group=UPDATES, numbers=numbers)]


def _at(curve: pd.Series, epochs: float) -> float:
    """Return a value on a line between those of a seed that are known; NaN beyond the last, where it diverged."""
    known = curve.dropna()
    return float(np.interp(epochs, known.index, known, right=np.nan)) if len(known) else np.nan


def falls_with_area(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the exponent of the largest m that was seen to fit in the area of the image with −1."""
    return lengths.exponent_of_largest(studies, margin, PIXEL)


def normalised_by_group(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare group with batch normalisation at the smallest m, and there with the largest, on test rows.

    Of pairs of detectors that are alike but for the normalisation; each at its best rate, seed by seed.
    """

    def belong(group: StudyResults, batch: StudyResults) -> bool:
        of_models = [_but_for_normalization(study) for study in (group, batch)]
        kinds = [study.recipe["model"].get("normalization") for study in (group, batch)]
        return kinds == [GROUP, BATCH] and of_models[0] == of_models[1] and same_but(group, batch, "model")

    found = []
    for group, batch in pairs(_detectors(studies), belong):
        shared = sorted({*group.results} & {*batch.results})
        if len(shared) > 1:
            found += _by_group(group, batch, shared, margin)
    return found


def _by_group(group: StudyResults, batch: StudyResults, sizes: list[int], margin: float) -> list[Comparison]:
    gains = {m: group.metric.gain(group.results[m], batch.results[m]).dropna() for m in (sizes[0], sizes[-1])}
    small, large = gains[sizes[0]], gains[sizes[-1]]
    numbers = {"small": sizes[0], "large": sizes[-1], "other": batch.name, "unit": group.metric.differences}
    values = {SMALLEST: small, MORE: (small - large).dropna()}
    quantities = {SMALLEST: "group_ahead", MORE: "group_ahead_of_largest"}
    least = margin * group.metric.least_margin
    return [
        Comparison(
            *(group.name, quantities[name]),
            **over_seeds(gain.to_numpy(float), resolution(group)),
            margin=least,
            group=name,
            numbers=numbers,
        )
        for name, gain in values.items()
    ]


def warm_up(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare linear scaling with a warm-up and without at the largest m, on test rows, each at its best rate.

    Of pairs of detectors that are alike but for the warm-up of their schedule.
    """

    def belong(warm: StudyResults, cold: StudyResults) -> bool:
        rises = [study.recipe["schedule"]["warm_up"] for study in (warm, cold)]
        rest = [{**study.recipe["schedule"], "warm_up": 0} for study in (warm, cold)]
        linear = all(study.tables.summary["learning_rate_scaling"] == "linear" for study in (warm, cold))
        return linear and rises[0] > rises[1] == 0 and rest[0] == rest[1] and same_but(warm, cold, "schedule")

    found = []
    for warm, cold in pairs(_detectors(studies), belong):
        shared = sorted({*warm.results} & {*cold.results})
        if shared:
            m = shared[-1]
            gain = warm.metric.gain(warm.results[m], cold.results[m]).dropna().to_numpy(float)
            share = 100 * warm.recipe["schedule"]["warm_up"]
            numbers = {"m": m, "share": share, "other": cold.name, "unit": warm.metric.differences}
            measured, least = over_seeds(gain, resolution(warm)), margin * warm.metric.least_margin
            found.append(Comparison(warm.name, "warm_up_ahead", **measured, margin=least, numbers=numbers))
    return found


def _detectors(studies: list[StudyResults]) -> list[StudyResults]:
    """Return the studies whose labels are boxes."""
    return [study for study in studies if study.tables.summary["data"].get("labels") == "boxes"]


def _but_for_normalization(study: StudyResults) -> dict[str, object]:
    options = ("normalization", "normalization_batch")
    return {name: value for name, value in study.recipe["model"].items() if name not in options}
