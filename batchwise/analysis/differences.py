"""Intervals for new test rows, and the differences of batch sizes from the reference with three kinds of interval.

An interval over seeds holds for other seeds on these test rows, one for new rows for other rows too. The values of rows
are those at the final weights: an interval for new rows is that of their mean, moved to the result.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from batchwise.analysis.run_metrics import RunMetrics
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.statistics import rows, simultaneous
from batchwise.statistics.intervals import Estimate, known_mean, paired_difference

Runs = Sequence[RunMetrics]  # of one cell, one for each seed
COLUMNS = [f"difference_{name}" for name in ("mean", "low", "high", "n", "together_low", "together_high")]
NEW_ROWS = ["difference_new_rows_low", "difference_new_rows_high"]


def for_new_rows(cells: Mapping[int, Runs], metric: Metric) -> pd.DataFrame:
    """Return the interval of the metric for new test rows of each batch size m of the cells {m: runs}, with m as index.

    There is none for fewer than two seeds that ended ok, and for a metric without values of rows.
    """
    bounds, found = (metric.lowest, metric.highest), []
    for runs in cells.values():
        interval = rows.over_seeds_and_rows(_by_row(runs, metric), *bounds)
        found.append(np.clip(_moved(interval, _results(runs, metric)), *bounds))
    names = [metric.column("test", "new_rows", end) for end in ("low", "high")]
    return pd.DataFrame(np.reshape(found, (-1, 2)), index=[*cells], columns=names)


def from_reference(cells: Mapping[int, Runs], reference: int | None, metric: Metric, *, new_rows: bool) -> pd.DataFrame:
    """Return the difference of each batch size m of the cells {m: runs} from the reference m, with m as index.

    They are paired by seed. The reference has no interval. With `new_rows` there are intervals for those, too.
    """
    table = pd.DataFrame(index=[*cells], columns=[*COLUMNS, *NEW_ROWS], dtype=float)
    if reference is None:
        return table
    results = np.array([_results(runs, metric) for runs in cells.values()])  # [batch sizes, seeds]
    place = [*cells].index(reference)
    single, together = paired_difference(results, results[place]), simultaneous.from_reference(results, place)
    table[COLUMNS] = np.transpose([*single, *together[1:3]])
    if new_rows:
        table[NEW_ROWS] = [_for_new_rows(runs, cells[reference], metric) for runs in cells.values()]
    table.loc[reference, table.columns.str.endswith(("low", "high"))] = np.nan
    return table.astype({"difference_n": "Int64"})


def _for_new_rows(runs: Runs, reference: Runs, metric: Metric) -> tuple[float, float]:
    here, there = _by_row(runs, metric), _by_row(reference, metric)
    if here.shape != there.shape:  # no run of one of them ended ok
        return np.nan, np.nan
    interval = rows.difference_over_seeds_and_rows(here, there, metric.lowest, metric.highest)
    return _moved(interval, _results(runs, metric) - _results(reference, metric))


def _moved(interval: Estimate, results: np.ndarray) -> tuple[float, float]:
    """Return the ends of an interval, moved to the mean of the results [seeds]."""
    by = known_mean(results) - interval.value
    return interval.low + by, interval.high + by


def _results(runs: Runs, metric: Metric) -> np.ndarray:
    """Return the metric on test rows, [seeds], NaN for a run that did not end ok."""
    return np.array([run.result[metric.name][SPLITS.index("test")] for run in runs])


def _by_row(runs: Runs, metric: Metric) -> np.ndarray:
    """Return what each test row adds to the metric at the final weights, [seeds, rows], NaN as in `_results`.

    [seeds, 0] where no run has values of rows.
    """
    found = [run.by_row.get(metric.name, np.empty(0)) for run in runs]
    none = np.full(max(map(len, found)), np.nan)
    return np.array([values if len(values) else none for values in found], "float64")
