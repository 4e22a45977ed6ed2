"""The figure of a pair of studies: the results of both at each batch size, and their differences below."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchwise.analysis.study_pairs import SIDES, StudyPair
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, INK, SOFT, VERMILION
from batchwise.report.number_format import size

WIDTH, HEIGHT = 4.2, 4.0  # inches: narrow enough for a phone
LOOKS = {"base": (BLUE, "o", -0.1), "other": (VERMILION, "s", 0.1)}  # colour, marker, place beside that of m


def study_pair(pair: StudyPair, table: pd.DataFrame) -> str:
    """Return the results of a pair and their differences as SVG; `table` is of study_pairs.by_batch_size."""
    metric, names = pair.base.metric, {side: study.name for side, study in pair.sides.items()}
    with style.drawing():
        figure, (above, below) = style.panels(WIDTH, HEIGHT, rows=2, sharex=True, height_ratios=[3, 2])
        results(table, names, metric, above)
        differences(table, metric, below)
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=1, fontsize=8)
        return style.svg(figure)


def results(table: pd.DataFrame, names: dict[str, str], metric: Metric, ax: Axes) -> None:
    """Draw the result of each m with its interval, of both studies beside each other."""
    for side in SIDES:
        colour, marker, aside = LOOKS[side]
        values = [metric.scale * table[f"{side}_{bound}"].astype(float) for bound in ("mean", "low", "high")]
        _errorbar(ax, np.arange(len(table)) + aside, values, color=colour, fmt=marker, label=names[side])
    ax.set(ylabel=metric_format.heading(metric, "test"))


def differences(table: pd.DataFrame, metric: Metric, ax: Axes) -> None:
    """Draw by how much the other study is better at each m, with its interval, and what does not matter in grey."""
    ax.axhspan(-metric.least_margin, metric.least_margin, color=SOFT, alpha=0.18, linewidth=0)
    ax.axhline(0, color=SOFT, linewidth=0.8)
    values = [table[name].astype(float) for name in ("gain", "gain_low", "gain_high")]
    _errorbar(ax, np.arange(len(table)), values, color=INK, fmt="o")
    ax.set_xticks(range(len(table)), [size(int(m)) for m in table["batch_size"]])
    ax.set_xlim(-0.6, len(table) - 0.4)
    ax.set(xlabel="batch size m (rows)", ylabel=f"better by ({metric.differences})")


def _errorbar(ax: Axes, x: np.ndarray, values: list[pd.Series], **look: Any) -> None:
    mean, low, high = values
    error = np.nan_to_num([mean - low, high - mean]).clip(0)
    ax.errorbar(x, mean, error, markersize=5, capsize=3, elinewidth=1.5, linestyle="none", **look)
