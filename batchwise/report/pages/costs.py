"""The parts of a study's report about what a batch size costs: the choice, three budgets, time and memory, noise."""

from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.analysis.cost_tables import Costs, read_costs
from batchwise.analysis.equal_budgets import TOO_LONG, TOO_SHORT
from batchwise.data.metric import Metric
from batchwise.measuring.landscape import landscape_files
from batchwise.measuring.landscape.landscape_files import Landscape
from batchwise.measuring.profiling import profile_files
from batchwise.report import metric_format
from batchwise.report.figures import costs as cost_figures
from batchwise.report.figures import laws as law_figures
from batchwise.report.html import Entry, Html, figure, items, join, paragraph, table
from batchwise.report.number_format import MISSING, digits, known, memory, number, rate, seconds, size
from batchwise.report.pages import memory as memory_page
from batchwise.report.sentences import costs as cost_sentences
from batchwise.report.sentences import engines, phrases
from batchwise.report.sentences import laws as law_sentences
from batchwise.report.sentences.grammar import count, listed
from batchwise.statistics.intervals import mean_interval

NOT_MEASURED = "Not measured in this pipeline: it has no stage that measures time and memory."
MOST_LEVELS = 6


def read(folder: Path, study: str) -> tuple[Costs | None, profile_files.Profile | None, Landscape | None]:
    """Return what was measured of a study: costs, profile, landscape; None each without these stages (paper/).

    Raises UserError if a table is damaged.
    """
    if not (folder / "costs").exists():
        return None, None, None
    costs = read_costs(folder / "costs" / study)
    return costs, profile_files.read(folder / "profiles" / study), landscape_files.read(folder / "landscapes" / study)


def choice(costs: Costs | None, metric: Metric) -> Html:
    """Return which batch size to use, and the price of the others."""
    if costs is None:
        return paragraph(NOT_MEASURED)
    rows = costs.advice[costs.advice["deadline_seconds"].isna()]
    from_choice, machine = f"{metric.differences} from the choice (interval)", costs.fits["machine"]
    headings = ["m", "η", metric_format.heading(metric, "test"), "95 % interval", from_choice, "updates"]
    return join(
        *(paragraph(text, "finding") for text in cost_sentences.advice(costs.advice, metric)),
        *map(paragraph, cost_sentences.time_is_no_reason(rows)),
        table(
            "Every batch size at its chosen learning rate, trained as long as the study trains",
            [*headings, "seconds of updates", "to compile", "peak memory", "n"],
            (_choice(row, metric) for row in rows.to_dict("records")),
            "numbers",
        ),
        paragraph(
            " ".join(
                [
                    "Seconds are of weight updates on the machine that measured them, without evaluation; a batch size "
                    "is compiled once for all runs.",
                    *engines.of_times(machine),
                    engines.of_memory(machine),
                    "The command python -m batchwise advise answers for another memory or deadline.",
                ]
            )
        ),
    )


def _choice(row: dict[str, Any], metric: Metric) -> list[Entry]:
    return [
        size(int(row["batch_size"])),
        rate(row["learning_rate"]),
        metric_format.bare(metric, row[metric.column("test", "mean")]),
        phrases.test_interval(metric, row),
        cost_sentences.price(row, metric),
        number(row["updates"], 0),
        seconds(row["seconds"]),
        seconds(row["compile_seconds"]),
        memory(row["memory_peak_bytes"]),
        number(row["n"], 0),
    ]


