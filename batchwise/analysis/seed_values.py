"""The accuracies of cells by seed, of one study or several, and the choice among the cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.selection import DIGITS

CELL = ["effective_batch_size", "base_learning_rate"]


class Undecidable(Exception):
    """There is nothing to compare; the message says why."""


@dataclass(frozen=True)
class Accuracies:
    """Cells, with the accuracies of their runs as fractions.

    A run that diverged is a result: it counts with the accuracy of chance. One that ran out of memory or failed says
    nothing about training and is NaN.
    """

    data: str  # checksum of the data
    batch_size: np.ndarray  # [cells], m that was trained
    normalization_batch: np.ndarray  # [cells], m where the whole batch is normalised together
    base_learning_rate: np.ndarray  # [cells]
    validation: np.ndarray  # [cells, seeds], NaN without validation rows
    test: np.ndarray  # [cells, seeds]
    diverged: np.ndarray  # [cells], whether a run diverged

    @property
    def complete(self) -> np.ndarray:
        """Whether a cell can be chosen, [cells]: no run ran out of memory or failed, and there are validation rows."""
        return ~np.isnan(self.validation).any(axis=1)


def of_study(runs: pd.DataFrame, summary: dict[str, Any]) -> Accuracies:
    """Return the accuracies of a study, from runs.csv and summary.json; m above the number of rows counts once."""
    runs = runs.drop_duplicates([*CELL, "seed"]).sort_values([*CELL, "seed"])
    seeds = summary["grid"]["seeds"]
    diverged = (runs["status"] == "diverged").to_numpy().reshape(-1, seeds)
    cells = runs[CELL].to_numpy()[::seeds]
    batch_size = cells[:, 0].astype(int)
    k = min(summary["recipe"]["model"].get("normalization_batch", 0), summary["data"]["rows"]["train"])
    parts = summary["recipe"].get("accumulation", 1)  # each is normalised by itself
    has_validation = summary["data"]["rows"]["validation"] > 0

    def values(split: str) -> np.ndarray:
        measured = runs[f"{split}_accuracy"].to_numpy("float64", na_value=np.nan).reshape(-1, seeds)
        return np.where(diverged, summary["chance"], measured)

    return Accuracies(
        data=str(summary["provenance"]["data"]),
        batch_size=batch_size,
        normalization_batch=np.full_like(batch_size, k) if k else -(-batch_size // parts),
        base_learning_rate=cells[:, 1],
        validation=values("validation") if has_validation else np.full(diverged.shape, np.nan),
        test=values("test"),
        diverged=diverged.any(axis=1),
    )


def pool(studies: Sequence[Accuracies]) -> Accuracies:
    """Return the cells of several studies of the same data as one, with the seeds that all of them have.

    Raises Undecidable for studies of different data.
    """
    if len({study.data for study in studies}) > 1:
        raise Undecidable("the studies have different rows")
    seeds = min(study.test.shape[1] for study in studies)
    fields = ("batch_size", "normalization_batch", "base_learning_rate", "diverged")
    joined = {name: np.concatenate([getattr(study, name) for study in studies]) for name in fields}
    by_seed = {
        name: np.concatenate([getattr(study, name)[:, :seeds] for study in studies]) for name in ("validation", "test")
    }
    return Accuracies(studies[0].data, **joined, **by_seed)


def choose(study: Accuracies, among: np.ndarray) -> int:
    """Return the row of the cell with the highest mean validation accuracy `among` [cells], the first of equals.

    A cell with a diverged run comes after all without: as in selection.choose, but every group of cells has its best.
    Raises Undecidable if none of the cells is complete.
    """
    mean = study.validation.mean(axis=1).round(DIGITS)
    rank = np.where(among & study.complete, mean - study.diverged, -np.inf)
    if not np.isfinite(rank).any():
        raise Undecidable("no cell has the validation accuracy of every seed")
    return int(rank.argmax())
