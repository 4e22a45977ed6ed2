"""What each figure of a report shows, in sentences: its alternative text."""

import pandas as pd

from batchwise.analysis.selection import MARGIN
from batchwise.analysis.study_tables import Tables
from batchwise.report.number_format import percent, rate, size
from batchwise.report.sentences import answers, phrases
from batchwise.report.sentences.grammar import count, listed


def heat_map(tables: Tables) -> str:
    """Return what the map of all cells shows."""
    cells = tables.cells
    lost, gone = cells["ok"] < cells["runs"], cells["ok"] == 0
    counts = (
        f"in {lost.sum()} of {count(len(cells), 'cell')} at least one run did not end well, in {gone.sum()} none did"
    )
    if gone.all():
        return f"No run of {count(len(cells), 'cell')} ended well."
    if not lost.any():
        counts = f"every run of {count(len(cells), 'cell')} ended well"
    top = cells.loc[cells["test_accuracy_mean"].idxmax()]
    return f"The highest mean test accuracy is {phrases.mean(top)}, at {phrases.at(top, start=False)}; {counts}."


def accuracies(tables: Tables) -> str:
    """Return the span of test accuracy over the batch sizes, each at its chosen rate."""
    rows = tables.distinct
    if len(rows) == 1:
        return f"At m = {size(rows['batch_size'][0])} the test accuracy is {phrases.mean(rows.iloc[0])}."
    low, high = (
        rows.loc[index] for index in (rows["test_accuracy_mean"].idxmin(), rows["test_accuracy_mean"].idxmax())
    )
    return (
        f"Test accuracy is highest at m = {size(high['batch_size'])}, {phrases.mean(high)}, and lowest at "
        f"m = {size(low['batch_size'])}, {phrases.mean(low)}."
    )


def ranges(tables: Tables, margin: int = MARGIN) -> str:
    """Return the largest reliable rate at the smallest and the largest m, and the slope between."""
    rows = tables.batch_sizes.dropna(subset=f"reliable_{margin}_high")
    if rows.empty:
        return f"At no batch size does a rate train reliably within {count(margin, 'point')} of the best."
    ends = [rows.iloc[index] for index in sorted({0, len(rows) - 1})]
    reach = listed(f"up to {rate(row[f'reliable_{margin}_high'])} at m = {size(row['batch_size'])}" for row in ends)
    within = count(margin, "point")
    return f"Base learning rates train reliably within {within} of the best {reach}. {answers.edge(tables, margin)}"


def curves(shown: pd.DataFrame) -> str:
    """Return where the first and the last of the shown batch sizes begin and end."""
    means = shown.groupby(["batch_size", "epoch"])["test_accuracy"].mean()
    parts = []
    for batch_size in sorted({shown["batch_size"].min(), shown["batch_size"].max()}):
        epochs = means[batch_size]
        first = epochs[epochs.index >= min(1, epochs.index.max())]
        parts.append(
            f"at m = {size(batch_size)} mean test accuracy is {percent(first.iloc[0])} after epoch {first.index[0]} "
            f"and {percent(first.iloc[-1])} after epoch {first.index[-1]}"
        )
    text = listed(parts, last="and,")
    return f"{text[0].upper()}{text[1:]}."
