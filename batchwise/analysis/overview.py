"""What each batch size of a study gives and costs, in one table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchwise.analysis.selection import reliable_column
from batchwise.analysis.study_results import StudyResults

COLUMNS = ["batch_size", "gain", "gain_low", "gain_high", "epoch_seconds", "memory_bytes", "rate_low", "rate_high"]


def by_batch_size(study: StudyResults) -> pd.DataFrame:
    """Return a row for each distinct m with a result, ascending, with COLUMNS; NaN is what is not known.

    `gain` is how much better m is than the reference, in the unit of differences of the metric, with 95 % intervals
    that hold together over all m. `epoch_seconds` and `memory_bytes` are measured, and between `rate_low` and
    `rate_high` η̃ trains reliably, within the largest margin of the metric.
    """
    rows, metric = study.tables.distinct.sort_values("effective_batch_size"), study.metric
    table = pd.DataFrame({"batch_size": rows["effective_batch_size"]})
    table["gain"] = metric.gain(rows["difference_mean"], 0.0)
    bounds = [metric.gain(rows[f"difference_together_{end}"].astype(float), 0.0) for end in ("low", "high")]
    table["gain_low"], table["gain_high"] = bounds[:: metric.sign]
    table["epoch_seconds"] = table["batch_size"].map(study.epoch_seconds)
    table["memory_bytes"] = table["batch_size"].map(_memory(study))
    for end in ("low", "high"):
        edge = rows[reliable_column(metric.margins[-1], end)]
        table[f"rate_{end}"] = np.nan if study.tables.single_rate else edge
    return table[COLUMNS].astype(dict.fromkeys(COLUMNS[1:], float)).reset_index(drop=True)


def results(studies: Sequence[StudyResults]) -> pd.DataFrame:
    """Return a row for each m of each study: the chosen rate, the result on test rows, and what an epoch takes.

    `result`, `low` and `high` (95 % over `seeds`) are in the unit of the `metric`, seconds and bytes measured; what is
    not known is empty.
    """
    return pd.concat([_results(study) for study in studies], ignore_index=True)


def _results(study: StudyResults) -> pd.DataFrame:
    rows, test = study.tables.batch_sizes, study.metric.column("test")
    table = rows[["batch_size", "base_learning_rate", "learning_rate", "updates"]].assign(metric=study.metric.name)
    for name, column in (("result", f"{test}_mean"), ("low", f"{test}_low"), ("high", f"{test}_high"), ("seeds", "ok")):
        table[name] = rows[column]
    table["epoch_seconds"] = rows["effective_batch_size"].map(study.epoch_seconds)
    table["memory_bytes"] = rows["effective_batch_size"].map(_memory(study)).astype("Int64")
    table.insert(0, "study", study.name)
    return table


def octaves(table: pd.DataFrame) -> pd.Series:
    """Return the width of the range of η̃ that trains, [batch sizes]."""
    return np.log2(table["rate_high"] / table["rate_low"])


def _memory(study: StudyResults) -> dict[int, float]:
    """Return the measured peak memory of a process by batch size, of those of the grid, bytes."""
    if study.costs is None:
        return {}
    own = study.costs.measured
    own = own[own["purpose"].eq("grid") & own["dtype"].eq(study.recipe["dtype"])]
    peaks = dict(zip(own["batch_size"], own["memory_peak_bytes"], strict=True))
    if not study.grows:
        return peaks
    return {m: peaks.get(max(phase.batch_size for phase in study.tables.phases(m)), np.nan) for m in study.sizes}
