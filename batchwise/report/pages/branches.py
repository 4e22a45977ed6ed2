"""The section of a study's report on its branches: how large m may be, by how far a run has trained."""

from typing import Any

from batchwise.analysis import branches
from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric
from batchwise.report.figures.branches import losses_and_critical
from batchwise.report.html import Entry, Html, figure, join, paragraph, table
from batchwise.report.number_format import MISSING, digits, known, size
from batchwise.report.sentences import branches as sentences


def section(tables: Tables) -> Html:
    """Return the loss of each branch, the critical batch size by moment, and what both rest on."""
    if not tables.summary.get("branches"):
        return paragraph(sentences.NONE)
    if tables.branches.empty:
        return paragraph("Not known: the table of the branches is empty.")
    loss = tables.loss
    critical, by_size = branches.critical(tables.branches, loss), branches.by_batch_size(tables.branches, loss)
    finding, about = sentences.finding(critical), sentences.about(tables)
    caption = "Bars: 95 % intervals over the seeds, paired. Dashed: the margin. An arrow: no branch falls behind."
    return join(
        paragraph(finding, "finding"),
        paragraph(about),
        figure(losses_and_critical(tables.branches, loss), f"Branches by batch size and moment. {finding}", caption),
        table("The critical batch size at each moment", HEADINGS, map(_moment, critical.to_dict("records")), "numbers"),
        table(
            f"The training loss at the end of each branch, and by how much it is higher, {loss.differences}",
            ["from", "m", "loss", "higher by", "interval", "n", ""],
            [_branch(row, loss) for row in by_size.to_dict("records")],
            "numbers long" if len(by_size) > 20 else "numbers",
        ),
    )


HEADINGS = ["from", "between", "where the loss crosses the margin", "n"]


def _moment(row: dict[str, Any]) -> list[Entry]:
    return [f"{100 * row['moment']:g} %", sentences.between(row), sentences.interval(row), str(row["n"])]


def _branch(row: dict[str, Any], loss: Metric) -> list[Entry]:
    interval = f"{digits(row['higher_low'])} to {digits(row['higher_high'])}" if known(row["higher_low"]) else MISSING
    return [
        f"{100 * row['moment']:g} %",
        size(int(row["batch_size"])),
        digits(row["loss"] * loss.scale),
        digits(row["higher"]),
        interval,
        str(row["n"]),
        row["says"],
    ]
