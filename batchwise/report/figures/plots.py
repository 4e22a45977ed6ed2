"""Figures over batch sizes and epochs: each draws a table on axes, and fractions of the tables as percent."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchwise.report.figures.style import DASHES, INK, MARKERS, SEQUENCE, SOFT, VERMILION
from batchwise.report.number_format import number, rate, size

MOST_TICKS = 16


def accuracy(batch_sizes: pd.DataFrame, runs: pd.DataFrame, ax: Axes) -> None:
    """Draw test accuracy at the chosen rate of each m: the mean with its interval, and a dot for every seed.

    `runs` are those of the chosen cells.
    """
    places = dict(zip(batch_sizes["batch_size"], range(len(batch_sizes)), strict=True))
    seeds = runs["seed"].to_numpy()
    spread = 0.36 * (seeds - seeds.max() / 2) / max(seeds.max(), 1) if len(seeds) else 0
    ax.plot(
        runs["batch_size"].map(places) + spread,
        100 * runs["test_accuracy"],
        "o",
        color="#6c8fb3",
        markersize=4,
        markeredgewidth=0,
        label="one seed",
    )
    _intervals(batch_sizes, "test_accuracy", ax, label="mean, 95 % interval")
    _size_axis(batch_sizes, ax)
    ax.set(ylabel="test accuracy (%)")
    # An interval over few seeds may leave what an accuracy can be.
    ax.set_ylim(max(ax.get_ylim()[0], -1), min(ax.get_ylim()[1], 101))


def difference(batch_sizes: pd.DataFrame, ax: Axes) -> None:
    """Draw the paired difference of each m from the reference, in points; hollow where its interval includes 0."""
    ax.axhline(0, color=SOFT, linewidth=1)
    apart = (batch_sizes["difference_low"] > 0) | (batch_sizes["difference_high"] < 0)
    _intervals(batch_sizes[~apart], "difference", ax, label="cannot be told apart", markerfacecolor="white")
    _intervals(batch_sizes[apart], "difference", ax, label="interval excludes 0", color=VERMILION, marker="D")
    _size_axis(batch_sizes, ax)
    ax.set(ylabel="difference (points)")


def _intervals(table: pd.DataFrame, quantity: str, ax: Axes, **look: object) -> None:
    mean, low, high = (100 * table[f"{quantity}_{bound}"] for bound in ("mean", "low", "high"))
    error = np.nan_to_num([mean - low, high - mean])  # a single seed has no interval
    look = {"color": INK, "marker": "o", "markersize": 5.5, "capsize": 4, "elinewidth": 1.5, "linestyle": "none"} | look
    if len(table):
        ax.errorbar(table.index, mean, error, **look)


def _size_axis(batch_sizes: pd.DataFrame, ax: Axes) -> None:
    """Label the rows of the table along x, evenly spaced, as most grids double from one batch size to the next."""
    places = range(0, len(batch_sizes), _every(len(batch_sizes), MOST_TICKS))
    ax.set_xticks(places, [_size_label(batch_sizes.iloc[place]) for place in places])
    ax.set_xlim(-0.6, len(batch_sizes) - 0.4)
    ax.grid(False, axis="x")
    ax.set(xlabel="batch size m (rows)")


def _size_label(row: pd.Series) -> str:
    effective = row["effective_batch_size"]
    return size(row["batch_size"]) + (f"\n(= {size(effective)})" if row["batch_size"] != effective else "")


def _every(length: int, most: int) -> int:
    return -(-length // most)


def reliable_range(batch_sizes: pd.DataFrame, rates: list[float], ax: Axes) -> None:
    """Draw, for each m, the base learning rates that train reliably within 5, 2 and 1 points: wide to narrow bars.

    `rates` are those of the grid.
    """
    for margin, colour, width in ((5, "#b8d4e8", 15), (2, "#4a8fbf", 9), (1, "#0a2f51", 4)):
        rows = batch_sizes.dropna(subset=f"reliable_{margin}_high")
        low, high = rows[f"reliable_{margin}_low"], rows[f"reliable_{margin}_high"]
        # Half a step of the grid beyond each end, so that a range of a single rate can be seen.
        half = np.sqrt(rates[1] / rates[0]) if len(rates) > 1 else 1.2
        ax.vlines(rows.index, low / half, high * half, color=colour, linewidth=width, label=f"within {margin} points")
    ax.set_yscale("log", base=2)
    shown = rates[:: _every(len(rates), MOST_TICKS)]
    ax.set_yticks(shown, [rate(value) for value in shown])
    ax.yaxis.minorticks_off()
    ax.set_ylim(rates[0] / 1.6, rates[-1] * 1.6)
    _size_axis(batch_sizes, ax)
    ax.set(ylabel="base learning rate η̃")


def upper_edge(batch_sizes: pd.DataFrame, margin: int, slope: float, highest: float, ax: Axes) -> None:
    """Draw the line of this slope (log₂ η̃ on log₂ m) through the upper edges below the highest rate of the grid."""
    rows = batch_sizes.drop_duplicates("effective_batch_size").dropna(subset=f"reliable_{margin}_high")
    rows = rows[rows[f"reliable_{margin}_high"] < highest]
    x = np.log2(rows["effective_batch_size"])
    y = np.log2(rows[f"reliable_{margin}_high"])
    line = 2 ** (y.mean() + slope * (x - x.mean()))
    ax.plot(
        rows.index,
        line,
        color=VERMILION,
        linestyle="--",
        linewidth=1.6,
        label=f"upper edge within {margin} points: slope {number(slope)}",
    )


def learning_curves(curves: pd.DataFrame, quantity: str, ax: Axes) -> None:
    """Draw a column of the curves by epoch for each m: mean over the seeds, shaded from the lowest to the highest."""
    for index, (batch_size, runs) in enumerate(curves.groupby("batch_size")):
        look = index % len(SEQUENCE)
        epochs = runs.groupby("epoch")[quantity].agg(["mean", "min", "max"]) * (100 if "accuracy" in quantity else 1)
        ax.fill_between(epochs.index, epochs["min"], epochs["max"], color=SEQUENCE[look], alpha=0.15, linewidth=0)
        ax.plot(
            epochs.index,
            epochs["mean"],
            color=SEQUENCE[look],
            dashes=DASHES[look],
            marker=MARKERS[look],
            markersize=4,
            markevery=(len(epochs) // 12 * index // 5, max(len(epochs) // 6, 1)),
            linewidth=1.7,
            label=f"m = {size(batch_size)}",
        )
    ax.set(xlabel="epoch", xlim=(0, None))
