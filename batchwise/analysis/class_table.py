"""The recall of each class at each batch size, at its chosen rate: what a mean over all rows does not show."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.run_metrics import RunMetrics
from batchwise.config.grid import Cell, Run
from batchwise.data.dataset import SPLITS
from batchwise.statistics.intervals import mean_interval

RECALL = "recall"  # the metric by class of tasks with classes
COLUMNS = {
    "batch_size": "m as asked for in params.yaml, rows",
    "class": "number of the class, from 0; data.class_names of summary.json are in this order",
    "test_rows": "test rows of the class; with folds, those of seed 0",
    "recall_mean": "share of them that is predicted at the final weights, mean over the seeds that ended ok",
    "recall_low": "lower bound of its 95 % Student t interval, on the scale of log-odds",
    "recall_high": "upper bound of its 95 % Student t interval, on the scale of log-odds",
    "n": "seeds whose test rows have the class",
}


def table(manifest: Mapping[str, Any], results: Iterable[tuple[Cell, Run, RunMetrics]]) -> pd.DataFrame:
    """Return a row for each class of each chosen cell, of its runs; none where labels are no classes."""
    rows = manifest["class_counts"]["test"] if manifest["labels"] in ("classes", "flags") else []
    by_cell = groupby(results, key=lambda result: result[0])
    parts = [_of_cell(cell, rows, [found for _, _, found in runs]) for cell, runs in by_cell if rows]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _of_cell(cell: Cell, rows: Sequence[int], runs: Sequence[RunMetrics]) -> pd.DataFrame:
    ended = [found.by_class[RECALL][SPLITS.index("test")] for found in runs if RECALL in found.by_class]
    values = np.array(ended).reshape(len(ended), len(rows)).T  # [classes, seeds]
    interval = mean_interval(values, 0, 1)
    return pd.DataFrame(
        {
            "batch_size": cell.batch_size,
            "class": range(len(rows)),
            "test_rows": rows,
            "recall_mean": interval.mean,
            "recall_low": interval.low,
            "recall_high": interval.high,
            "n": interval.n,
        }
    )
