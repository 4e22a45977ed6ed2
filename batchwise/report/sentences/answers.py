"""The answer of a study in sentences. Numbers come with their interval and n, and nothing is claimed beyond them."""

import pandas as pd

from batchwise.analysis.study_tables import Tables
from batchwise.report import metric_format
from batchwise.report.number_format import known, number, signed, size
from batchwise.report.sentences import choice as choices
from batchwise.report.sentences import phrases
from batchwise.report.sentences.grammar import count, listed, span

FEW = 6  # as many batch sizes as a sentence names one by one


def question(tables: Tables) -> str:
    """Return what the study asks, as a title."""
    compares = tables.single_rate and tables.best_batch_size is None
    return "Does the batch size change the result?" if compares else "Which batch size, and how sure is that?"


def answer(tables: Tables, choice: pd.DataFrame) -> list[str]:
    """Return the answer of the study: a headline, then the sentences that say how sure it is.

    `choice` is the table of recommendation.whole_runs.
    """
    if not tables.summary["runs_by_status"]["ok"]:
        return [f"No run ended well ({phrases.statuses(tables)}).", f"There is no {tables.metric.title} to compare."]
    if tables.chosen.empty:
        return not_chosen(tables)
    if tables.reference_batch_size is None:
        return ["Nothing can be said: the tables lack the batch size that the others are compared with.", *same(tables)]
    chosen = [choices.sentence(tables, choice)] if choice["chosen"].any() else []
    if tables.best_batch_size is None:
        return [
            verdict(tables),
            *chosen,
            *counted(tables),
            largest_difference(tables),
            " ".join([*same(tables), not_selected(tables)]),
        ]
    return [*chosen, best(tables), compared(tables), edge(tables)]


def best(tables: Tables) -> str:
    """Return the chosen batch size and rate with what they give on test rows."""
    cell, metric = phrases.reference(tables), tables.metric
    how = f"has the {metric.best} validation {metric.title} and reaches" if len(tables.distinct) > 1 else "reaches"
    return f"{phrases.at(cell)} {how} {phrases.mean(metric, cell)} on the test rows."


def comparison(tables: Tables) -> str:
    """Return how the batch sizes differ, for a study that chooses one and for a study that does not."""
    if tables.reference_batch_size is None:
        return "The tables lack the batch size that the others are compared with."
    return largest_difference(tables) if tables.best_batch_size is None else compared(tables)


def compared(tables: Tables) -> str:
    """Return which batch sizes cannot be told apart from the reference, and how much worse the largest one is."""
    others, against = phrases.others_of(tables), phrases.reference(tables)["batch_size"]
    if others.empty:
        return "There is no other batch size to compare it with."
    if others["difference_low"].isna().all():
        return f"With {count(tables.seeds, 'seed')} there are no intervals, so the other batch sizes cannot be judged."
    apart = others[phrases.differ(others)]
    verb = "differs" if len(apart) == 1 else "differ"
    part = f"{phrases.these(apart, others)} {verb} from" if len(apart) else "No other batch size can be told apart from"
    how = "95 % intervals of the differences paired by seed, which hold together"
    return f"{part} batch size {size(against)} ({how}); {largest(others.iloc[-1], tables)}."


def largest(row: pd.Series, tables: Tables) -> str:
    """Return how much worse the largest batch size with a result is than the reference, which may be larger."""
    trained = tables.batch_sizes["effective_batch_size"].max()
    of_which = {row["effective_batch_size"]: "", phrases.reference(tables)["effective_batch_size"]: " of the others"}
    name = f"the largest{of_which.get(trained, ' with a result')}, {size(row['batch_size'])},"
    if not known(row["difference_low"]):
        return f"{name} shares too few seeds with it for an interval"
    if not phrases.differ(row):
        return f"{name} differs by {phrases.difference(tables.metric, row)}, which includes 0"
    low, high = sorted(abs(row[f"difference_together_{bound}"]) for bound in ("low", "high"))
    interval = metric_format.bare_differences(tables.metric, low, high)
    how = "worse" if tables.metric.sign * row["difference_mean"] < 0 else "better"
    size_of = metric_format.size_of_difference(tables.metric, row["difference_mean"])
    return f"{name} is {how} by {size_of} ({interval}, n = {phrases.pairs(row)})"


