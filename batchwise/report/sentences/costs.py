"""What a batch size costs and buys, in sentences."""

from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.costs import DEADLINES
from batchwise.analysis.equal_budgets import UNMEASURED
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.number_format import MISSING, digits, known, memory, number, rate, seconds, shortest, size
from batchwise.report.sentences import engines, phrases
from batchwise.report.sentences.grammar import count, listed


def advice(table: pd.DataFrame, metric: Metric) -> list[str]:
    """Return which batch size to use: a sentence for each deadline in the table of advice."""
    given = table.fillna({"deadline_seconds": np.inf, "memory_limit_bytes": np.inf})
    groups = given.groupby(["memory_limit_bytes", "deadline_seconds"], sort=False)
    return [_advice(limit, deadline, rows, metric) for (limit, deadline), rows in groups]


def _advice(limit: float, deadline: float, rows: pd.DataFrame, metric: Metric) -> str:
    room = f"{memory(limit)} of memory" if np.isfinite(limit) else "any memory"
    time = f"a deadline of {seconds(deadline, shortest)}" if np.isfinite(deadline) else "no deadline"
    if not rows["chosen"].any():
        return f"With {room} and {time} no batch size can be named: {_why_none(rows, metric)}."
    row = rows[rows["chosen"]].iloc[0]
    epochs = "" if rows["best"].any() else f" for {count(int(row['epochs']), 'epoch')}"
    took = f"{count(int(row['updates']), 'update')} in {seconds(row['seconds'])}"
    return (
        f"With {room} and {time} use m = {size(int(row['batch_size']))}, η = {rate(row['learning_rate'])}{epochs}"
        f"{_why(rows)}: {phrases.mean(metric, row, 'n')} on the test rows, {took}, {memory(row['memory_peak_bytes'])}."
        f"{_flattered(row, metric)}{_not_counted(rows)}"
    )


def _why(rows: pd.DataFrame) -> str:
    """Return why a batch size is to be used: nothing where there is but one, or where its runs are cut short."""
    alike, best = rows[rows["alike"]], rows[rows["best"]]
    if best.empty or len(rows) == 1:
        return ""
    if len(alike) == 1:
        return ", better than every other"
    apart = f"those that cannot be told apart from the best, {size(int(best['batch_size'].iloc[0]))}"
    return f", the cheapest of {apart} (m = {phrases.sizes(alike, rows)})"


def _flattered(row: pd.Series, metric: Metric) -> str:
    if known(row[metric.column("validation", "mean")]):
        return ""
    return " Test rows chose it, since there are no validation rows: its result is flattered."


def time_is_no_reason(rows: pd.DataFrame) -> list[str]:
    """Return that every whole run takes less than a minute, of the rows without a deadline; nothing otherwise."""
    taken = rows["seconds"].dropna()
    if taken.empty or taken.max() >= DEADLINES[0]:
        return []
    times = f"{seconds(taken.min())} to {seconds(taken.max())}" if len(taken) > 1 else seconds(taken.item())
    return [f"The updates of a run take {times}: time is no reason to choose, and there is no advice for deadlines."]


def _not_counted(rows: pd.DataFrame) -> str:
    unknown = rows.loc[rows["status"].eq(UNMEASURED), "batch_size"]
    return f" Not counted, since not measured: m = {listed(map(size, unknown))}." if len(unknown) else ""


def _why_none(rows: pd.DataFrame, metric: Metric) -> str:
    if not rows["fits"].any():
        unknown = rows["status"].eq(UNMEASURED)
        return "none fits" if not unknown.any() else "none was measured" if unknown.all() else "none is known to fit"
    fitting = rows[rows["fits"]]
    if fitting[metric.column("test", "mean")].isna().all():
        return "none could be chosen: no learning rate trained with every seed"
    return "none could be chosen: there are no validation rows, and the seconds were not measured"


def budgets(table: pd.DataFrame, metric: Metric) -> str:
    """Return which batch size is best at the largest amount of each budget that most batch sizes have."""
    parts = []
    validation, test = (metric.column(split, "mean") for split in ("validation", "test"))
    for kind, rows in table.groupby("budget", sort=False):
        rows = rows[rows["status"].eq("measured")].dropna(subset=test)
        if rows.empty:
            continue
        counts = rows.groupby("level")["batch_size"].nunique()
        level = counts[counts == counts.max()].index[-1]
        at_level = rows[rows["level"].eq(level)]
        by = validation if at_level[validation].notna().any() else test
        best = at_level.loc[(metric.sign * at_level[by]).idxmax()]
        amount = seconds(level) if kind == "seconds" else count(int(level), kind[:-1])
        parts.append(
            f"at {amount} m = {size(int(best['batch_size']))} ({phrases.mean(metric, best, 'n')}, of {len(at_level)} m)"
        )
    return (
        f"Best on validation rows, at its best rate then: {listed(parts)}." if parts else "There is nothing to compare."
    )


