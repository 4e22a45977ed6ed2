"""Batch sizes whose runs end before they have trained, so that the study says nothing of them but that.

With as many epochs a larger m makes fewer updates, and falls behind for want of them (Hoffer 2017, Shallue 2019). Own
criterion, on training rows: what the updates that are missing would have brought, and no question of generalisation.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.differences import Runs
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric

Updates = Callable[[Any], Any]  # epochs, also many → the updates of a run in them


def of_sizes(cells: Mapping[int, Runs], updates: Mapping[int, Updates], metric: Metric) -> pd.Series:
    """Return whether each batch size m of the cells {m: runs} makes too few updates to train, with m as index.

    `updates` says how many its runs make in some epochs.
    It does if another m, which makes more updates, ends better on training rows by more than the widest margin, but
    after as many updates as m makes was not yet better by more than the least. Means over the seeds that ended ok.
    """
    curves = {m: curve for m, runs in cells.items() if len(curve := _curve(runs, updates[m], metric))}
    total = {m: updates[m](np.inf) for m in cells}

    def lacks(m: int, other: int) -> bool:
        end, theirs = curves[m].iloc[-1], curves[other]
        then = np.interp(total[m], theirs.index, theirs)  # between two evaluations
        return bool(theirs.iloc[-1] - end > metric.margins[-1] and then - end <= metric.least_margin)

    found = {m: m in curves and any(lacks(m, other) for other in curves if total[other] > total[m]) for m in cells}
    return pd.Series(found, dtype=bool, name="too_few_updates")


def _curve(runs: Runs, updates: Updates, metric: Metric) -> pd.Series:
    """Return how far runs get beyond the baseline on training rows, in the unit of differences, by updates made.

    Empty if none ended ok.
    """
    ended = [run for run in runs if run.status == "ok"]
    if not ended:
        return pd.Series(dtype=float)
    values = np.mean([run.curve[metric.name][:, SPLITS.index("train")] for run in ended], axis=0)
    return pd.Series(metric.gain(values, metric.baseline), index=updates(ended[0].curve_epochs))
