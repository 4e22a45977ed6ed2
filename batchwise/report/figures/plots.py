"""Figures over batch sizes and epochs: each draws a table on axes, and values of a metric as people read them."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchwise.analysis.selection import reliable_column
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.figures.style import DASHES, INK, MARKERS, SEQUENCE, SOFT, VERMILION, set_log
from batchwise.report.number_format import number, rate, size

MOST_TICKS = 16


def by_batch_size(batch_sizes: pd.DataFrame, runs: pd.DataFrame, metric: Metric, ax: Axes) -> None:
    """Draw a metric on test rows at the chosen rate of each m: the mean with its interval, and a dot for every seed.

    `runs` are those of the chosen cells.
    """
    places = dict(zip(batch_sizes["batch_size"], range(len(batch_sizes)), strict=True))
    seeds = runs["seed"].rank(method="dense").to_numpy()
    spread = 0.36 * (seeds - (seeds.max() + 1) / 2) / max(seeds.max() - 1, 1) if len(seeds) else 0
    ax.plot(
        runs["batch_size"].map(places) + spread,
        metric.scale * runs[metric.column("test")],
        "o",
        color="#6c8fb3",
        markersize=4,
        markeredgewidth=0,
        label="one seed",
    )
    _intervals(batch_sizes, metric.column("test"), metric.scale, ax, label="mean, 95 % interval")
    _size_axis(batch_sizes, ax)
    ax.set(ylabel=metric_format.heading(metric, "test"))
    # An interval over few seeds may leave what a value can be.
    low, high = (metric.clip(end / metric.scale) for end in ax.get_ylim())
    beyond = 0.01 * (high - low)
    ax.set_ylim(metric.scale * (low - beyond), metric.scale * (high + beyond))


def difference(batch_sizes: pd.DataFrame, metric: Metric, ax: Axes) -> None:
    """Draw the paired difference of each m from the reference; hollow where its interval includes 0.

    The intervals are those that hold together.
    """
    ax.axhline(0, color=SOFT, linewidth=1)
    together = {f"together_{end}": batch_sizes[f"difference_together_{end}"] for end in ("low", "high")}
    shown = batch_sizes.assign(together_mean=batch_sizes["difference_mean"], **together)
    apart = (shown["together_low"] > 0) | (shown["together_high"] < 0)
    alike = {"label": "cannot be told apart", "markerfacecolor": "white"}
    _intervals(shown[~apart], "together", metric.scale, ax, **alike)
    _intervals(shown[apart], "together", metric.scale, ax, label="interval excludes 0", color=VERMILION, marker="D")
    _size_axis(batch_sizes, ax)
    ax.set(ylabel=f"difference ({metric.differences})")


def _intervals(table: pd.DataFrame, quantity: str, scale: float, ax: Axes, **look: Any) -> None:
    mean, low, high = (scale * table[f"{quantity}_{bound}"] for bound in ("mean", "low", "high"))
    error = np.nan_to_num([mean - low, high - mean]).clip(0)  # a single seed has no interval
    look = {"color": INK, "marker": "o", "linestyle": "none", **look}
    if len(table):
        ax.errorbar(table.index, mean, error, markersize=5.5, capsize=4, elinewidth=1.5, **look)


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


def reliable_range(batch_sizes: pd.DataFrame, metric: Metric, rates: list[float], ax: Axes) -> None:
    """Draw, for each m, the base learning rates that train reliably within each margin: wide to narrow bars.

    `rates` are those of the grid; without any, or without m, nothing is drawn.
    """
    if not rates or batch_sizes.empty:
        return
    looks = (("#b8d4e8", 15), ("#4a8fbf", 9), ("#0a2f51", 4))
    for margin, (colour, width) in zip(reversed(metric.margins), looks, strict=True):
        rows = batch_sizes.dropna(subset=reliable_column(margin, "high"))
        low, high = (rows[reliable_column(margin, end)] for end in ("low", "high"))
        # Half a step of the grid beyond each end, so that a range of a single rate can be seen.
        half = np.sqrt(rates[1] / rates[0]) if len(rates) > 1 else 1.2
        label = f"within {metric_format.margin(metric, margin)}"
        ax.vlines(rows.index, low / half, high * half, color=colour, linewidth=width, label=label)
    set_log(ax, "y", base=2)
    shown = rates[:: _every(len(rates), MOST_TICKS)]
    ax.set_yticks(shown, [rate(value) for value in shown])
    ax.yaxis.minorticks_off()
    ax.set_ylim(rates[0] / 1.6, rates[-1] * 1.6)
    _size_axis(batch_sizes, ax)
    ax.set(ylabel="base learning rate η̃")


def upper_edge(batch_sizes: pd.DataFrame, metric: Metric, slope: float, highest: float, ax: Axes) -> None:
    """Draw the line of this slope (log₂ η̃ on log₂ m) through the upper edges below the highest rate of the grid."""
    edge = reliable_column(metric.margin, "high")
    rows = batch_sizes.drop_duplicates("effective_batch_size").dropna(subset=edge)
    rows = rows[rows[edge] < highest]
    x = np.log2(rows["effective_batch_size"])
    y = np.log2(rows[edge])
    line = 2 ** (y.mean() + slope * (x - x.mean()))
    ax.plot(
        rows.index,
        line,
        color=VERMILION,
        linestyle="--",
        linewidth=1.6,
        label=f"upper edge within {metric_format.margin(metric, metric.margin)}: slope {number(slope)}",
    )


def learning_curves(curves: pd.DataFrame, metric: Metric, split: str, ax: Axes) -> None:
    """Draw a metric on a split by epoch for each m: mean over the seeds, shaded from the lowest to the highest."""
    for index, (batch_size, runs) in enumerate(curves.groupby("batch_size")):
        look = index % len(SEQUENCE)
        epochs = metric.scale * runs.groupby("epoch")[metric.column(split)].agg(["mean", "min", "max"])
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
