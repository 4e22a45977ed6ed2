"""Which batch size to use for a given memory and time, and the price of the others: from runs and measured costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import equal_budgets, last_epochs
from batchwise.analysis.equal_budgets import Curves
from batchwise.analysis.selection import DIGITS
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import paired_difference


def columns(curves: Curves) -> dict[str, str]:
    """Return {column: what it holds} of the table of advice about curves such as these."""
    metric, read_as = curves.metric, last_epochs.words(curves.statistic, "evaluation")
    mean = f"mean over the seeds ({read_as}); {metric.description}"
    validation, test = (metric.column(split) for split in ("validation", "test"))
    return {
        "memory_limit_bytes": "memory that there is, bytes; empty for no limit",
        "deadline_seconds": "seconds of updates that there are; empty for the whole run of the study",
        "chosen": "whether this is the batch size to use: the best on validation rows of those that fit; without "
        "validation rows the fastest of those that fit",
        "status": f"{equal_budgets.MEASURED}; {equal_budgets.TOO_SHORT}: at the deadline; {equal_budgets.UNMEASURED}, "
        "or memory: not known to fit",
        "fits": "whether the memory is enough and at least one epoch is over at the deadline",
        "batch_size": "m that was trained, rows",
        "base_learning_rate": "η̃ that is best on validation rows at the deadline",
        "learning_rate": "η of that",
        "epochs": "epochs until the deadline, or of the whole run",
        "updates": "weight updates until then",
        "seconds": "seconds of these updates on this machine, without compilation and evaluation",
        "compile_seconds": "seconds to compile, once for each batch size",
        "memory_peak_bytes": "largest resident set (CPU) or device memory (GPU) of a process that trains, bytes",
        f"{validation}_mean": mean,
        f"{test}_mean": mean,
        f"{test}_low": "lower bound of its 95 % Student t interval",
        f"{test}_high": "upper bound of its 95 % Student t interval",
        "n": "seeds",
        "difference_mean": f"{test} less that of the chosen batch size, paired by seed",
        "difference_low": "lower bound of its 95 % Student t interval",
        "difference_high": "upper bound of its 95 % Student t interval",
    }


def advise(
    all_curves: Sequence[Curves], measured: pd.DataFrame, memory: float | None = None, deadline: float | None = None
) -> pd.DataFrame:
    """Return a row for each batch size, and which of them to use within `memory` bytes and `deadline` seconds.

    `measured` has the columns batch_size, epoch_seconds, compile_seconds and memory_peak_bytes (profile_summary); what
    was not measured is not held against a batch size without a limit on it. No row is chosen if none fits.
    """
    costs = measured.set_index("batch_size")
    seconds = costs["epoch_seconds"].to_dict()
    rows = [_row(curves, seconds, deadline) for curves in all_curves]
    table = pd.DataFrame(rows)
    for name in ("compile_seconds", "memory_peak_bytes"):
        table[name] = table["batch_size"].map(costs[name])
    if memory is not None:
        ended = costs.index[costs["status"].eq("out_of_memory")] if "status" in costs else []
        unknown = table["memory_peak_bytes"].isna() & ~table["batch_size"].isin(ended)
        table["status"] = table["status"].mask(unknown, equal_budgets.UNMEASURED)
    table["fits"] = table["status"].eq(equal_budgets.MEASURED) & (
        (memory is None) | table["memory_peak_bytes"].le(np.inf if memory is None else memory)
    )
    table["memory_limit_bytes"], table["deadline_seconds"] = memory, deadline
    metric = all_curves[0].metric
    chosen = _choose(table, metric)
    table["chosen"] = table.index == chosen
    if chosen is not None:
        _add_prices(table, all_curves, chosen)
    return table.reindex(columns=list(columns(all_curves[0])))


def _row(curves: Curves, seconds: Mapping[int, float], deadline: float | None) -> dict[str, Any]:
    """Return what a batch size gives at the deadline, or at the end of its runs if that is sooner."""
    whole = equal_budgets.level(curves, "epochs", curves.whole_epochs, seconds)
    if deadline is None:
        return whole
    until = equal_budgets.level(curves, "seconds", deadline, seconds)
    return whole if until["status"] == equal_budgets.TOO_LONG else until


def _choose(table: pd.DataFrame, metric: Metric) -> int | None:
    fitting = table[table["fits"]]
    validation, test = (metric.column(split, "mean") for split in ("validation", "test"))
    if fitting.empty or test not in fitting or fitting[test].isna().all():
        return None
    if fitting[validation].isna().all():
        return int(fitting["seconds"].idxmin()) if fitting["seconds"].notna().any() else None
    score = metric.sign * fitting[validation].round(DIGITS)
    return int(score[score == score.max()].index[0])


def _add_prices(table: pd.DataFrame, all_curves: Sequence[Curves], chosen: int) -> None:
    """Add the differences on test rows from the chosen batch size, seed by seed; its own has no bounds."""
    seeds = [_test_values(curves, row) for curves, row in zip(all_curves, table.to_dict("records"), strict=True)]
    difference = paired_difference(np.stack(seeds), seeds[chosen])
    for bound in ("mean", "low", "high"):
        table[f"difference_{bound}"] = getattr(difference, bound)
    table.loc[chosen, ["difference_low", "difference_high"]] = np.nan


def _test_values(curves: Curves, row: dict[str, Any]) -> np.ndarray:
    """Return the metric of each seed on test rows, [seeds]."""
    test = curves.metric.column("test")
    found = np.flatnonzero(curves.base_learning_rates == row.get("base_learning_rate"))
    if not len(found):
        return np.full(curves.values[test].shape[1], np.nan)
    return equal_budgets.at(curves, row["epochs"])[test][found[0]]
