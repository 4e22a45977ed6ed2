"""The heat map of a study, batch size × base learning rate."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from batchwise.data.metric import Metric
from batchwise.report.figures.style import VERMILION
from batchwise.report.number_format import number, rate, shortest, size

# Where the colour changes, beyond the margins of the reliable range, in widest margins behind the best cell
BEYOND = (2, 4, 8, 20)
MOST_LABELLED_CELLS = 400
MOST_VECTOR_CELLS = 600  # beyond, the coloured cells are one image inside the SVG
MOST_TICKS = 26
MOST_DIGITS = 4  # in a cell
SHORT = {"diverged": "div.", "out_of_memory": "mem.", "failed": "fail."}


def steps(metric: Metric) -> list[float]:
    """Return how far behind the best cell the colour changes: finer near it, where the choice is made."""
    return [0, *metric.margins, *(times * metric.margins[-1] for times in BEYOND)]


def heat_map(cells: pd.DataFrame, metric: Metric, ax: Axes) -> None:
    """Draw the mean on test rows, m × η̃: colour is the distance to the best, hatching marks cells that lost a run.

    Cells hold their value and how many runs were lost, unless there are too many cells. Needs a column `chosen`,
    true for the cells to outline.
    """
    grid = cells.pivot(index="batch_size", columns="base_learning_rate", values=metric.column("test", "mean"))
    colours, behind = steps(metric), _behind(grid.to_numpy(), metric)
    palette = seaborn.color_palette("mako_r", len(colours) + 1)[: len(colours) - 1][::-1]
    seaborn.heatmap(
        pd.DataFrame(behind, grid.index, grid.columns),
        ax=ax,
        cmap=ListedColormap(palette),
        norm=BoundaryNorm(colours, len(palette)),
        vmin=colours[0],  # not looked for in a map that may be empty
        vmax=colours[-1],
        linewidths=0.8,
        cbar_kws={
            "label": f"{metric.differences} behind the best cell",
            "ticks": colours,
            "format": lambda value, _: shortest(value),
            "pad": 0.02,
            "fraction": 0.05,
        },
        rasterized=grid.size > MOST_VECTOR_CELLS,
    )
    lost = (cells["runs"] > cells["ok"]).to_numpy().reshape(grid.shape)
    ax.add_patch(_boxes(lost, hatch="////", facecolor="none", edgecolor="#8c959f", linewidth=0))
    ax.add_patch(_boxes(cells["chosen"].to_numpy().reshape(grid.shape), fill=False, edgecolor=VERMILION, linewidth=2.2))
    if grid.size <= MOST_LABELLED_CELLS:
        _label_cells(cells, behind, palette, metric, ax)
    _heat_map_axes(grid, ax)


def _boxes(marked: np.ndarray, **look: Any) -> PathPatch:
    """Return the outlines of the marked cells of a grid [m, η̃] as one patch, which draws faster than one for each."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)])
    places = np.argwhere(marked)[:, ::-1]  # [cells, 2], x before y
    vertices = (places[:, None, :] + corners).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(places))
    return PathPatch(Path(vertices if len(places) else np.empty((0, 2)), codes if len(places) else None), **look)


def _behind(values: np.ndarray, metric: Metric) -> np.ndarray:
    """Return how far each cell is behind the best, in the unit of differences; NaN for a cell without a value."""
    score = metric.sign * values
    best = np.max(score, where=~np.isnan(score), initial=-np.inf)
    return metric.scale * np.where(np.isnan(score), np.nan, best - score)


def _label_cells(cells: pd.DataFrame, behind: np.ndarray, palette: list[Any], metric: Metric, ax: Axes) -> None:
    small = behind.shape[1] > 14
    for index, (_, cell) in enumerate(cells.iterrows()):
        row, column = divmod(index, behind.shape[1])
        lines = [f"{cell[status]:.0f} {short}" for status, short in SHORT.items() if cell[status]]
        colour = "white"
        if cell["ok"]:
            step = np.searchsorted(steps(metric), behind[row, column], "right")
            colour = palette[min(step, len(palette)) - 1]
            lines.insert(0, _label(metric, cell[metric.column("test", "mean")]))
        box = {"facecolor": colour, "edgecolor": "none", "pad": 0.8} if cell["ok"] < cell["runs"] else None
        ax.text(
            column + 0.5,
            row + 0.5,
            "\n".join(lines),
            color=readable_on(colour),
            ha="center",
            va="center",
            fontsize=(6 if small else 7.5) - (0.5 if len(lines) > 1 else 0),
            linespacing=1.1,
            bbox=box,
        )


def _label(metric: Metric, value: float) -> str:
    """Return a value with as many decimals as its cell has room for: a loss may be thousands."""
    shown = metric.scale * value
    whole = len(f"{abs(shown):.0f}")
    return number(shown, min(metric.decimals, max(0, MOST_DIGITS - whole)))


def readable_on(colour: object) -> str:
    """Return black or white, whichever has the contrast of at least 4.5:1 on a colour (WCAG 2.2, 1.4.3)."""
    # Both have 4.58:1 at the luminance 0.179.
    return "black" if seaborn.utils.relative_luminance(colour) > 0.179 else "white"


def _heat_map_axes(grid: pd.DataFrame, ax: Axes) -> None:
    ax.grid(False)
    ax.tick_params(length=0)
    for axis, values, name in ((ax.xaxis, grid.columns, rate), (ax.yaxis, grid.index, size)):
        every = -(-len(values) // MOST_TICKS)
        places = np.arange(0, len(values), every)
        labels = [name(values[place]) for place in places]
        crowded = axis is ax.xaxis and max(map(len, labels)) * len(labels) > 90
        axis.set_ticks(places + 0.5, labels)
        axis.set_tick_params(labelrotation=90 if crowded else 0)
    ax.set(xlabel="base learning rate η̃ (per example)", ylabel="batch size m (rows)")
