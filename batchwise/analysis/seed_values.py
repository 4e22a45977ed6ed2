"""The metric of cells by seed, of one study or several, and the choice among the cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.selection import DIGITS
from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric

CELL = ["effective_batch_size", "base_learning_rate"]


class Undecidable(Exception):
    """There is nothing to compare. `reason` is a key of report/sentences/comparisons.py, `numbers` are for that."""

    def __init__(self, reason: str, **numbers: Any) -> None:
        super().__init__(reason, numbers)
        self.reason, self.numbers = reason, numbers


@dataclass(frozen=True)
class SeedValues:
    """Cells, with the values of the study's metric in each of their runs.

    A run that diverged is a result: it counts with the baseline. One that ran out of memory or failed, or is missing,
    says nothing about training and is NaN.
    """

    data: str  # checksum of the data
    metric: Metric
    statistic: str  # what the result of a run is
    effective_batch_size: np.ndarray  # [cells], m that was trained
    normalization_batch: np.ndarray  # [cells], m where the whole batch is normalised together
    base_learning_rate: np.ndarray  # [cells]
    validation: np.ndarray  # [cells, seeds], NaN without validation rows
    test: np.ndarray  # [cells, seeds]
    diverged: np.ndarray  # [cells], whether a run diverged

    @property
    def complete(self) -> np.ndarray:
        """Whether a cell can be chosen, [cells]: no run ran out of memory or failed, and there are validation rows."""
        return ~np.isnan(self.validation).any(axis=1)


def of_study(tables: Tables) -> SeedValues:
    """Return the values of a study, by seed; m above the number of rows counts once."""
    summary, metric, seeds = tables.summary, tables.metric, tables.seeds
    runs = tables.runs.drop_duplicates([*CELL, "seed"])

    grid = pd.MultiIndex.from_product([sorted(runs[name].unique()) for name in CELL], names=CELL)

    def by_seed(column: str) -> pd.DataFrame:
        return runs.pivot(index=CELL, columns="seed", values=column).reindex(index=grid, columns=range(seeds))

    diverged = by_seed("status").eq("diverged").to_numpy()
    cells = grid.to_frame().to_numpy(float)
    batch_size = cells[:, 0].astype(int)
    k = min(summary["recipe"]["model"].get("normalization_batch", 0), summary["data"]["rows"]["train"])
    parts = summary["recipe"].get("accumulation", 1)  # each is normalised by itself
    has_validation = summary["data"]["rows"]["validation"] > 0

    def values(split: str) -> np.ndarray:
        measured = by_seed(metric.column(split)).to_numpy("float64", na_value=np.nan)
        return np.where(diverged, metric.baseline, measured)

    return SeedValues(
        data=str(summary["provenance"]["data"]),
        metric=metric,
        statistic=tables.statistic,
        effective_batch_size=batch_size,
        normalization_batch=np.full_like(batch_size, k) if k else -(-batch_size // parts),
        base_learning_rate=cells[:, 1],
        validation=values("validation") if has_validation else np.full(diverged.shape, np.nan),
        test=values("test"),
        diverged=diverged.any(axis=1),
    )


def pool(studies: Sequence[SeedValues]) -> SeedValues:
    """Return the cells of several studies of the same data as one, with the seeds that all of them have.

    Raises Undecidable for studies of different data, metrics or statistics.
    """
    if len({study.data for study in studies}) > 1:
        raise Undecidable("different_rows")
    if len({study.metric.name for study in studies}) > 1:
        raise Undecidable("different_metrics")
    if len({study.statistic for study in studies}) > 1:
        raise Undecidable("different_statistics")
    seeds = min(study.test.shape[1] for study in studies)
    fields = ("effective_batch_size", "normalization_batch", "base_learning_rate", "diverged")
    joined = {name: np.concatenate([getattr(study, name) for study in studies]) for name in fields}
    by_seed = {
        name: np.concatenate([getattr(study, name)[:, :seeds] for study in studies]) for name in ("validation", "test")
    }
    return SeedValues(studies[0].data, studies[0].metric, studies[0].statistic, **joined, **by_seed)


def choose(study: SeedValues, among: np.ndarray) -> int:
    """Return the row of the cell with the best mean on validation rows `among` [cells], the first of equals.

    A cell with a diverged run comes after all without: as in selection.choose, but every group of cells has its best.
    Raises Undecidable if none of the cells is complete.
    """
    candidates = among & study.complete
    if not candidates.any():
        raise Undecidable("no_complete_cell", metric=study.metric.title)
    whole = candidates & ~study.diverged
    score = study.metric.sign * study.validation.mean(axis=1).round(DIGITS)
    return int(np.where(whole if whole.any() else candidates, score, -np.inf).argmax())