def budgets(costs: Costs | None, metric: Metric) -> Html:
    """Return the results under equal epochs, equal updates and equal seconds, and the steps to targets."""
    if costs is None:
        return paragraph(NOT_MEASURED)
    if costs.budgets.empty:
        return paragraph("Not known: the table of the budgets is empty.")
    if costs.budgets[metric.column("test", "mean")].isna().all():
        return paragraph(f"Not applicable: no learning rate could be chosen, so there is no {metric.title} to compare.")
    finding = cost_sentences.budgets(costs.budgets, metric)
    caption = (
        f"Test {metric.title} at the learning rate that is best, on validation rows, for that amount of the budget, as "
        "if the runs ended there. "
        "Shaded: 95 % interval over the seeds. A line begins at the first epoch and ends where the study's training "
        "ends."
    )
    return join(
        paragraph(finding, "finding"),
        figure(
            cost_figures.budgets(costs.budgets, metric), f"Test {metric.title} under three budgets. {finding}", caption
        ),
        _levels(costs.budgets, metric),
        *([_targets(costs, metric)] if len(costs.targets) or costs.fits["critical_batch_size"] else []),
        *_law_figure(costs, metric),
        items([*law_sentences.critical(costs.fits, metric), law_sentences.learning_rates(costs.fits)]),
    )


