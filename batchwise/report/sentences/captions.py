"""What each figure of a report shows, in sentences: its alternative text."""

import pandas as pd

from batchwise.analysis import last_epochs
from batchwise.analysis.selection import reliable_column
from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.number_format import rate, size
from batchwise.report.sentences import answers, phrases
from batchwise.report.sentences.grammar import count, listed


def results(tables: Tables) -> str:
    """Return what the results of a run and of a cell are."""
    result = last_epochs.words(tables.statistic)
    return f"The result of a run is the {result}, and that of a cell the mean over its runs."


def heat_map(tables: Tables) -> str:
    """Return what the map of all cells shows."""
    cells, metric = tables.cells, tables.metric
    lost, gone = cells["ok"] < cells["runs"], cells["ok"] == 0
    counts = (
        f"in {lost.sum()} of {count(len(cells), 'cell')} at least one run did not end well, in {gone.sum()} none did"
    )
    if cells.empty:
        return "The tables lack every cell."
    if gone.all():
        return f"No run of {count(len(cells), 'cell')} ended well."
    if not lost.any():
        counts = f"every run of {count(len(cells), 'cell')} ended well"
    if cells[metric.column("test", "mean")].isna().all():
        return f"No cell has a test {metric.title}; {counts}."
    top = phrases.best_on_test_rows(tables)
    best = f"{phrases.mean(metric, top)}, at {phrases.at(top, start=False)}"
    return f"The {metric.best} mean test {metric.title} is {best}; {counts}."


def by_batch_size(tables: Tables) -> str:
    """Return the best and the worst result on test rows of the batch sizes, each at its chosen rate."""
    rows, metric = tables.distinct, tables.metric
    if len(rows) == 1:
        return f"At m = {size(rows['batch_size'][0])} the test {metric.title} is {phrases.mean(metric, rows.iloc[0])}."
    score = metric.sign * rows[metric.column("test", "mean")]
    best, worst = rows.loc[score.idxmax()], rows.loc[score.idxmin()]
    return (
        f"Test {metric.title} is {metric.best} at m = {size(best['batch_size'])}, {phrases.mean(metric, best)}, and "
        f"{metric.worst} at m = {size(worst['batch_size'])}, {phrases.mean(metric, worst)}."
    )


def intervals(tables: Tables) -> str:
    """Return, for the table of batch sizes, what its intervals cover and which of them hold together."""
    own = ", each with test rows of its own" if tables.folds else ""
    return f"; intervals are over seeds{own}, and those of the differences hold together"


def ranges(tables: Tables) -> str:
    """Return the largest reliable rate at the smallest and the largest m, and the slope between."""
    within, high = (
        metric_format.margin(tables.metric, tables.metric.margin),
        reliable_column(tables.metric.margin, "high"),
    )
    rows = tables.batch_sizes.dropna(subset=high)
    if rows.empty:
        return f"At no batch size does a rate train reliably within {within} of the best."
    ends = [rows.iloc[index] for index in sorted({0, len(rows) - 1})]
    reach = listed(f"up to {rate(row[high])} at m = {size(row['batch_size'])}" for row in ends)
    return f"Base learning rates train reliably within {within} of the best {reach}. {answers.edge(tables)}"


def curves(shown: pd.DataFrame, metric: Metric) -> str:
    """Return where the first and the last of the shown batch sizes begin and end."""
    means = shown.groupby(["batch_size", "epoch"])[metric.column("test")].mean()
    parts = []
    for batch_size in sorted({shown["batch_size"].min(), shown["batch_size"].max()}):
        epochs = means[batch_size]
        first = epochs[epochs.index >= min(1, epochs.index.max())]
        parts.append(
            f"at m = {size(batch_size)} mean test {metric.title} is {metric_format.shown(metric, first.iloc[0])} after "
            f"epoch {first.index[0]} and {metric_format.shown(metric, first.iloc[-1])} after epoch {first.index[-1]}"
        )
    text = listed(parts, last="and,")
    return f"{text[0].upper()}{text[1:]}."
