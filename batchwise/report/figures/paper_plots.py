"""Figures of the paper, drawn of our studies on given axes: accuracies as percent, m on a log₂ axis."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes

from batchwise.analysis.seed_values import SeedValues, choose
from batchwise.report.figures.style import DASHES, MARKERS, set_log
from batchwise.report.number_format import rate, size
from batchwise.statistics.intervals import Interval, mean_interval

# Points below the best at which a figure of accuracies ends, lest one line that does not train flatten all others.
DEPTH = 30


def looks(number: int) -> list[dict[str, Any]]:
    """Return the looks of an ordered family of lines: dark to light, and dashes and markers that differ between two."""
    # To 0.8: beyond, plasma is too light for white paper.
    colours = seaborn.color_palette("plasma", as_cmap=True)(np.linspace(0, 0.8, number))
    return [
        {
            "color": tuple(colour),
            "dashes": DASHES[index % len(DASHES)],
            "marker": MARKERS[index * 2 % len(MARKERS)],
        }
        for index, colour in enumerate(colours)
    ]


def by_rate(study: SeedValues, ax: Axes) -> None:
    """Draw test accuracy against m with a line for each η̃, every seed counted."""
    rates = np.unique(study.base_learning_rate)
    interval = mean_interval(study.test)
    for look, base in zip(looks(len(rates)), rates, strict=True):
        cells = study.base_learning_rate == base
        _line(study.effective_batch_size[cells], _rows(interval, cells), ax, label=rate(base), **look)
    _frame(interval.mean, ax)
    size_axis(np.unique(study.effective_batch_size), ax)


def by_normalization_batch(study: SeedValues, ax: Axes) -> None:
    """Draw the best test accuracy against the normalisation batch k with a line for each m."""
    sizes = np.unique(study.effective_batch_size)
    for look, m in zip(looks(len(sizes)), sizes, strict=True):
        at = study.effective_batch_size == m
        _best(study, study.normalization_batch, at, ax, label=f"m = {size(int(m))}", **look)
    size_axis(np.unique(study.normalization_batch), ax)
    ax.set(xlabel="normalisation batch k (rows)")


def best(studies: dict[str, SeedValues], ax: Axes) -> None:
    """Draw the best test accuracy against m with a line for each of the named studies."""
    for look, (name, study) in zip(looks(len(studies)), studies.items(), strict=True):
        _best(study, study.effective_batch_size, np.ones(len(study.effective_batch_size), bool), ax, label=name, **look)
    size_axis(np.unique(np.concatenate([study.effective_batch_size for study in studies.values()])), ax)


def curves(table: pd.DataFrame, quantity: str, ax: Axes, scale: float = 1) -> None:
    """Draw `scale` times a column of curves.csv by epoch with a line for each m: the mean over the seeds."""
    groups = table.groupby("batch_size")
    for look, (m, runs) in zip(looks(len(groups)), groups, strict=True):
        mean = scale * runs.groupby("epoch")[quantity].mean()
        every = max(len(mean) // 6, 1)
        ax.plot(mean.index, mean, **look, markersize=4, markevery=every, linewidth=1.4, label=f"m = {size(m)}")
    ax.set(xlabel="epoch", xlim=(0, None))


def size_axis(sizes: np.ndarray, ax: Axes) -> None:
    """Label these batch sizes along a log₂ axis, every other one where they are many."""
    set_log(ax, "x", base=2)
    shown = [int(m) for m in sizes[:: 1 if len(sizes) <= 12 else 2]]
    ax.set_xticks(shown, [size(m) for m in shown])
    ax.minorticks_off()
    ax.grid(False, axis="x")
    ax.set(xlabel="batch size m (rows)")


def _best(study: SeedValues, sizes: np.ndarray, among: np.ndarray, ax: Axes, **look: Any) -> None:
    """Draw the accuracy of the cell that validation chooses at each of `sizes` [cells]."""
    among = among & study.complete
    steps = np.unique(sizes[among])
    rows = [choose(study, among & (sizes == step)) for step in steps]
    _line(steps, mean_interval(study.test[rows]), ax, **look)


def _line(x: np.ndarray, interval: Interval, ax: Axes, label: str, **look: Any) -> None:
    mean, low, high = (100 * values for values in (interval.mean, interval.low, interval.high))
    low, high = np.maximum(low, 0), np.minimum(high, 100)
    ax.vlines(x, np.nan_to_num(low, nan=0), high, color=look["color"], linewidth=0.9, alpha=0.45)
    ax.plot(x, mean, **look, markersize=4.5, linewidth=1.4, label=label)


def _rows(interval: Interval, rows: np.ndarray) -> Interval:
    return Interval(*(values[rows] for values in interval))


def _frame(mean: np.ndarray, ax: Axes) -> None:
    """End the axis above the best and, where accuracies go far down, `DEPTH` points below it."""
    if np.isnan(mean).all():
        return
    top, bottom = 100 * np.nanmax(mean), 100 * np.nanmin(mean)
    low = max(bottom, top - DEPTH)
    room = 0.06 * max(top - low, 1)
    ax.set_ylim(low - room, top + room)
