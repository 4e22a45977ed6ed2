"""Batch sizes whose runs end before they have trained, so that the study says nothing of them but that.

With as many epochs a larger m makes fewer updates, and falls behind for want of them (Hoffer 2017, Shallue 2019). Own
criterion, on training rows: what the updates that are missing would have brought, and no question of generalisation.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from batchwise.analysis.differences import Runs
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric

LAST_PART = 0.25  # of the epochs: of a run that has trained, they change less than the least difference that matters


def of_sizes(cells: Mapping[int, Runs], updates: Mapping[int, int], metric: Metric) -> pd.Series:
    """Return whether each batch size m of the cells {m: runs} makes too few updates to train, with m as index.

    It does if its metric on training rows is worse by more than the widest margin than that of an m that makes more
    updates, and still improves by more than the least margin over the last quarter of its epochs; means over the seeds
    that ended ok.
    """
    gains = {m: _gains(runs, metric) for m, runs in cells.items()}
    found = {}
    for m, (end, last_part) in gains.items():
        behind = max((gains[other][0] - end for other in cells if updates[other] > updates[m]), default=0)
        found[m] = behind > metric.margins[-1] and last_part > metric.least_margin
    return pd.Series(found, dtype=bool, name="too_few_updates")


def _gains(runs: Runs, metric: Metric) -> tuple[float, float]:
    """Return how far runs get beyond the baseline and how much of it in the last part, in the unit of differences."""
    ended = [run for run in runs if run.status == "ok"]
    if not ended:
        return np.nan, np.nan
    end, before = (np.mean([_training(run, metric, share) for run in ended]) for share in (1, 1 - LAST_PART))
    return metric.gain(end, metric.baseline), metric.gain(end, before)


def _training(run: RunMetrics, metric: Metric, share: float) -> float:
    """Return the metric on training rows after a share of the epochs."""
    place = np.searchsorted(run.curve_epochs, share * run.epochs, side="right") - 1
    return float(run.curve[metric.name][place, SPLITS.index("train")])
