"""Which batch size fits at which length of text, what it gives, and what a larger one would have gained."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from batchwise.analysis.length_advice import FREE
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.number_format import MISSING, known, memory, size
from batchwise.report.sentences.study_pairs import BETTER, SAME, WORSE, verdict

HEADINGS = ("T", "largest m", "use m", "not fitting", "would gain", "")


def lines(table: pd.DataFrame, metric: Metric, limit: float) -> list[str]:
    """Return what fits at each length as lines of a terminal: a heading, a row for each length, a sentence for each."""
    heading = (
        f"By the length T of a row, tokens or pixels, with {memory(limit)} of memory, of which {100 * FREE:.0f} % is "
        "left free; the largest m is by the fit of the memory of an update:"
    )
    first, second, third, *others = HEADINGS
    rows: list[Sequence[str]] = [[first, second, third, metric_format.heading(metric, "test"), *others]]
    rows += [_row(row, metric) for row in table.to_dict("records")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    drawn = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [heading, *drawn, *(sentence(row, metric) for row in table.to_dict("records") if known(row["batch_size"]))]


def _row(row: dict[str, Any], metric: Metric) -> list[str]:
    result = MISSING
    if known(row["mean"]):
        interval = metric_format.interval(metric, row["low"], row["high"])
        result = f"{metric_format.bare(metric, row['mean'])} ({interval})"
    return [
        size(int(row["length"])),
        size(int(row["most"])) if row["most"] else "none",
        size(int(row["batch_size"])) if known(row["batch_size"]) else MISSING,
        result,
        size(int(row["larger"])) if known(row["larger"]) else MISSING,
        _gain(row, metric),
        _note(row),
    ]


def _note(row: dict[str, Any]) -> str:
    if not row["most"] and known(row["evaluation"]):
        return f"evaluation alone takes {memory(row['evaluation'])}"
    return "" if isinstance(row["study"], str) else "no study trains at this length"


def _gain(row: dict[str, Any], metric: Metric) -> str:
    if not known(row["gain"]):
        return MISSING
    mean = metric_format.bare_difference(metric, row["gain"] / metric.scale)
    ends = (row[end] / metric.scale for end in ("gain_low", "gain_high"))
    return f"{mean} ({metric_format.bare_differences(metric, *ends)})" if known(row["gain_low"]) else mean


def sentence(row: dict[str, Any], metric: Metric) -> str:
    """Return what a length says: whether a smaller batch will do."""
    start = f"T = {size(int(row['length']))}: "
    if not known(row["larger"]):
        return f"{start}every batch size of {row['study']} fits; use m = {size(int(row['batch_size']))}."
    said = verdict(row["gain_low"], row["gain_high"], metric.least_margin)
    matters = {
        SAME: f"nothing that matters (less than {metric_format.margin(metric, metric.least_margin)})",
        BETTER: "which matters: it is worth more memory, or accumulation",
        WORSE: "so that the smaller batch is the better one",
    }.get(said, "nothing that can be told")
    return (
        f"{start}m = {size(int(row['batch_size']))} fits; m = {size(int(row['larger']))}, which does not, would have "
        f"gained {_gain(row, metric)} {metric.differences}, {matters}."
    )
