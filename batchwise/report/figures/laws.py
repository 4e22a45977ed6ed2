"""The figure of the updates to each target by batch size, with the law of the critical batch size."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.figures import style
from batchwise.report.figures.style import DASHES, INK, MARKERS, SEQUENCE, VERMILION
from batchwise.report.number_format import shortest

WIDTH = 8.0  # inches


def updates_to_targets(fits: dict[str, Any], metric: Metric) -> str:
    """Return updates with their law and residuals by batch size, of up to five targets, as SVG; "" where none fits.

    `fits` is {target: fit}, as of fits.json.
    """
    fitted = {target: fit for target, fit in fits.items() if fit["departures"]}
    with style.drawing():
        figure, (left, right) = style.panels(WIDTH, 3.3, columns=2)
        for look, (target, fit) in enumerate([*fitted.items()][-len(SEQUENCE) :]):
            rows = pd.DataFrame(fit["departures"])
            _updates(rows, fit, look, f"target {metric_format.shown(metric, float(target))}", left)
            _residuals(rows, look, right)
        style.set_log(left, "x", "y")
        style.set_log(right, "x")
        left.set(xlabel="batch size m (rows)", ylabel="updates to the target")
        right.set(xlabel="batch size m (rows)", ylabel="from the law (%)")
        right.axhline(0, color=INK, linewidth=0.8)
        for axis in (left.xaxis, left.yaxis, right.xaxis):
            axis.set_major_formatter(lambda value, _: shortest(value))
        figure.legend(*style.legend_entries([left]), loc="outside upper left", ncols=len(SEQUENCE))
        return style.svg(figure)


def _updates(rows: pd.DataFrame, fit: dict[str, Any], look: int, label: str, ax: Axes) -> None:
    ax.plot(rows["batch_size"], rows["updates"], MARKERS[look], color=SEQUENCE[look], markersize=4.5, label=label)
    said = rows["updates"] / (1 + rows["residual"])  # at the batch sizes themselves, also in the limits of the law
    ax.plot(rows["batch_size"], said, color=SEQUENCE[look], dashes=DASHES[look], linewidth=1.4)


def _residuals(rows: pd.DataFrame, look: int, ax: Axes) -> None:
    percent = 100 * rows["residual"]
    ax.plot(rows["batch_size"], percent, MARKERS[look], color=SEQUENCE[look], markersize=4.5)
    broken = rows["breaks"]
    ax.scatter(rows["batch_size"][broken], percent[broken], s=120, facecolors="none", edgecolors=VERMILION)
