"""Figures of what a batch size costs: results under three budgets, time and memory by m. Each draws on axes."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, DASHES, INK, MARKERS, SEQUENCE, VERMILION
from batchwise.report.number_format import size

BUDGETS = {"epochs": "equal epochs", "updates": "equal updates", "seconds": "equal seconds"}
WIDTH = 8.0  # inches
MEBIBYTE = 2**20


def budgets(table: pd.DataFrame, metric: Metric) -> str:
    """Return a metric on test rows at the rate that is best for each budget, for a few batch sizes, as SVG."""
    kinds = [kind for kind in BUDGETS if table["budget"].eq(kind).any()]
    looks = dict(enumerate(shown(sorted(table["batch_size"].unique()))))
    with style.drawing():
        figure, axes = style.panels(WIDTH, 3.3, columns=len(kinds), sharey=True)
        for ax, kind in zip(axes, kinds, strict=True):
            _budget(table[table["budget"].eq(kind)], looks, metric, ax)
            ax.set(xlabel=kind if kind != "seconds" else "seconds of updates", title=BUDGETS[kind])
        axes[0].set(ylabel=metric_format.heading(metric, "test"))
        figure.legend(*style.legend_entries(axes), loc="outside upper left", ncols=len(SEQUENCE))
        return style.svg(figure)


def shown(sizes: list[int]) -> list[int]:
    """Return as many batch sizes as a figure can tell apart: the smallest, the largest, and some between."""
    places = {round(step * (len(sizes) - 1) / (len(SEQUENCE) - 1)) for step in range(len(SEQUENCE))}
    return [sizes[place] for place in sorted(places)]


def _budget(table: pd.DataFrame, looks: dict[int, int], metric: Metric, ax: Axes) -> None:
    mean, lower, upper = (metric.column("test", bound) for bound in ("mean", "low", "high"))
    for look, m in looks.items():
        rows = table[table["batch_size"].eq(m)].dropna(subset=mean)
        low, high = (metric.scale * rows[bound] for bound in (lower, upper))
        ax.fill_between(rows["level"], low, high, color=SEQUENCE[look], alpha=0.13, linewidth=0)
        ax.plot(
            rows["level"],
            metric.scale * rows[mean],
            color=SEQUENCE[look],
            dashes=DASHES[look],
            marker=MARKERS[look],
            markersize=4,
            markevery=(look % 3, 4),
            linewidth=1.6,
            label=f"m = {size(m)}",
        )
    style.set_log(ax, "x")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    ax.minorticks_off()


def time_and_memory(measured: pd.DataFrame, fits: dict[str, Any], doubling: pd.DataFrame) -> str:
    """Return the time of an update and the peak memory by batch size, with their fits, as SVG."""
    with style.drawing():
        figure, (left, right) = style.panels(WIDTH, 3.4, columns=2)
        _time(measured, fits["time"], left)
        _memory(measured, fits["memory"], doubling, right)
        return style.svg(figure)


def _time(measured: pd.DataFrame, fit: dict[str, Any], ax: Axes) -> None:
    rows = measured.dropna(subset="step_seconds").sort_values("batch_size")
    micro = 1e6 * rows[["step_seconds", "step_seconds_lower", "step_seconds_upper"]].to_numpy()
    error = np.abs(micro[:, [1, 2]] - micro[:, [0]]).T
    look: dict[str, Any] = {"fmt": "o", "color": INK, "markersize": 4.5, "capsize": 3, "label": "median, quartiles"}
    ax.errorbar(rows["batch_size"], micro[:, 0], error, **look)
    if fit["overhead"]["value"] is not None and len(rows):
        x = np.geomspace(rows["batch_size"].min(), rows["batch_size"].max(), 60)
        line = 1e6 * (fit["overhead"]["value"] + fit["example"]["value"] * x)
        ax.plot(x, np.where(line > 0, line, np.nan), color=VERMILION, linestyle="--", label="fit a + b·m")
    _log_axes(ax, "time of an update (µs)")


def _memory(measured: pd.DataFrame, fit: dict[str, Any], doubling: pd.DataFrame, ax: Axes) -> None:
    rows = measured.dropna(subset="memory_peak_bytes")
    ax.plot(rows["batch_size"], rows["memory_peak_bytes"] / MEBIBYTE, "o", color=INK, markersize=4.5, label="grid")
    fits = doubling[doubling["status"].eq("fits")]
    if len(fits):
        ax.plot(
            fits["batch_size"], fits["memory_peak_bytes"] / MEBIBYTE, "s", color=BLUE, markersize=4, label="doubling"
        )
    ended = doubling.loc[doubling["status"].eq("out_of_memory"), "batch_size"]
    ended = ended[ended > fits["batch_size"].max()] if len(fits) else ended  # below, it was not for want of memory
    if len(ended):
        ax.axvline(ended.min(), color=VERMILION, linewidth=1.4, linestyle=":", label="out of memory")
    if fit["constant"]["value"] is not None and len(rows):
        x = np.geomspace(rows["batch_size"].min(), max([rows["batch_size"].max(), *fits["batch_size"]]), 60)
        line = (fit["constant"]["value"] + fit["row"]["value"] * x) / MEBIBYTE
        ax.plot(x, line, color=VERMILION, linestyle="--", label="fit c + d·m")
    _log_axes(ax, "peak memory (MiB)")
    if ax.get_xscale() == "log":
        ax.xaxis.set_major_locator(LogLocator(numticks=5))  # m comes to a million, and its labels to each other
    ax.set_yscale("linear")  # memory does not grow by a power of ten
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _log_axes(ax: Axes, label: str) -> None:
    style.set_log(ax, "x", "y")
    ax.set(xlabel="batch size m (rows)", ylabel=label)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    ax.legend(loc="best")
