"""The picture of a study on the index page: quality, time, memory and learning rates, each against the batch size."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchwise.data.metric import Metric
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, INK, SOFT, VERMILION
from batchwise.report.number_format import rate, seconds, size

WIDTH, PANEL, REST = 2.75, 0.82, 0.55  # inches: a column of the page, which a phone shows larger
MEGABYTE = 1e6
NOT_MEASURED, NO_RANGE = "not measured", "one learning rate, or none trains"
Draw = Callable[[pd.DataFrame, Axes], None]


def study(name: str, table: pd.DataFrame, metric: Metric, most: int, rate_step: float) -> str:
    """Return the four panels of a study as SVG, over batch sizes from 1 to `most`, the same of all studies.

    `table` is of overview.by_batch_size. `rate_step` is the step of the grid of η̃, a factor.
    """
    panels: dict[str, Draw] = {
        f"{metric.title} beside the reference ({metric.differences})": lambda rows, ax: quality(rows, metric, ax),
        "time of an epoch": time,
        "memory of a process (MB)": memory,
        "base learning rates η̃ that train": lambda rows, ax: rates(rows, rate_step, ax),
    }
    with style.drawing():
        figure, axes = style.panels(WIDTH, PANEL * len(panels) + REST, rows=len(panels))
        for (title, draw), ax in zip(panels.items(), axes, strict=True):
            draw(table, ax)
            ax.set_title(title, fontsize=7.5, fontweight="normal", pad=3)
            ax.tick_params(labelsize=7)
            _size_axis(most, ax, labelled=ax is axes[-1])
        figure.suptitle(name, x=0.01, ha="left", fontsize=9, fontweight="bold")
        return style.svg(figure)


def quality(table: pd.DataFrame, metric: Metric, ax: Axes) -> None:
    """Draw how much better each m is than the reference, with its interval, and what does not matter in grey."""
    known = table.dropna(subset="gain")
    if known.empty:
        _say(NOT_MEASURED, ax)
        return
    ax.axhspan(-metric.least_margin, metric.least_margin, color=SOFT, alpha=0.18, linewidth=0)
    worse = known["gain_high"] < -metric.least_margin
    for rows, colour, marker in ((known[~worse], INK, "o"), (known[worse], VERMILION, "D")):
        errors = np.nan_to_num([rows["gain"] - rows["gain_low"], rows["gain_high"] - rows["gain"]]).clip(0)
        look: dict[str, Any] = {"color": colour, "markersize": 3.5, "elinewidth": 1.3}
        ax.errorbar(_places(rows), rows["gain"], errors, fmt=marker, **look)


def time(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the measured time of an epoch, on a logarithmic scale."""
    rows = table[table["epoch_seconds"] > 0]
    if rows.empty:
        _say(NOT_MEASURED, ax)
        return
    ax.plot(_places(rows), np.log2(rows["epoch_seconds"]), "o-", color=BLUE, markersize=3.5, linewidth=1.2)
    _name_ends(rows["epoch_seconds"], ax, seconds)


def memory(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the measured peak memory, from 0 on."""
    rows = table.dropna(subset="memory_bytes")
    if rows.empty:
        _say(NOT_MEASURED, ax)
        return
    megabytes = rows["memory_bytes"] / MEGABYTE
    ax.plot(_places(rows), megabytes, "o-", color=BLUE, markersize=3.5, linewidth=1.2)
    ax.set_ylim(0, 1.25 * max(megabytes.max(), 1))


def rates(table: pd.DataFrame, step: float, ax: Axes) -> None:
    """Draw the range of η̃ that trains as a bar; it reaches half a step of the grid beyond each end."""
    rows = table.dropna(subset=["rate_low", "rate_high"])
    if rows.empty:
        _say(NO_RANGE, ax)
        return
    half = np.log2(step) / 2
    low, high = np.log2(rows["rate_low"]) - half, np.log2(rows["rate_high"]) + half
    ax.vlines(_places(rows), low, high, color="#4a8fbf", linewidth=5)
    _name_ends(pd.concat([rows["rate_low"], rows["rate_high"]]), ax, rate)


def _places(rows: pd.DataFrame) -> pd.Series:
    return np.log2(rows["batch_size"])


def _say(text: str, ax: Axes) -> None:
    ax.text(0.5, 0.5, text, ha="center", va="center", color=SOFT, fontsize=7.5, transform=ax.transAxes)
    ax.set_yticks([])


def _name_ends(values: pd.Series, ax: Axes, write: Callable[[float], str]) -> None:
    """Label the least and the largest value alone, along an axis of logarithms."""
    ends = sorted({values.min(), values.max()})
    ax.set_yticks(np.log2(ends), [write(value) for value in ends])
    ax.margins(y=0.15)


def _size_axis(most: int, ax: Axes, *, labelled: bool) -> None:
    """Make x the axis of log₂ m, with the powers of four, which are named below the last panel alone."""
    ticks = [power for power in range(0, 60, 2) if 2**power <= most]
    ax.set_xticks(ticks, [size(2**power) for power in ticks] if labelled else [])
    ax.set_xlim(-0.5, np.log2(most) + 0.5)
    if labelled:
        ax.set_xlabel("batch size m (rows)", fontsize=7.5)