def edge(tables: Tables) -> str:
    """Return how the largest reliable base learning rate changes as m doubles."""
    if tables.single_rate:
        return "With one base learning rate there is no range of reliable rates to compare."
    fit = tables.summary["reliable_upper_edge"][f"{tables.metric.margin:g}"]
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
    """Return in a few words whether any batch size gives another result on test rows than the reference."""
    others, against = phrases.others_of(tables), size(phrases.reference(tables)["batch_size"])
    if others["difference_low"].isna().all():
        return "Not decided: a difference needs two batch sizes, and an interval two seeds."
    apart = others[phrases.differ(others)]
    if apart.empty:
        return f"Not measurably here: no batch size can be told apart from {against}."
    which = phrases.these(apart, others).lower()
    return f"Yes, here: {which} {'differs' if len(apart) == 1 else 'differ'} from {against}."


def counted(tables: Tables) -> list[str]:
    """Return the mean number of test rows that the metric counts for each m; for many m, the fewest and the most.

    Nothing for a metric that counts no rows.
    """
    if not tables.metric.counted:
        return []
    name = tables.metric.counted[0]
    rows = tables.distinct.dropna(subset=f"test_{name}_mean")
    if rows.empty:
        return []
    if len(rows) > FEW:
        means = rows[f"test_{name}_mean"]
        rows = rows.loc[sorted({means.idxmin(), means.idxmax()})]
    counts = listed(f"{rows_counted(row, name)} at m = {size(row['batch_size'])}" for _, row in rows.iterrows())
    n = seeds(rows, intervals=rows[f"test_{name}_low"].notna().any())
    return [f"{name.capitalize()}, of {tables.test_rows:,} test rows, on average: {counts} ({n})."]


def rows_counted(row: pd.Series, name: str) -> str:
    """Return the mean number of test rows of a name, with its interval."""
    text, low, high = (row[f"test_{name}_{bound}"] for bound in ("mean", "low", "high"))
    return number(text, 1) + (f" ({span(low, high, 1)})" if known(low) else "")


def largest_difference(tables: Tables) -> str:
    """Return the largest paired difference on test rows, of a share of the rows in rows too."""
    metric, others = tables.metric, phrases.others_of(tables)
    if others.empty:
        return "There is no other batch size to compare it with."
    against = size(phrases.reference(tables)["batch_size"])
    if others["difference_mean"].isna().all():
        return f"No seed ended well at m = {against} and at another batch size, so there is no difference to measure."
    row = others.loc[others["difference_mean"].abs().idxmax()]
    where = f"The largest difference, m = {size(row['batch_size'])} against m = {against}"
    if not known(row["difference_low"]):
        amount = f"{metric_format.bare_difference(metric, row['difference_mean'])} {metric.differences}"
        return f"{where}, is {amount} with one pair of seeds: it has no interval."
    zero = "excludes 0" if phrases.differ(row) else "includes 0, so the two cannot be told apart"
    rows = in_rows(row, tables.test_rows) if metric.counted else ""
    return f"{where}, is {phrases.difference(metric, row)}{rows}. The interval {zero}."


def in_rows(row: pd.Series, total: int) -> str:
    """Return the difference of a share of the rows as a number of rows."""
    mean, low, high = (total * row[f"difference_{bound}"] for bound in ("mean", "together_low", "together_high"))
    return f"; in rows {signed(mean, 1)} ({span(low, high, 1)}) of {total:,}"


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
    metric = tables.metric
    selected = f"No batch size or learning rate was selected: {listed(reasons or ['the tables do not say why'])}."
    if tables.cells[metric.column("test", "mean")].isna().all():
        return [selected, f"No cell has a test {metric.title}."]
    top = phrases.best_on_test_rows(tables)
    best = f"{phrases.mean(metric, top)}, at {phrases.at(top, start=False)}"
    return [
        selected,
        f"The {metric.best} mean test {metric.title} of a cell is {best}; picked on the test rows, it promises too "
        "much.",
    ]


def seeds(rows: pd.DataFrame, *, intervals: bool) -> str:
    """Return the n of some rows, with what the numbers in brackets are."""
    low, high = rows["ok"].min(), rows["ok"].max()
    n = f"n = {number(low, 0)}" if low == high else f"n = {span(low, high, 0)}"
    return f"95 % intervals, {n} seeds" if intervals else f"{n}, no interval"
