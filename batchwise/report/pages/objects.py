"""What a detector sees, in a study's report: precision by class and size, curves, and photographs with boxes."""

from typing import Any

import pandas as pd

from batchwise.analysis.study_tables import Tables
from batchwise.report.figures import objects as figures
from batchwise.report.html import Entry, Html, figure, join, multiples, paragraph, table
from batchwise.report.number_format import MISSING, known, number, size
from batchwise.report.sentences import classes
from batchwise.report.sentences import objects as sentences
from batchwise.report.sentences.grammar import count, listed, span
from batchwise.statistics.detections import SIZES

MOST_BATCH_SIZES, MOST_CLASSES, MOST_CURVES = 12, 30, 9


def what_is_found(tables: Tables) -> Html:
    """Return what a detector finds at the chosen rates; nothing where labels are no boxes."""
    if tables.objects.empty:
        return join()
    return join(_by_kind(tables), _curves(tables), *_photographs(tables))


def _by_kind(tables: Tables) -> Html:
    """Return average precision by class and by size, at each m."""
    rows = tables.objects[tables.objects["batch_size"].isin(tables.distinct["batch_size"])]
    sizes = sorted(rows["batch_size"].unique())[:MOST_BATCH_SIZES]
    names = {"class": classes.names(tables.summary["data"]), "size": [f"{name} objects" for name in SIZES]}
    entries = [
        _kind(names[kind][number], group, sizes)
        for (kind, number), group in rows.groupby(["kind", "number"])
        if number < MOST_CLASSES
    ]
    headings = ["", "objects", *(f"AP50, m = {size(m)}" for m in sizes), *(f"AP, m = {size(m)}" for m in _ends(sizes))]
    caption = (
        "Average precision of each class and size, in percent, at the final weights; 95 % intervals over the seeds. "
        "Small is below 1/300 of the image, large above 3 % of it: COCO's limits in an image of 640×480 pixels"
    )
    known_classes, known_sizes = len(tables.summary["data"]["class_names"]), rows["batch_size"].nunique()
    rest = _rest(tables, {"class": known_classes - MOST_CLASSES, "batch size": known_sizes - len(sizes)})
    return join(table(caption, headings, entries, "numbers"), *rest)


def _rest(tables: Tables, left_out: dict[str, int]) -> list[Html]:
    """Return a sentence about what the table leaves out, if there is something."""
    more = {noun: number for noun, number in left_out.items() if number > 0}
    verb = "is" if [*more.values()] == [1] else "are"
    each = listed(f"{count(number, noun)} more" for noun, number in more.items())
    return [paragraph(f"{each} {verb} in data/tables/{tables.study}/objects.csv.")] if more else []


def _ends(sizes: list[int]) -> list[int]:
    return sorted({*sizes[:1], *sizes[-1:]})


def _kind(name: str, rows: pd.DataFrame, sizes: list[int]) -> list[Entry]:
    by_size = rows.set_index("batch_size")
    of_each = [(metric, m) for metric, of in (("ap50", sizes), ("ap", _ends(sizes))) for m in of]
    shown = [_percent(by_size.loc[m], metric) if m in by_size.index else MISSING for metric, m in of_each]
    return [name, f"{int(rows['objects'].iloc[0]):,}", *shown]


def _percent(row: pd.Series, metric: str) -> str:
    mean, low, high = (row[f"{metric}_{end}"] for end in ("mean", "low", "high"))
    if not known(mean):
        return MISSING
    return number(100 * mean, 1) + (f" ({span(100 * max(low, 0), 100 * min(high, 1), 0)})" if known(low) else "")


def _curves(tables: Tables) -> Html:
    """Return precision against recall of the first classes; nothing where no run at the m that are shown ended ok."""
    if tables.precision.empty:
        return join()
    names = classes.names(tables.summary["data"])[:MOST_CURVES]
    finding = sentences.precision(tables.precision)
    more = len(tables.summary["data"]["class_names"]) - len(names)
    rest = [paragraph(f"The curves of {count(more, 'other class')} are in precision.csv.")] if more > 0 else []
    alt = f"Precision against recall by class. {finding}"
    return join(figure(figures.precision(tables.precision, names), alt, sentences.PRECISION), *rest)


def _photographs(tables: Tables) -> list[Html]:
    shown = tables.summary["data"].get("objects", {}).get("photographs", [])
    sizes = sorted(tables.precision["batch_size"].unique())
    names = classes.names(tables.summary["data"])
    each = [_photograph(tables, photograph, m, names) for photograph in shown for m in sizes]
    return [multiples(each), paragraph(sentences.BOXES)] if each else []


def _photograph(tables: Tables, shown: dict[str, Any], m: int, names: list[str]) -> Html:
    rows = tables.photographs
    found = rows[rows["batch_size"].eq(m) & rows["row"].eq(shown["row"])]
    text = sentences.photograph(shown, found, m)
    return figure(figures.photograph(shown, found, names), text, f"{text}.", "narrow")
