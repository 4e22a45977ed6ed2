"""Batch sizes that make too few updates to train in the epochs of a study: what they lose is no loss of quality."""

import pandas as pd

from batchwise.analysis.selection import DIGITS
from batchwise.analysis.study_tables import Tables

COLUMN = "too_few_updates"  # of tables that know it
LAST = 0.75  # of the epochs: from there on a run is seen to learn still


def too_few_updates(tables: Tables) -> list[int]:
    """Return the distinct batch sizes that make too few updates to train, ascending; only those with curves.

    At its chosen rate such an m ends behind another one with more updates on training rows, by more than the largest
    margin of the metric (5 points of accuracy), and still gains more than the least (1 point) in the last quarter of
    its epochs. Own criterion: with equal epochs a large m makes few updates, so that a comparison is of how far it came
    (Hoffer, Hubara & Soudry 2017, section 5), not of where it would end.
    """
    if COLUMN in tables.batch_sizes:
        return sorted(
            tables.batch_sizes.loc[tables.batch_sizes[COLUMN].eq(True), "effective_batch_size"].unique().tolist()
        )
    metric = tables.metric
    sizes = tables.batch_sizes.drop_duplicates("effective_batch_size").set_index("batch_size")
    means = tables.curves.groupby(["batch_size", "epoch"])[metric.column("train")].mean().dropna()
    curves = {
        m: metric.sign * metric.scale * curve.droplevel(0) for m, curve in means.groupby(level=0) if m in sizes.index
    }
    ends = pd.Series({m: curve.iloc[-1] for m, curve in curves.items()}, dtype=float).round(DIGITS)
    updates = sizes["updates"].reindex(ends.index)
    found = []
    for m, curve in curves.items():
        behind = ends[updates > updates[m]].max() - ends[m]  # NaN where none makes more
        if behind > metric.margins[-1] and _still_gains(curve) > metric.least_margin:
            found.append(int(sizes.loc[m, "effective_batch_size"]))
    return sorted(found)


def _still_gains(curve: pd.Series) -> float:
    """Return how much a curve, with epochs as index, gains in the last quarter of its epochs."""
    before = curve[curve.index <= LAST * curve.index[-1]]
    return float(curve.iloc[-1] - before.iloc[-1]) if len(before) else 0.0
