"""The rows of a report's tables: a row of data becomes a list of entries."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

import pandas as pd

from batchwise.report.html import Code, Entry, Sorted
from batchwise.report.number_format import MISSING, known, number, rate, signed, size
from batchwise.report.sentences import phrases
from batchwise.report.sentences.grammar import count, span


def batch_size(row: dict[str, Any]) -> list[Entry]:
    """Return the row of a batch size at its chosen rate."""
    name = size(row["batch_size"])
    if row["batch_size"] != row["effective_batch_size"]:
        name += f" (= {size(row['effective_batch_size'])})"
    reference = known(row["difference_mean"]) and not known(row["difference_low"]) and row["difference_mean"] == 0
    return [
        name,
        rate(row["base_learning_rate"]) + (f" ({row['grid_edge']} of the grid)" if known(row["grid_edge"]) else ""),
        f"{row['updates']:,}",
        number(_times(row["test_accuracy_mean"]), 1),
        phrases.accuracy_span(row),
        "reference" if reference else signed(_times(row["difference_mean"])),
        span(_times(row["difference_low"]), _times(row["difference_high"])),
        number(row["ok"], 0),
    ]


def slope(margin: str, fit: dict[str, Any]) -> list[Entry]:
    """Return the row of the slope of the upper edge for one margin, in points."""
    numbers = [
        number(fit["slope"]),
        span(fit["low"], fit["high"]),
        str(fit["points"]),
        str(fit["excluded_at_grid_edge"]),
    ]
    return [count(int(margin), "point"), *numbers]


def counts(batch_size: int, base: float, runs: pd.DataFrame, total: int) -> list[Entry]:
    """Return the row of a cell: its test rows that are right and wrong, on average and seed by seed."""
    correct = runs["test_correct"]
    each = ", ".join(number(value, 0) for value in correct)
    most = span(correct.min(), correct.max(), 0)
    return [
        size(batch_size),
        rate(base),
        number(correct.mean(), 1),
        f"{total:,}",
        number(total - correct.mean(), 1),
        most,
        each,
    ]


def cell(cell: dict[str, Any], *, reliability: bool) -> list[Entry]:
    """Return the row of a cell, with or without the margin within which it trains reliably."""
    accuracy = cell["test_accuracy_mean"]
    entries = [
        Sorted(size(cell["batch_size"]), cell["batch_size"]),
        Sorted(rate(cell["base_learning_rate"]), cell["base_learning_rate"]),
        Sorted(rate(cell["learning_rate"]), cell["learning_rate"]),
        Sorted(_endings(cell), cell["ok"]),
        Sorted(number(_times(accuracy), 1), accuracy),
        phrases.accuracy_span(cell),
        number(_times(cell["validation_accuracy_mean"]), 1),
        number(_times(cell["train_accuracy_mean"]), 1),
        number(_times(cell["generalisation_gap_mean"]), 1),
    ]
    return [*entries, *([_reliable(cell)] if reliability else []), Code(arguments(cell))]


def _endings(cell: dict[str, Any]) -> str:
    names = ("ok", "diverged", "out_of_memory", "failed")
    return ", ".join(f"{cell[name]:.0f} {name.replace('_', ' ')}" for name in names if cell[name])


def _reliable(cell: dict[str, Any]) -> Sorted:
    margins = [margin for margin in (1, 2, 5) if cell[f"reliable_{margin}"] in (True, "True")]
    return Sorted(count(margins[0], "point"), margins[0]) if margins else Sorted(MISSING, None)


def arguments(cell: Any) -> str:
    """Return the options that name a cell on the command line; the learning rate is η, not η̃."""
    return f"--batch-size {int(cell['batch_size'])} --learning-rate {float(cell['learning_rate'])!r}"


def _times(fraction: float | None) -> float | None:
    return 100 * fraction if known(fraction) else None


def sources(data: dict[str, Any]) -> Iterator[list[Entry]]:
    """Yield the rows that say where the data comes from."""
    yield ["data set", data["title"]]
    yield ["source", data["source"]]
    yield ["licence", data["licence"]]
    counted = zip(data["class_names"], data["class_counts"]["test"], strict=True)
    yield [
        "test rows of each class",
        shorten(", ".join(f"{name}: {rows:,}" for name, rows in counted), 400, placeholder=" …"),
    ]


def leaves(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield a name and a value for each leaf of nested dictionaries and lists."""
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content, 1)
        for key, value in pairs:
            yield from leaves(value, f"{name} {key}".strip())
    else:
        yield name, MISSING if content is None else str(content)
