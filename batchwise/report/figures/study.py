"""The figures of a study as SVG text: the sizes and panels around what plots.py draws."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.figures import heat_map as cell_map
from batchwise.report.figures import plots, style
from batchwise.report.number_format import known, shortest
from batchwise.training.run_result import STATUSES

WIDTH = 8.0  # inches: 768 px, the width of the page's text
MOST_CURVES = len(style.SEQUENCE)


def heat_map(tables: Tables) -> str:
    """Return the map of the mean on test rows, m × η̃; nothing without cells. A cell that is missing is white."""
    if tables.cells.empty:
        return ""
    grid, cell = tables.summary["grid"], ["batch_size", "base_learning_rate"]
    chosen = tables.batch_sizes[cell].assign(chosen=True)
    whole = pd.MultiIndex.from_product([sorted(tables.cells[name].unique()) for name in cell], names=cell)
    cells = tables.cells if len(tables.cells) == len(whole) else _with_missing(tables.cells, whole)
    cells = cells.merge(chosen, how="left", on=cell)
    height = min(max(0.36 * grid["batch_sizes"], 1.2), 7) + 0.9
    with style.drawing():
        figure, (ax,) = style.panels(WIDTH, height)
        cell_map.heat_map(cells.assign(chosen=cells["chosen"].eq(True)), tables.metric, ax)
        return style.svg(figure)


def _with_missing(cells: pd.DataFrame, whole: pd.MultiIndex) -> pd.DataFrame:
    """Return a row for each cell of a whole grid; one that is missing counts no run."""
    rows = cells.set_index(whole.names).reindex(whole).reset_index()
    return rows.fillna(dict.fromkeys(("runs", *STATUSES), 0))


def by_batch_size(tables: Tables) -> str:
    """Return the result on test rows at the chosen rate of each m, and below it the paired differences, if any."""
    batch_sizes, metric = tables.chosen, tables.metric
    runs = tables.results.merge(batch_sizes[["batch_size"]])
    reference = tables.reference_batch_size
    compares = reference is not None and batch_sizes["difference_low"].notna().any()
    with style.drawing():
        figure, axes = style.panels(
            WIDTH, 4.9 if compares else 3.2, rows=1 + compares, sharex=True, height_ratios=[3, 2][: 1 + compares]
        )
        plots.by_batch_size(batch_sizes, runs, metric, axes[0])
        axes[0].set(title=f"Test {metric.title} at the chosen learning rate")
        _legend(axes[0])
        if compares:
            axes[0].set(xlabel="")
            plots.difference(batch_sizes, metric, axes[1])
            axes[1].set(title=f"Difference from m = {reference:,}, paired by seed")
            _legend(axes[1])
        return style.svg(figure)


def reliable_range(tables: Tables) -> str:
    """Return the base learning rates that train reliably at each m, with the slope of their upper edge.

    Nothing without cells, since the rates of the grid are not known.
    """
    if tables.cells.empty:
        return ""
    metric = tables.metric
    slope = tables.summary["reliable_upper_edge"][f"{metric.margin:g}"]["slope"]
    rates = sorted(tables.cells["base_learning_rate"].unique())
    with style.drawing():
        figure, (ax,) = style.panels(WIDTH, 4.2)
        plots.reliable_range(tables.batch_sizes, metric, rates, ax)
        if known(slope):
            plots.upper_edge(tables.batch_sizes, metric, slope, rates[-1], ax)
        figure.legend(loc="outside upper left", ncols=4)
        return style.svg(figure)


def learning_curves(curves: pd.DataFrame, metrics: Sequence[Metric]) -> str:
    """Return the training loss, and the metric of the study on test rows, by epoch for each m of the curves."""
    metric, loss = metrics[0], next(each for each in metrics if each.name == "loss")
    with style.drawing():
        figure, (left, right) = style.panels(WIDTH, 3.6, columns=2)
        plots.learning_curves(curves, loss, "train", left)
        style.set_log(left, "y")
        left.set(title=metric_format.heading(loss, "Training"))
        left.yaxis.set_major_formatter(lambda value, _: shortest(value))
        plots.learning_curves(curves, metric, "test", right)
        right.set(title=metric_format.heading(metric, "Test"))
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=MOST_CURVES)
        return style.svg(figure)


def curves_shown(tables: Tables) -> pd.DataFrame:
    """Return the curves of a few batch sizes: the smallest, the largest, the reference, and some between."""
    trained = set(tables.curves["batch_size"])
    available = [m for m in tables.distinct["batch_size"] if m in trained]
    places = sorted({round(step * (len(available) - 1) / (MOST_CURVES - 1)) for step in range(MOST_CURVES)})
    shown = [available[place] for place in places] if available else []
    reference = tables.reference_batch_size
    if reference in available and reference not in shown:
        nearest = min(places[1:-1], key=lambda place: abs(place - available.index(reference)))
        shown[places.index(nearest)] = reference
    return tables.curves[tables.curves["batch_size"].isin(shown)]


def _legend(ax: Axes) -> None:
    """Put the legend above the axes, beside their title, where it covers nothing."""
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderpad=0, borderaxespad=0.3)
