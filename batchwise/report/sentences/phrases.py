"""Parts of sentences about a study: its cells, intervals and batch sizes in words."""

import math
from typing import Any

import pandas as pd

from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.number_format import MISSING, number, rate, shortest, size
from batchwise.report.sentences.grammar import count, listed


def statuses(tables: Tables) -> str:
    """Return how the distinct runs ended: `410 ok, 305 diverged`."""
    counts = {name.replace("_", " "): amount for name, amount in tables.summary["runs_by_status"].items() if amount}
    total = count(tables.summary["grid"]["runs"], "run")
    return f"{total}: {listed(f'{amount:,} {name}' for name, amount in counts.items())}"


def rates(tables: Tables) -> str:
    """Return the number of learning rates: `one learning rate`, `13 learning rates`."""
    amount = tables.summary["grid"]["base_learning_rates"]
    return "one learning rate" if amount == 1 else count(amount, "learning rate")


def reference(tables: Tables) -> pd.Series:
    """Return the row of the batch size that the others are compared with; there must be one."""
    rows = tables.batch_sizes
    return rows[rows["batch_size"] == tables.reference_batch_size].iloc[0]


def best_on_test_rows(tables: Tables) -> pd.Series:
    """Return the cell with the best mean on test rows, which no study chooses by; there must be one with a mean."""
    means = tables.cells[tables.metric.column("test", "mean")]
    return tables.cells.loc[(tables.metric.sign * means).idxmax()]


def others_of(tables: Tables) -> pd.DataFrame:
    """Return the distinct rows but that of the reference."""
    rows = tables.distinct
    return rows[rows["effective_batch_size"] != reference(tables)["effective_batch_size"]].reset_index(drop=True)


def differ(rows: pd.DataFrame | pd.Series) -> pd.Series | bool:
    """Return whether the interval of the difference, which holds together with the others', excludes 0; no without."""
    return (rows["difference_together_low"] > 0) | (rows["difference_together_high"] < 0)


def at(cell: pd.Series, *, start: bool = True) -> str:
    """Return the name of a cell: its batch size and learning rates."""
    name = "Batch size" if start else "batch size"
    same_rate = math.isclose(cell["base_learning_rate"], cell["learning_rate"])
    both = "" if same_rate else f" (η = {rate(cell['learning_rate'])})"
    return (
        f"{name} {size(int(cell['batch_size']))} with base learning rate η̃ = {rate(cell['base_learning_rate'])}{both}"
    )


def mean(metric: Metric, row: pd.Series, n: str = "ok") -> str:
    """Return the mean of a metric on test rows with its interval; `n` is the column with the number of seeds."""
    shown = test_interval(metric, row)
    interval = f"95 % interval {shown}, " if shown != MISSING else "no interval, "
    return f"{metric_format.shown(metric, row[metric.column('test', 'mean')])} ({interval}n = {number(row[n], 0)})"


def test_interval(metric: Metric, row: pd.Series | dict[str, Any]) -> str:
    """Return the interval of a metric on test rows, without its unit."""
    return metric_format.interval(metric, *(row[metric.column("test", bound)] for bound in ("low", "high")))


def difference(metric: Metric, row: pd.Series) -> str:
    """Return a paired difference with its interval, which holds together with the others', and n."""
    text = metric_format.bare_difference(metric, row["difference_mean"])
    interval = metric_format.bare_differences(metric, row["difference_together_low"], row["difference_together_high"])
    return f"{text} {metric.differences} (95 % interval {interval}, n = {pairs(row)})"


def margins(metric: Metric) -> str:
    """Return the margins of the reliable range: `1, 2 or 5 points`."""
    amounts = listed(map(shortest, metric.margins), last="or")
    return f"{amounts} {metric.differences}"


def pairs(row: pd.Series) -> str:
    """Return the number of pairs of seeds behind a difference."""
    return number(row["difference_n"], 0)


def these(rows: pd.DataFrame, among: pd.DataFrame) -> str:
    """Return `Batch size 2` or `Batch sizes 2, 8 to 64 and 256`."""
    return f"Batch size{'s' if len(rows) > 1 else ''} {sizes(rows, among)}"


def sizes(rows: pd.DataFrame, among: pd.DataFrame) -> str:
    """Return the batch sizes of some rows, neighbours in the table `among` joined: `2, 8 to 64 and 256`."""
    order = {batch_size: place for place, batch_size in enumerate(among["batch_size"])}
    stretches: list[list[int]] = []
    for batch_size in rows["batch_size"]:
        if stretches and order[batch_size] == order[stretches[-1][-1]] + 1:
            stretches[-1].append(batch_size)
        else:
            stretches.append([batch_size])
    names = []
    for stretch in stretches:
        ends = [f"{size(stretch[0])} to {size(stretch[-1])}"]
        names += ends if len(stretch) > 2 else [size(batch_size) for batch_size in stretch]
    return listed(names)
