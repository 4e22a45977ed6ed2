"""The figure of the branches of a study: their loss by batch size, and the critical batch size by moment."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchwise.analysis import branches
from batchwise.data.metric import Metric
from batchwise.report.figures import style
from batchwise.report.figures.style import DASHES, INK, MARKERS, SEQUENCE, SOFT
from batchwise.report.number_format import shortest

WIDTH = 8.0  # inches


def losses_and_critical(table: pd.DataFrame, loss: Metric) -> str:
    """Return how much higher the loss is than where m is kept, by m, and the critical m by moment, as SVG."""
    with style.drawing():
        figure, (left, right) = style.panels(WIDTH, 3.3, columns=2)
        by_size = branches.by_batch_size(table, loss)
        for look, (moment, rows) in enumerate(by_size.groupby("moment")):
            _losses(rows, look % len(SEQUENCE), f"from {100 * float(moment):g} %", left)
        left.axhline(loss.least_margin, color=SOFT, linewidth=1, dashes=(4, 3))
        _critical(branches.critical(table, loss), right)
        style.set_log(left, "x", base=2)
        style.set_log(right, "y", base=2)
        left.xaxis.set_major_formatter(lambda value, _: shortest(value))
        right.yaxis.set_major_formatter(lambda value, _: shortest(value))
        left.set(xlabel="batch size m of the branch (rows)", ylabel=f"training loss, more ({loss.differences})")
        right.set(xlabel="training that was over (% of the epochs)", ylabel="critical batch size (rows)")
        figure.legend(*style.legend_entries([left]), loc="outside upper left", ncols=len(SEQUENCE))
        return style.svg(figure)


def _losses(rows: pd.DataFrame, look: int, label: str, ax: Axes) -> None:
    error = np.nan_to_num([rows["higher"] - rows["higher_low"], rows["higher_high"] - rows["higher"]]).clip(0)
    look_of: dict[str, Any] = {"color": SEQUENCE[look], "marker": MARKERS[look], "dashes": DASHES[look]}
    ax.errorbar(rows["batch_size"], rows["higher"], error, markersize=4.5, capsize=3, label=label, **look_of)


def _critical(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw the critical m with its interval; one that lies higher than the branches can tell has an arrow."""
    percent = 100 * rows["moment"]
    ends = [rows["critical"] - rows["critical_low"], rows["critical_high"] - rows["critical"]]
    error = np.nan_to_num(ends).clip(0)
    ax.errorbar(percent, rows["critical"], error, color=INK, marker="o", linestyle="none", markersize=5, capsize=4)
    beyond = rows["beyond"]
    ax.plot(percent[beyond], 1.12 * rows["critical"][beyond], "^", color=INK, markersize=5, markerfacecolor="white")
    ax.set_xlim(0, 100)
