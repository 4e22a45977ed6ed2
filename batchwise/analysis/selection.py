"""Which cell to use and which cells train reliably: decided on training and validation rows, never on test rows.

`cells` is the table of tables.cell_table: sorted by batch size and base learning rate, every rate at every batch size.
"""

import numpy as np
import pandas as pd

MARGINS = (1, 2, 5)  # Δ, points of validation accuracy (SCIENCE.md, section 3, reliable range)
MARGIN = 2  # Δ of the range named in the answer, points; the report shows 1 and 5 beside it
# δ, as a fraction: a run whose training accuracy is not above chance by more than this has not trained (SCIENCE.md,
# section 3, run status)
ABOVE_CHANCE = 0.05
# Means that differ by less are equal: it is what the order of a sum changes.
DIGITS = 12


def chance(class_counts: list[int]) -> float:
    """Return the share of the largest class: the accuracy of always answering it, as a fraction."""
    return max(class_counts) / sum(class_counts)


def ranks(cells: pd.DataFrame, candidates: np.ndarray) -> np.ndarray:
    """Return [cells]: 0 for the best of the candidates, then 1, 2, …; the number of cells for the others.

    The best has the highest mean validation accuracy; ties go to the lower mean validation loss, then to the smaller m,
    then to the lower η̃. Without validation rows there are no candidates.
    """
    accuracy = cells["validation_accuracy_mean"].to_numpy(float).round(DIGITS)
    loss = cells["validation_loss_mean"].to_numpy(float)
    candidates = candidates & ~np.isnan(accuracy)
    keys = (cells["base_learning_rate"], cells["batch_size"], loss, -accuracy, ~candidates)
    rank = np.empty(len(cells), int)
    rank[np.lexsort(keys)] = np.arange(len(cells))
    return np.where(candidates, rank, len(cells))


def choose(cells: pd.DataFrame, rates: int) -> np.ndarray:
    """Return [batch sizes]: the row in `cells` of the chosen rate of each m, −1 where there is none.

    Chosen is the best-ranked cell of those whose runs all ended ok. A single rate leaves no choice: it is taken.
    """
    if rates == 1:
        return np.arange(len(cells))
    rank = ranks(cells, all_ok(cells)).reshape(-1, rates)
    rows = rank.argmin(axis=1) + np.arange(0, len(cells), rates)
    return np.where(rank.min(axis=1) < len(cells), rows, -1)


def best(cells: pd.DataFrame, chosen: np.ndarray) -> int | None:
    """Return the row in `cells` of the best-ranked chosen cell whose runs all ended ok; None where there is none."""
    candidates = np.isin(np.arange(len(cells)), chosen) & all_ok(cells)
    rank = ranks(cells, candidates)
    return int(rank.argmin()) if rank.min() < len(cells) else None


def all_ok(cells: pd.DataFrame) -> np.ndarray:
    """Return [cells]: whether every run of the cell ended ok."""
    return (cells["ok"] == cells["runs"]).to_numpy()


def reliable(cells: pd.DataFrame, margin: int) -> np.ndarray:
    """Return [cells]: whether every seed trained and mean validation accuracy is within `margin` points of the best.

    The best is that of all cells of the study in which every seed trained. Own criterion for what Masters & Luschi
    2018, figure 16, show without one. It needs validation rows.
    """
    accuracy = cells["validation_accuracy_mean"].to_numpy(float)
    trained = (cells["trained"] == cells["runs"]).to_numpy()
    behind = np.max(accuracy, where=trained, initial=-np.inf) - accuracy
    return trained & (behind.round(DIGITS) <= margin / 100)


def reliable_range(cells: pd.DataFrame, rates: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest reliable η̃ of each m, [batch sizes] each; NaN where no rate is reliable.

    Between the two every rate of the grid is reliable, and the best-ranked reliable rate of the m is among them.
    """
    within = cells[f"reliable_{margin}"].fillna(False).to_numpy(bool)
    centre = ranks(cells, within).reshape(-1, rates).argmin(axis=1, keepdims=True)
    within = within.reshape(-1, rates)
    gaps = np.cumsum(~within, axis=1)  # equal at two reliable rates if every rate between them is reliable
    stretch = within & (gaps == np.take_along_axis(gaps, centre, axis=1))
    base = cells["base_learning_rate"].to_numpy().reshape(-1, rates)
    low = np.where(stretch, base, np.inf).min(axis=1)
    high = np.where(stretch, base, -np.inf).max(axis=1)
    return np.where(stretch.any(axis=1), (low, high), np.nan)