def _levels(table_of: pd.DataFrame, metric: Metric) -> Html:
    """Return the results at some levels of each budget, a column for each of a few batch sizes."""
    sizes = cost_figures.shown(sorted(table_of["batch_size"].unique()))
    rows = []
    for kind, levels in table_of[table_of["batch_size"].isin(sizes)].groupby("budget", sort=False):
        amounts = sorted(levels["level"].unique())
        for amount in amounts[:: -(-len(amounts) // MOST_LEVELS)]:
            at_level = levels[levels["level"].eq(amount)].set_index("batch_size").reindex(sizes)
            name = seconds(amount) if kind == "seconds" else count(int(amount), kind[:-1])
            rows.append([name, *(_level(at_level.loc[m], metric) for m in sizes)])
    headings = ["budget", *(f"m = {size(m)}" for m in sizes)]
    shown = metric_format.heading(metric, "Test")
    caption = f"{shown}, with its 95 % interval; <1: less than an epoch, long: longer than trained, –: not known"
    return table(caption, headings, rows, "numbers")


def _level(row: pd.Series, metric: Metric) -> str:
    mean = row[metric.column("test", "mean")]
    if not known(mean):
        return {TOO_SHORT: "<1", TOO_LONG: "long"}.get(row["status"], MISSING)
    return f"{metric_format.bare(metric, mean)} ({phrases.test_interval(metric, row)})"


def _law_figure(costs: Costs, metric: Metric) -> list[Html]:
    """Return the figure of the updates to each target with their law, none where no law could be fitted."""
    drawn = law_figures.updates_to_targets(costs.fits["critical_batch_size"], metric)
    text = "Updates to each target by batch size, with the law S(m) = S_min (1 + B/m), and the distance from it"
    caption = f"{text}. Points: geometric means over the seeds; a ring: the law breaks there."
    return [figure(drawn, text, caption)] if drawn else []


def _targets(costs: Costs, metric: Metric) -> Html:
    rows = [
        [
            metric_format.shown(metric, row["target"]),
            size(int(row["batch_size"])),
            rate(row["learning_rate"]),
            f"{row['reached']} of {row['runs']}",
            digits(row["epochs"]) if known(row["epochs"]) else f"> {number(row['epochs_trained'], 0)}",
            digits(row["updates"]),
            seconds(row["seconds"]),
            law_sentences.residual(costs.fits, row["target"], row["batch_size"]),
        ]
        for row in costs.targets.to_dict("records")
    ]
    headings = ["target", "m", "η", "runs that get there", "epochs", "updates", "seconds of updates", "from the law"]
    caption = (
        f"Medians to the first evaluation past a validation {metric.title}, at the η that is fastest; censored runs "
        "count"
    )
    return table(caption, headings, rows, "numbers long" if len(rows) > 20 else "numbers")


def time_and_memory(costs: Costs | None, profile: profile_files.Profile | None) -> Html:
    """Return the time of an update and the peak memory by batch size, with the fits."""
    if costs is None or profile is None:
        return paragraph(NOT_MEASURED)
    of_grid = costs.measured.loc[costs.measured["purpose"].eq("grid"), "dtype"]
    own = costs.measured[costs.measured["dtype"].isin(of_grid)]
    finding = f"{cost_sentences.time(costs.fits)} {cost_sentences.memory_fit(costs.fits, profile.doubling)}"
    lacking = cost_sentences.not_measured(costs.advice["batch_size"], profile.points)
    machine = costs.fits["machine"]
    processes = profile.repetitions.loc[profile.repetitions["part"].eq("whole"), "process"].nunique()
    caption = (
        f"Measured on {machine['device']}, {machine['cores']} cores, one process at a time, each batch size in "
        f"{count(processes, 'process')} of its own, their repetitions in random order among those of the other batch "
        "sizes. A time is the median of the processes' medians; quartiles are of all repetitions."
    )
    caption = " ".join([caption, *engines.of_times(machine)])
    return join(
        paragraph(finding, "finding"),
        figure(
            cost_figures.time_and_memory(own, costs.fits, profile.doubling),
            f"Time of an update and peak memory by batch size. {finding}",
            caption,
        ),
        *([items(lacking)] if lacking else []),
        table(
            "Each measured batch size and number type",
            [
                "m",
                "type",
                "update: median",
                "quartiles",
                "last batch",
                "rows/s",
                "epoch",
                "to compile",
                "peak memory",
                "",
            ],
            map(_measured, costs.measured.to_dict("records")),
            "numbers long" if len(costs.measured) > 20 else "numbers",
        ),
        *memory_page.by_length(profile),
    )


def _measured(row: dict[str, Any]) -> list[Entry]:
    return [
        size(int(row["batch_size"])),
        row["dtype"],
        seconds(row["step_seconds"]),
        _quartiles(row),
        seconds(row["ragged_seconds"]),
        number(row["examples_per_second"], 0),
        seconds(row["epoch_seconds"]),
        seconds(row["compile_seconds"]),
        memory(row["memory_peak_bytes"]),
        row["purpose"] if row["status"] == "ok" else row["status"].replace("_", " "),
    ]


def _quartiles(row: dict[str, Any]) -> str:
    low, high = row["step_seconds_lower"], row["step_seconds_upper"]
    return f"{seconds(low)} to {seconds(high)}" if known(low, high) else MISSING


LANDSCAPE = {
    "noise_scale": "noise scale B (rows)",
    "sharpness_0_001": "φ, ε = 10⁻³",
    "sharpness_0_0005": "φ, ε = 5·10⁻⁴",
    "hessian_largest": "λ_max",
    "two_over_rate": "2/η",
    "distance_relative": "distance from start",
}


def noise_and_shape(landscape: Landscape | None) -> Html:
    """Return the gradient noise and the shape of the loss at the final weights."""
    if landscape is None:
        return paragraph(NOT_MEASURED)
    if not landscape.summary["batch_sizes"]:
        return paragraph("Not measured: the study has no `landscape` in params.yaml.")
    left = sorted({*landscape.summary["batch_sizes"]} - {*landscape.cells["batch_size"]})
    lacking = f"Not measured at m = {listed(map(size, left))}: no learning rate is chosen, or no row is there."
    if landscape.cells.empty:
        return paragraph(lacking)
    rows = [
        [size(int(m)), *(_interval(cells[column]) for column in LANDSCAPE), str(len(cells))]
        for m, cells in landscape.cells.groupby("batch_size")
    ]
    return join(
        table(
            "At the final weights of the chosen rate: mean over the seeds, with its 95 % interval",
            ["m", *LANDSCAPE.values(), "n"],
            rows,
            "numbers",
        ),
        *([paragraph(lacking)] if left else []),
        paragraph(
            "The noise scale is tr Σ/‖G‖² (McCandlish 2018), φ the sharpness of Keskar 2017 (metric 2.1, in percent of "
            "1 + loss), λ_max the largest eigenvalue of the Hessian of the training loss, beside the 2/η above which "
            "plain gradient descent is unstable; the distance is relative to the length of the start. The noise scale "
            "of a seed is a ratio with an interval of its own, in data/landscapes/."
        ),
    )


def _interval(values: pd.Series) -> str:
    found = mean_interval(values.to_numpy(float)[None])
    text = digits(found.mean.item())
    return f"{text} ({digits(found.low.item())} to {digits(found.high.item())})" if known(found.low.item()) else text
