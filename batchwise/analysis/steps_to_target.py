"""How many epochs, updates and seconds a run takes to a value of its metric that was set beforehand (Shallue 2019).

A run that does not get there is kept as censored: it would take longer than it was trained.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from batchwise.analysis.equal_budgets import Curves, spent
from batchwise.statistics.censored_values import censored_median

RUNS = {
    "target": "validation value of the metric to get past, in its unit in the tables",
    "batch_size": "m that was trained, rows",
    "base_learning_rate": "η̃, per example",
    "learning_rate": "η of the averaged gradient",
    "seed": "seed of weights and order, from 0",
    "epochs": "epochs until the first evaluation strictly past the target; empty for a run that does not get there",
    "updates": "weight updates until then",
    "updates_before": "weight updates at the evaluation before, 0 for the first, or of the whole run: too few",
}
SIZES = {
    "target": RUNS["target"],
    "batch_size": RUNS["batch_size"],
    "base_learning_rate": "η̃ with the smallest median of updates over the seeds; ties: smallest mean, highest η̃",
    "learning_rate": RUNS["learning_rate"],
    "runs": "runs of that cell",
    "reached": "runs that got past the target; the others are censored at the end of their training",
    "epochs": "median over the seeds, with the censored ones (Kaplan–Meier); empty where fewer than half got there",
    "updates": "weight updates: median as for epochs",
    "seconds": "updates × measured seconds of an update (profile), without compilation; empty where not measured",
    "epochs_trained": "epochs of a whole run: what a censored run is known to exceed",
}


def runs(all_curves: Sequence[Curves], targets: Sequence[float]) -> pd.DataFrame:
    """Return a row for each target and run."""
    rows = [
        (target, curves.effective_batch_size, base, rate, seed, epochs, float(curves.updates_at(epochs)), before)
        for target in targets
        for curves in all_curves
        for base, rate, seeds in zip(
            curves.base_learning_rates, curves.learning_rates, _epochs(curves, target), strict=True
        )
        for seed, (epochs, before) in enumerate(zip(seeds, _updates_before(curves, seeds), strict=True))
    ]
    return pd.DataFrame(rows, columns=list(RUNS))


def sizes(table: pd.DataFrame, all_curves: Sequence[Curves], seconds: Mapping[int, float]) -> pd.DataFrame:
    """Return a row for each target and batch size, at its fastest rate. `seconds` are those of an epoch."""
    trained = {curves.effective_batch_size: curves for curves in all_curves}
    rows = []
    for (target, m), cells in table.groupby(["target", "batch_size"]):
        whole = trained[m]
        cells = cells.assign(censored=cells["updates"].isna(), updates=cells["updates"].fillna(whole.updates))
        medians = cells.groupby("base_learning_rate").apply(_median, include_groups=False)
        base = _fastest(medians, cells.groupby("base_learning_rate")["updates"].mean())
        cell = cells[cells["base_learning_rate"] == base]
        updates = medians[base] if np.isfinite(medians[base]) else np.nan
        epochs = whole.epochs_of(updates)
        cost = spent(whole, "seconds", epochs, seconds)
        reached = int((~cell["censored"]).sum())
        learning_rate = cell["learning_rate"].iloc[0]
        last = float(whole.epochs[-1])
        rows.append((target, m, base, learning_rate, len(cell), reached, epochs, updates, cost, last))
    return pd.DataFrame(rows, columns=list(SIZES))


def _fastest(medians: pd.Series, means: pd.Series) -> float:
    """Return the η̃ of the smallest median. Medians of whole epochs are often equal at η̃ that are not equally fast."""
    means = means[medians == medians.min()]
    return means[means == means.min()].index[-1]


def _median(cell: pd.DataFrame) -> float:
    return censored_median(cell["updates"].to_numpy(float), ~cell["censored"].to_numpy())


def _epochs(curves: Curves, target: float) -> np.ndarray:
    """Return the epochs until the first evaluation strictly past the target, [rates, seeds], NaN for none."""
    metric = curves.metric
    if len(curves.epochs) < 2:  # no run came to its first evaluation after the start
        return np.full(curves.values[metric.column("validation")].shape[:-1], np.nan)
    past = metric.sign * curves.values[metric.column("validation")][..., 1:] > metric.sign * target
    return np.where(past.any(axis=-1), curves.epochs[1:][past.argmax(axis=-1)], np.nan)


def _updates_before(curves: Curves, epochs: np.ndarray) -> np.ndarray:
    """Return the updates at the evaluation before that at `epochs` [seeds], those of a whole run where that is NaN."""
    place = np.searchsorted(curves.epochs, epochs)  # beyond the last for NaN
    before = curves.updates_at(curves.epochs[np.maximum(place - 1, 0)])
    return np.where(np.isnan(epochs), curves.updates, before).astype(float)
