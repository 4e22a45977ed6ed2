"""Which cell to use and which cells train reliably: decided on training and validation rows, never on test rows.

`cells` is the table of tabulate.cell_table: sorted by batch size and base learning rate, every rate at every batch
size. `metrics` are those of the task; the first of them chooses.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchwise.data.metric import Metric

# Means that differ by less are equal: it is what the order of a sum changes.
DIGITS = 12


def ranks(cells: pd.DataFrame, candidates: np.ndarray, metrics: Sequence[Metric]) -> np.ndarray:
    """Return [cells]: 0 for the best of the candidates, then 1, 2, …; the number of cells for the others.

    The best has the best mean of the metric on validation rows; ties go to the better mean of the other metrics, then
    to the smaller m, then to the lower η̃. Without validation rows there are no candidates.
    """
    first, *others = (_scores(cells, metric) for metric in metrics)
    candidates = candidates & ~np.isnan(first)
    ties = [-score for score in reversed(others)]
    keys = (cells["base_learning_rate"], cells["batch_size"], *ties, -first, ~candidates)
    rank = np.empty(len(cells), int)
    rank[np.lexsort(keys)] = np.arange(len(cells))
    return np.where(candidates, rank, len(cells))


def _scores(cells: pd.DataFrame, metric: Metric) -> np.ndarray:
    """Return the mean on validation rows, with the sign that makes the highest the best, [cells]."""
    return metric.sign * cells[metric.column("validation", "mean")].to_numpy(float).round(DIGITS)


def choose(cells: pd.DataFrame, rates: int, metrics: Sequence[Metric]) -> np.ndarray:
    """Return [batch sizes]: the row in `cells` of the chosen rate of each m, −1 where there is none.

    Chosen is the best-ranked cell of those whose runs all ended ok. A single rate leaves no choice: it is taken.
    """
    if rates == 1:
        return np.arange(len(cells))
    rank = ranks(cells, all_ok(cells), metrics).reshape(-1, rates)
    rows = rank.argmin(axis=1) + np.arange(0, len(cells), rates)
    return np.where(rank.min(axis=1) < len(cells), rows, -1)


def best(cells: pd.DataFrame, chosen: np.ndarray, metrics: Sequence[Metric]) -> int | None:
    """Return the row in `cells` of the best-ranked chosen cell whose runs all ended ok; None where there is none."""
    candidates = np.isin(np.arange(len(cells)), chosen) & all_ok(cells)
    rank = ranks(cells, candidates, metrics)
    return int(rank.argmin()) if rank.min() < len(cells) else None


def all_ok(cells: pd.DataFrame) -> np.ndarray:
    """Return [cells]: whether every run of the cell ended ok."""
    return (cells["ok"] == cells["runs"]).to_numpy()


def trained(runs: pd.DataFrame, metric: Metric) -> pd.Series:
    """Return whether each run is better on training rows than the best constant answer, by more than noise is."""
    ahead = metric.sign * (runs[metric.column("train")] - metric.baseline)
    return ahead.round(DIGITS) > metric.learned


def reliable(cells: pd.DataFrame, margin: float, metric: Metric) -> np.ndarray:
    """Return [cells]: whether every seed trained and the mean on validation rows is within `margin` of the best.

    The best is that of all cells of the study in which every seed trained. Own criterion for what Masters & Luschi
    2018, figure 16, show without one. It needs validation rows.
    """
    score = metric.sign * cells[metric.column("validation", "mean")].to_numpy(float)
    every = (cells["trained"] == cells["runs"]).to_numpy()
    behind = np.max(score, where=every, initial=-np.inf) - score
    return every & (behind.round(DIGITS) <= margin / metric.scale)


def reliable_range(
    cells: pd.DataFrame, rates: int, margin: float, metrics: Sequence[Metric]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest reliable η̃ of each m, [batch sizes] each; NaN where no rate is reliable.

    Between the two every rate of the grid is reliable, and the best-ranked reliable rate of the m is among them.
    """
    within = cells[reliable_column(margin)].fillna(False).to_numpy(bool)
    centre = ranks(cells, within, metrics).reshape(-1, rates).argmin(axis=1, keepdims=True)
    within = within.reshape(-1, rates)
    gaps = np.cumsum(~within, axis=1)  # equal at two reliable rates if every rate between them is reliable
    stretch = within & (gaps == np.take_along_axis(gaps, centre, axis=1))
    base = cells["base_learning_rate"].to_numpy().reshape(-1, rates)
    low = np.where(stretch, base, np.inf).min(axis=1)
    high = np.where(stretch, base, -np.inf).max(axis=1)
    some = stretch.any(axis=1)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def reliable_column(margin: float, *ending: str) -> str:
    """Return the name of a column of the reliable range: `reliable_2`, `reliable_2_high`."""
    return "_".join((f"reliable_{margin:g}", *ending))
