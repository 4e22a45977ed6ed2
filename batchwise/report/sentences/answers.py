"""The answer of a study in sentences. Numbers come with their interval and n, and nothing is claimed beyond them."""

import pandas as pd

from batchwise.analysis.selection import MARGIN
from batchwise.analysis.study_tables import Tables
from batchwise.report.number_format import known, number, signed, size
from batchwise.report.sentences import phrases
from batchwise.report.sentences.grammar import count, listed, span

FEW = 6  # as many batch sizes as a sentence names one by one


def question(tables: Tables) -> str:
    """Return what the study asks, as a title."""
    compares = tables.single_rate and tables.summary["best_batch_size"] is None
    return "Does the batch size change the result?" if compares else "Which batch size, and how sure is that?"


def answer(tables: Tables) -> list[str]:
    """Return the answer of the study: a headline, then the sentences that say how sure it is."""
    if not tables.cells["ok"].any():
        return [f"No run ended well ({phrases.statuses(tables)}).", "There is no accuracy to compare."]
    if tables.chosen.empty:
        return not_chosen(tables)
    if tables.summary["best_batch_size"] is None:
        return [
            verdict(tables),
            right(tables),
            largest_difference(tables),
            " ".join([*same(tables), not_selected(tables)]),
        ]
    return [best(tables), compared(tables), edge(tables)]


def best(tables: Tables) -> str:
    """Return the chosen batch size and rate with their test accuracy."""
    cell = phrases.reference(tables)
    how = "has the highest validation accuracy and reaches" if len(tables.distinct) > 1 else "reaches"
    return f"{phrases.at(cell)} {how} {phrases.mean(cell)} on the test rows."


def comparison(tables: Tables) -> str:
    """Return how the batch sizes differ, for a study that chooses one and for a study that does not."""
    return largest_difference(tables) if tables.summary["best_batch_size"] is None else compared(tables)


def compared(tables: Tables) -> str:
    """Return which batch sizes cannot be told apart from the reference, and what the largest one loses."""
    others = phrases.others_of(tables)
    if others.empty:
        return "There is no other batch size to compare it with."
    if others["difference_low"].isna().all():
        return f"With {count(tables.seeds, 'seed')} there are no intervals, so the other batch sizes cannot be judged."
    alike = others[~phrases.differ(others)]
    part = (
        f"{phrases.these(alike, others)} cannot be told apart from it"
        if len(alike)
        else "Every other batch size differs from it"
    )
    return f"{part} (95 % intervals of the differences paired by seed); {largest(others.iloc[-1], tables)}."


def largest(row: pd.Series, tables: Tables) -> str:
    """Return what the largest batch size with an accuracy loses against the reference."""
    trained = row["effective_batch_size"] == tables.batch_sizes["effective_batch_size"].max()
    name = f"the largest{'' if trained else ' with an accuracy'}, {size(row['batch_size'])},"
    if not known(row["difference_low"]):
        return f"{name} shares too few seeds with it for an interval"
    if not phrases.differ(row):
        return f"{name} differs by {phrases.difference(row)}, which includes 0"
    low, high = sorted((abs(100 * row["difference_low"]), abs(100 * row["difference_high"])))
    points = f"{'loses' if row['difference_mean'] < 0 else 'gains'} {number(abs(100 * row['difference_mean']))} points"
    return f"{name} {points} ({span(low, high)}, n = {phrases.pairs(row)})"


def edge(tables: Tables, margin: int = MARGIN) -> str:
    """Return how the largest reliable base learning rate changes as m doubles."""
    if tables.single_rate:
        return "With one base learning rate there is no range of reliable rates to compare."
    fit = tables.summary["reliable_upper_edge"][str(margin)]
    if not known(fit["slope"], fit["low"]):
        return (
            "How the largest base learning rate that trains reliably changes with m is not decided: a slope with an "
            f"interval needs 3 batch sizes at which it lies inside the grid; there are {fit['points']}."
        )
    values = f"slope {number(fit['slope'])}, 95 % interval {span(fit['low'], fit['high'])}, {fit['points']} batch sizes"
    if fit["low"] <= 0 <= fit["high"]:
        return f"The largest base learning rate that trains reliably shows no change with m ({values}: it includes 0)."
    factor = f"{number(2 ** fit['slope'])} ({span(2 ** fit['low'], 2 ** fit['high'])})"
    return f"Each doubling of m multiplies the largest base learning rate that trains reliably by {factor}: {values}."


