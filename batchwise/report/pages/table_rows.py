"""The rows of a report's tables: a row of data becomes a list of entries."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

import pandas as pd

from batchwise.analysis.columns import GAP
from batchwise.analysis.selection import reliable_column
from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.html import Code, Entry, Sorted
from batchwise.report.number_format import MISSING, known, number, rate, size
from batchwise.report.sentences import phrases
from batchwise.report.sentences.classes import names
from batchwise.report.sentences.grammar import span
from batchwise.training.run_result import STATUSES


def batch_size(row: dict[str, Any], metric: Metric, loss: Metric) -> list[Entry]:
    """Return the row of a batch size at its chosen rate, with the loss beside the metric, if that is another."""
    name = size(row["batch_size"])
    if row["batch_size"] != row["effective_batch_size"]:
        name += f" (= {size(row['effective_batch_size'])})"
    reference = known(row["difference_mean"]) and not known(row["difference_low"]) and row["difference_mean"] == 0
    return [
        name,
        rate(row["base_learning_rate"]) + (f" ({row['grid_edge']} of the grid)" if known(row["grid_edge"]) else ""),
        f"{row['updates']:,}",
        metric_format.bare(metric, row[metric.column("test", "mean")]),
        phrases.test_interval(metric, row),
        "reference" if reference else metric_format.bare_difference(metric, row["difference_mean"]),
        *(
            metric_format.bare_differences(metric, row[f"difference_{kind}_low"], row[f"difference_{kind}_high"])
            for kind in ("together", "new_rows")
        ),
        *([] if metric is loss else [metric_format.bare(loss, row[loss.column("test", "mean")])]),
        number(row["ok"], 0),
    ]


def slope(margin: float, tables: Tables) -> list[Entry]:
    """Return the row of the slope of the upper edge for one margin."""
    fit = tables.summary["reliable_upper_edge"][f"{margin:g}"]
    numbers = [
        number(fit["slope"]),
        span(fit["low"], fit["high"]),
        str(fit["points"]),
        str(fit["excluded_at_grid_edge"]),
    ]
    return [metric_format.margin(tables.metric, margin), *numbers]


def counts(batch_size: int, base: float, counted: pd.Series, total: int) -> list[Entry]:
    """Return the row of a cell: its test rows that are counted and the others, on average and seed by seed."""
    each = ", ".join(number(value, 0) for value in counted)
    most = span(counted.min(), counted.max(), 0)
    return [
        size(batch_size),
        rate(base),
        number(counted.mean(), 1),
        f"{total:,}",
        number(total - counted.mean(), 1),
        most,
        each,
    ]


def cell(cell: dict[str, Any], metric: Metric, *, reliability: bool) -> list[Entry]:
    """Return the row of a cell, with or without the margin within which it trains reliably."""
    test, validation, train = (cell[metric.column(split, "mean")] for split in ("test", "validation", "train"))
    entries: list[Entry] = [
        Sorted(size(cell["batch_size"]), cell["batch_size"]),
        Sorted(rate(cell["base_learning_rate"]), cell["base_learning_rate"]),
        Sorted(rate(cell["learning_rate"]), cell["learning_rate"]),
        Sorted(_endings(cell), cell["ok"]),
        Sorted(metric_format.bare(metric, test), test),
        phrases.test_interval(metric, cell),
        metric_format.bare(metric, validation),
        metric_format.bare(metric, train),
        metric_format.bare(metric, cell[f"{GAP}_mean"]),
    ]
    if reliability:
        entries.append(_reliable(cell, metric))
    return [*entries, Code(arguments(cell))]


def _endings(cell: dict[str, Any]) -> str:
    return ", ".join(f"{cell[name]:.0f} {name.replace('_', ' ')}" for name in STATUSES if cell[name])


def _reliable(cell: dict[str, Any], metric: Metric) -> Sorted:
    margins = [margin for margin in metric.margins if cell[reliable_column(margin)] in (True, "True")]
    return Sorted(metric_format.margin(metric, margins[0]), margins[0]) if margins else Sorted(MISSING, None)


def arguments(cell: Any) -> str:
    """Return the options that name a cell on the command line; the learning rate is η, not η̃."""
    return f"--batch-size {int(cell['batch_size'])} --learning-rate {float(cell['learning_rate'])!r}"


def sources(data: dict[str, Any]) -> Iterator[list[Entry]]:
    """Yield the rows that say where the data comes from, and how many test rows are of which class, if there are."""
    yield ["data set", data["title"]]
    yield ["source", data["source"]]
    yield ["licence", data["licence"]]
    counted = [f"{name}: {rows:,}" for name, rows in zip(names(data), data["class_counts"]["test"], strict=True)]
    if counted:
        what = "test rows of each class" if data["labels"] == "classes" else "test rows with each label"
        yield [what, shorten(", ".join(counted), 400, placeholder=" …")]


def leaves(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield a name and a value for each leaf of nested dictionaries and lists."""
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content, 1)
        for key, value in pairs:
            yield from leaves(value, f"{name} {key}".strip())
    else:
        yield name, MISSING if content is None else str(content)
