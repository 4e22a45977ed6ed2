"""The choice that a person would make, in a sentence: what cannot be told apart, and the cheapest of it."""

from typing import Any

import pandas as pd

from batchwise.analysis.study_tables import Tables
from batchwise.report import metric_format
from batchwise.report.number_format import MISSING, known, rate, seconds, size
from batchwise.report.sentences import engines, phrases
from batchwise.report.sentences.grammar import count, listed


def too_few_updates(tables: Tables) -> list[str]:
    """Return which batch sizes make too few updates to train, and how to compare them; nothing where none does."""
    rows = tables.distinct[tables.distinct["too_few_updates"].eq(True)]
    if rows.empty:
        return []
    made = [f"m = {size(row['batch_size'])} makes {count(row['updates'], 'update')}" for _, row in rows.iterrows()]
    epochs = count(tables.summary["recipe"]["budget"]["epochs"], "epoch")
    them, most = "it" if len(rows) == 1 else "them", tables.batch_sizes["updates"].max()
    return [
        f"{listed(made)} in {epochs}, too few to train: compare {them} at equal updates, with budget: "
        f"{{updates: {most}}} in params.yaml, say."
    ]


def sentence(tables: Tables, choice: pd.DataFrame) -> str:
    """Return which batch sizes cannot be told apart from the best, and the cheapest of them with its result.

    `choice` is the table of recommendation.whole_runs; one of its rows must be chosen.
    """
    [row], [best] = (choice[choice[name]].to_dict("records") for name in ("chosen", "best"))
    what = f"m = {size(row['batch_size'])} (η = {rate(row['learning_rate'])})"
    does = f"{takes(tables, row)} and reaches {result(tables, row)}."
    alike, others = choice[choice["alike"]], choice["difference_low"].notna()
    if len(alike) > 1:
        which = f"{phrases.these(alike, choice)} cannot be told apart from the best of them, {size(best['batch_size'])}"
        if row["best"]:
            return f"{which}, which is the cheapest, too: {what} {does}"
        return f"{which}; the cheapest{_near(alike, row, tables)}, {what}, {does}"
    if not others.any():
        return f"{what} {does}"
    lost = (choice.loc[others, "n"] < row["n"]).any()
    return f"No other batch size{' with as many runs' if lost else ''} is as good as {what}, which {does}"


def _near(alike: pd.DataFrame, row: dict[str, Any], tables: Tables) -> str:
    """Return how near to the best a batch size must be, where a cheaper one is not."""
    cost = "updates" if alike["seconds"].isna().any() else "seconds"
    margin = metric_format.margin(tables.metric, tables.metric.least_margin)
    return f" that is at most {margin} behind" if (alike[cost] < row[cost]).any() else ""


def takes(tables: Tables, row: dict[str, Any]) -> str:
    """Return what a run takes: its time, if that was measured, or its updates."""
    if known(row["seconds"]):
        share = engines.share(engines.lanes(tables.summary["recipe"]))
        return f"takes {seconds(row['seconds'])} of updates{f', as {share},' if share else ''}"
    return f"makes {count(int(row['updates']), 'update')}"


def result(tables: Tables, row: dict[str, Any]) -> str:
    """Return a result on test rows with its intervals, and what they cover: other seeds, and other rows too."""
    metric = tables.metric
    ends = (metric.column("test", "new_rows", end) for end in ("low", "high"))
    seeds, rows = phrases.test_interval(metric, row), metric_format.interval(metric, *(row[end] for end in ends))
    n = count(int(row["n"]), "fresh seed" if tables.summary["confirmation"] else "seed")
    value = metric_format.shown(metric, row[metric.column("test", "mean")])
    if seeds == MISSING:
        return f"{value} on the test rows ({n}, no interval)"
    if tables.folds:
        return f"{value} on test rows, for other seeds and rows ({seeds}; {n}, 95 % interval)"
    if rows == MISSING:
        return f"{value} on these test rows for other seeds ({seeds}; {n}, 95 % interval)"
    return f"{value} on these test rows for other seeds ({seeds}), and for new rows too ({rows}; {n}, 95 % intervals)"