def verdict(tables: Tables) -> str:
    """Return in a few words whether any batch size gives another test accuracy than the reference."""
    others, against = phrases.others_of(tables), size(phrases.reference(tables)["batch_size"])
    if others["difference_low"].isna().all():
        return "Not decided: a difference needs two batch sizes, and an interval two seeds."
    apart = others[phrases.differ(others)]
    if apart.empty:
        return f"Not measurably here: no batch size can be told apart from {against}."
    which = phrases.these(apart, others).lower()
    return f"Yes, here: {which} {'differs' if len(apart) == 1 else 'differ'} from {against}."


def right(tables: Tables) -> str:
    """Return the mean number of test rows that are right for each m; for many m, the fewest and the most."""
    rows = tables.distinct
    if len(rows) > FEW:
        rows = rows.loc[sorted({rows["test_correct_mean"].idxmin(), rows["test_correct_mean"].idxmax()})]
    counts = listed(
        f"{right_rows(row, tables.test_rows)} at m = {size(row['batch_size'])}" for _, row in rows.iterrows()
    )
    return f"Of {tables.test_rows:,} test rows a run gets right on average {counts} ({seeds(rows)})."


def right_rows(row: pd.Series, total: int) -> str:
    """Return the mean number of test rows that are right, with its interval, cut at 0 and the total."""
    text, low, high = (row[f"test_correct_{bound}"] for bound in ("mean", "low", "high"))
    return number(text, 1) + (f" ({span(max(low, 0), min(high, total), 1)})" if known(low) else "")


def largest_difference(tables: Tables) -> str:
    """Return the largest paired difference of test accuracy, in points and in rows."""
    others = phrases.others_of(tables)
    if others.empty:
        return "There is no other batch size to compare it with."
    against = size(phrases.reference(tables)["batch_size"])
    if others["difference_mean"].isna().all():
        return f"No seed ended well at m = {against} and at another batch size, so there is no difference to measure."
    row = others.loc[others["difference_mean"].abs().idxmax()]
    where = f"The largest difference, m = {size(row['batch_size'])} against m = {against}"
    if not known(row["difference_low"]):
        return f"{where}, is {signed(100 * row['difference_mean'])} points with one pair of seeds: it has no interval."
    rows = [tables.test_rows * row[f"difference_{bound}"] for bound in ("mean", "low", "high")]
    zero = "excludes 0" if phrases.differ(row) else "includes 0, so the two cannot be told apart"
    return (
        f"{where}, is {phrases.difference(row)}; in rows {signed(rows[0], 1)} ({span(rows[1], rows[2], 1)}) of "
        f"{tables.test_rows:,}. The interval {zero}."
    )


def same(tables: Tables) -> list[str]:
    """Return a sentence for each batch size above the number of training rows."""
    return [
        f"m = {size(one['batch_size'])} is treated as m = {size(one['effective_batch_size'])}, all training rows"
        + (": the two are the same bit for bit" if one["identical_to"] else "")
        + f" (SHA-256 of the run files {one['sha256'][:12]}…)."
        for one in tables.summary["same_as"]
    ]


def not_selected(tables: Tables) -> str:
    """Return that the study chooses nothing, and why."""
    return f"Nothing was selected: {phrases.rates(tables)} and no validation rows."


def not_chosen(tables: Tables) -> list[str]:
    """Return what can be said of a study with several rates in which none could be chosen."""
    reasons = [reason.removeprefix("none: ") for reason in tables.batch_sizes["selected_by"].unique()]
    top = tables.cells.loc[tables.cells["test_accuracy_mean"].idxmax()]
    highest = f"{phrases.mean(top)}, at {phrases.at(top, start=False)}"
    return [
        f"No batch size or learning rate was selected: {listed(reasons)}.",
        f"The highest mean test accuracy of a cell is {highest}; picked on the test rows, it promises too much.",
    ]


def seeds(rows: pd.DataFrame) -> str:
    """Return the n of some rows, with what the numbers in brackets are."""
    low, high = rows["ok"].min(), rows["ok"].max()
    n = f"n = {low:.0f}" if low == high else f"n = {low:.0f} to {high:.0f}"
    return f"95 % intervals, {n} seeds" if rows["test_correct_low"].notna().any() else f"{n}, no interval"
