"""The recall of each class at each batch size, as a table of a study's report."""

import pandas as pd

from batchwise.analysis.study_tables import Tables
from batchwise.report.html import Entry, Html, details, join, paragraph, table
from batchwise.report.number_format import MISSING, known, number, size
from batchwise.report.sentences import classes
from batchwise.report.sentences.grammar import count, span

MOST_CLASSES, MOST_BATCH_SIZES = 30, 12


def by_class(tables: Tables) -> Html:
    """Return how many test rows of each class are predicted at each m: to be opened where classes are equal."""
    if tables.classes.empty:
        return join()
    rows = tables.classes[tables.classes["batch_size"].isin(tables.distinct["batch_size"])]
    sizes = sorted(rows["batch_size"].unique())[:MOST_BATCH_SIZES]
    order = rows.groupby("class")["recall_mean"].mean().sort_values(kind="stable").index[:MOST_CLASSES]
    noun, of = ("class", "of a class") if tables.summary["data"]["labels"] == "classes" else ("label", "with a label")
    caption = (
        f"Recall: share of the test rows {of} that is predicted, in percent, at the final weights; 95 % intervals over "
        "the seeds"
    )
    alone = [] if tables.folds else ["standard error of these alone, at most"]
    entries = [_class(tables, rows[rows["class"].eq(one)], sizes) for one in order]
    shown = table(caption, [noun, "test rows", *alone, *(f"m = {size(m)}" for m in sizes)], entries, "numbers")
    left_out = len(tables.summary["data"]["class_names"]) - len(order)
    more = [paragraph(f"Another {count(left_out, noun)} with a higher recall: classes.csv.")] if left_out > 0 else []
    return join(shown, *more) if classes.has_unequal(tables) else details(f"Recall of each {noun}", shown, *more)


def _class(tables: Tables, rows: pd.DataFrame, sizes: list[int]) -> list[Entry]:
    """Return the row of a class."""
    first = rows.iloc[0]
    by_size = rows.set_index("batch_size")
    name, test_rows = classes.names(tables.summary["data"])[int(first["class"])], int(first["test_rows"])
    alone = [] if tables.folds else [classes.rows_alone(test_rows)]
    known_at = (_recall(by_size.loc[m]) if m in by_size.index else MISSING for m in sizes)
    return [name, f"{test_rows:,}", *alone, *known_at]


def _recall(row: pd.Series) -> str:
    low, high = row["recall_low"], row["recall_high"]
    if not known(row["recall_mean"]):
        return MISSING
    interval = f" ({span(100 * max(low, 0), 100 * min(high, 1), 0)})" if known(low) else ""
    return f"{number(100 * row['recall_mean'], 1)}{interval}"