def time(fits: dict[str, Any]) -> str:
    """Return the fit of the time of an update."""
    fit = fits["time"]
    if not known(fit["overhead"]["value"]):
        return "A fit takes three batch sizes."
    share = engines.share(fits["machine"].get("lanes", 1))
    of_run = f"An update takes a run, as {share}," if share else "An update takes"
    return (
        f"{of_run} {estimate(fit['overhead'], 1e6)} µs and {estimate(fit['example'], 1e6)} µs for each row "
        f"(t = a + b·m, R² = {number(fit['r_squared'], 3)}, {fit['points']} points); {_knee(fit['knee'])}."
    )


def _knee(found: dict[str, float | None]) -> str:
    if not known(found["value"]):
        return "a row takes no time that could be told from 0, so there is no knee a/b"
    return f"the two are equal at the knee, a/b = {estimate(found)} rows"


def memory_fit(fits: dict[str, Any], doubling: pd.DataFrame) -> str:
    """Return the fit of the peak memory, and how large a batch was seen to fit."""
    fit, most, limit = fits["memory"], fits["largest_batch_size"], fits["machine"].get("memory_limit_bytes")
    line, lanes = "A fit of memory takes three batch sizes.", fits["machine"].get("lanes", 1)
    in_lanes = f", in all {lanes} lanes together" if lanes > 1 else ""
    if known(fit["constant"]["value"]):
        line = (
            f"A process takes {estimate(fit['constant'], 2**-20)} MiB and {estimate(fit['row'], 2**-10)} KiB for "
            f"each row of a batch{in_lanes} (M = c + d·m, {fit['points']} points, of the grid and of doubling)."
        )
    if not known(most["fits"]):
        return line
    if not doubling["status"].isin(["fits", "out_of_memory"]).any():
        return f"{line} Up to m = {size(most['fits'])} all fits; what lies beyond was not measured."
    end = f"at m = {size(most['out_of_memory'])} it ended" if known(most["out_of_memory"]) else "it did not end there"
    allowed = f" ({memory(limit)} were allowed)" if known(limit) else ""
    return f"{line} By doubling, m = {size(most['fits'])} still fits; {end}{allowed}."


def not_measured(sizes: pd.Series, points: pd.DataFrame) -> list[str]:
    """Return a sentence for each point without a measurement, and one for the batch sizes that have no point."""
    texts = []
    for _, point in points[points["status"].ne("ok")].iterrows():
        alike = points[points["dtype"].eq(point["dtype"]) & points["status"].eq("ok")]
        fault = point["status"] == "out_of_memory" and (alike["batch_size"] > point["batch_size"]).any()
        why = "more fits, so it is a fault of the machine; measure again" if fault else point["message"]
        status = point["status"].replace("_", " ") + (f" ({why})" if known(why) else "")
        texts.append(f"Not measured: m = {size(point['batch_size'])} in {point['dtype']}, {status}.")
    missing = sorted({*sizes} - {*points.loc[points["purpose"].eq("grid"), "batch_size"]})
    return texts + ([f"Not measured: m = {listed(map(size, missing))}."] if missing else [])


def estimate(found: dict[str, float | None], factor: float = 1.0) -> str:
    """Return a number with its interval; a bound that is not there is open, and the number too where it is infinite."""
    value, low, high = (None if (one := found[key]) is None else factor * one for key in ("value", "low", "high"))
    if value is None:
        return f"{digits(low)} or more (95 %)"
    if low is None and high is None:
        return f"{digits(value)} (no interval)"
    if high is None:
        return f"{digits(value)} (95 %: {digits(low)} or more)"
    return f"{digits(value)} ({digits(low)} to {digits(high)})"


def price(row: dict[str, Any], metric: Metric) -> str:
    """Return the difference of a row of advice from the batch size to use, with its interval, without its unit."""
    if row["chosen"]:
        return "the choice"
    mean = metric_format.bare_difference(metric, row["difference_mean"])
    interval = metric_format.bare_differences(metric, row["difference_low"], row["difference_high"])
    return mean if interval == MISSING else f"{mean} ({interval})"


def _note(row: dict[str, Any]) -> str:
    if row["fits"]:
        return "" if known(row["learning_rate"]) else "no rate trained"
    return "not measured" if row["status"] == UNMEASURED else "does not fit"


def lines(table: pd.DataFrame, metric: Metric) -> list[str]:
    """Return the table of advice as lines of a terminal: every batch size, with the price of choosing it instead."""
    from_choice = f"{metric.differences} from the choice"
    heading = metric_format.heading(metric, "test")
    rows = [["m", "η", heading, from_choice, "updates", "seconds", "to compile", "memory", ""]]
    for row in table.to_dict("records"):
        if not known(row["learning_rate"]):
            rows.append([size(int(row["batch_size"])), *[MISSING] * 7, _note(row)])
            continue
        rows.append(
            [
                size(int(row["batch_size"])),
                rate(row["learning_rate"]),
                f"{metric_format.bare(metric, row[metric.column('test', 'mean')])} "
                f"({phrases.test_interval(metric, row)})",
                price(row, metric),
                number(row["updates"], 0),
                seconds(row["seconds"]),
                seconds(row["compile_seconds"]),
                memory(row["memory_peak_bytes"]),
                _note(row),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
