"""The parts of a study's report, in the order in which reports/study.ipynb calls them."""

import pandas as pd

from batchwise.analysis import recommendation
from batchwise.analysis.cost_tables import Costs
from batchwise.analysis.costs import of_study
from batchwise.analysis.study_tables import Tables
from batchwise.common import repository
from batchwise.report import metric_format
from batchwise.report.figures import study as study_figures
from batchwise.report.figures.heat_map import MOST_LABELLED_CELLS
from batchwise.report.html import Code, Html, command, facts, figure, heading, items, join, paragraph, table
from batchwise.report.pages import table_rows
from batchwise.report.pages.classes import by_class
from batchwise.report.pages.objects import what_is_found
from batchwise.report.sentences import answers, captions, classes, phrases, study_facts
from batchwise.report.sentences import limits as limitations
from batchwise.report.sentences.choice import too_few_updates
from batchwise.report.sentences.grammar import count

FEW_CELLS = 12
# A cell takes about 450 bytes: the page stays below 2 MB with all of its figures.
MOST_CELLS = 2000
MOST_BATCH_SIZES = 500


def head(tables: Tables, costs: Costs | None) -> Html:
    """Return the top of the page: the question, the answer, and what was run; first what speaks against the study."""
    warnings = too_few_updates(tables)
    headline, *others = answers.answer(tables, recommendation.whole_runs(tables, measured(tables, costs)))
    return join(
        paragraph(f"batchwise · study {tables.study}", "study"),
        heading(answers.question(tables)),
        *(paragraph(text, "headline") for text in [*warnings, headline]),
        *map(paragraph, [*others, *classes.unequal(tables)]),
        facts(study_facts.facts(tables)),
    )


def measured(tables: Tables, costs: Costs | None) -> pd.DataFrame:
    """Return what was measured of the batch sizes of the study, in its number type; no rows without measurements."""
    if costs is None:
        return recommendation.NOTHING_MEASURED
    return of_study(costs.measured, tables.summary["recipe"]["dtype"])


def grid(tables: Tables) -> Html:
    """Return every cell at a glance: the map of m × η̃, and the counts of test rows where there are few cells."""
    names = tables.metric.counted if len(tables.cells) <= FEW_CELLS else None
    return join(paragraph(captions.results(tables)), heat_map(tables), *([counts(tables, *names)] if names else []))


def heat_map(tables: Tables) -> Html:
    """Return the map of the mean on test rows, m × η̃."""
    finding = captions.heat_map(tables)
    if tables.single_rate:
        return paragraph(f"{finding} With one base learning rate there is no map of m against η̃ to draw.", "finding")
    numbers = ", and hold their number (div.: diverged, mem.: out of memory, fail.: failed)"
    caption = (
        f"Mean {metric_format.heading(tables.metric, 'test')} over the runs that ended well, of "
        f"{count(tables.seeds, 'run')} a cell; the colour is the distance to the best cell. Hatched cells lost runs"
        f"{numbers if len(tables.cells) <= MOST_LABELLED_CELLS else ''}. Outlined: the rate chosen for each m."
    )
    return join(paragraph(finding, "finding"), figure(study_figures.heat_map(tables), f"Heat map. {finding}", caption))


def counts(tables: Tables, inside: str, outside: str) -> Html:
    """Return how many test rows of each cell the metric counts, of how many, and how many are left."""
    groups = tables.runs.groupby(["batch_size", "base_learning_rate"])
    entries = [table_rows.counts(m, base, runs[f"test_{inside}"], tables.test_rows) for (m, base), runs in groups]
    headings = ["m", "η̃", inside, "total", outside, f"{inside}, fewest to most", f"{inside}, seed by seed"]
    caption = f"Test rows at the final weights: means of {count(tables.seeds, 'seed')}, and each seed"
    return table(caption, headings, entries, "numbers")


def by_batch_size(tables: Tables) -> Html:
    """Return the result on test rows against m at the chosen rate, as a figure and as a table."""
    name = tables.metric.title
    if tables.chosen.empty:
        none = f"Not applicable: no learning rate could be chosen, so there is no {name} to show for each m."
        return join(paragraph(none), *_other_rates(tables))
    finding = captions.by_batch_size(tables)
    caption = (
        "Dots: one seed each. Black: mean with its 95 % interval over the seeds. Below: the same seeds' difference "
        "from the reference, with intervals that hold together, hollow where they include 0. Batch sizes are evenly "
        "spaced."
    )
    alt = f"Test {name} by batch size. {finding} {answers.comparison(tables)}"
    return join(
        paragraph(finding, "finding"),
        figure(study_figures.by_batch_size(tables), alt, caption),
        _batch_sizes(tables),
        by_class(tables),
        what_is_found(tables),
    )


def _batch_sizes(tables: Tables) -> Html:
    rate = "the study's one learning rate" if tables.single_rate else "the learning rate chosen on validation rows"
    shown = tables.batch_sizes.head(MOST_BATCH_SIZES)
    metric, loss = tables.metric, tables.loss
    interval, difference = "95 % interval", f"difference ({metric.differences})"
    beside = [] if metric is loss else [metric_format.heading(loss, "test")]
    result = [metric_format.heading(metric, "test"), interval, difference, interval, "for new rows"]
    headings = ["m", "η̃ chosen", "updates", *result, *beside, "n"]
    entries = (table_rows.batch_size(row, metric, loss) for row in shown.to_dict("records"))
    caption = f"Each batch size at {rate}{captions.intervals(tables)}"
    return join(
        table(caption, headings, entries, f"numbers {_long(shown)}"),
        *_left_out(tables, "batch_sizes", len(shown)),
        *_other_rates(tables),
    )


def _other_rates(tables: Tables) -> list[Html]:
    """Return the command that says which rates to try, where the grid may lack the best one, or one that trains."""
    why = limitations.why_other_rates(tables)
    return [paragraph(f"{why} To find it:"), command(repository.command("suggest", tables.study))] if why else []


def reliable_range(tables: Tables) -> Html:
    """Return the base learning rates that train reliably at each m."""
    if tables.single_rate:
        return paragraph("Not applicable: this study has one base learning rate, so there is no range of rates.")
    if tables.batch_sizes.filter(like="_octaves").isna().all(axis=None):
        return paragraph(
            "Not applicable: no cell is known to train reliably. The criterion needs validation rows, and a cell in "
            "which every seed trained."
        )
    finding = captions.ranges(tables)
    caption = (
        f"A rate trains reliably at m if every seed trained and the mean validation {tables.metric.title} is within "
        f"{phrases.margins(tables.metric)} of the best cell of the study. Bars reach half a step of the grid beyond "
        "the outermost reliable rates; the slope's interval does not count the coarseness of the grid. Batch sizes are "
        "evenly spaced."
    )
    alt = f"Range of reliable learning rates by batch size. {finding}"
    return join(
        paragraph(finding, "finding"),
        figure(study_figures.reliable_range(tables), alt, caption),
        table(
            "Slope of log₂ η̃ on log₂ m along the upper edge; −1 is a halving with each doubling of m",
            ["within", "slope", "95 % interval", "batch sizes", "left out: edge at the grid's highest rate"],
            (table_rows.slope(margin, tables) for margin in tables.metric.margins),
            "numbers",
        ),
    )


def learning_curves(tables: Tables) -> Html:
    """Return the learning curves of a few batch sizes at their chosen rates."""
    shown = study_figures.curves_shown(tables)
    if tables.curves.empty and len(tables.chosen):
        return paragraph("Not known: the tables lack every curve.")
    if shown.empty:
        return paragraph("Not applicable: no learning rate could be chosen, so there is no curve to show.")
    finding = captions.curves(shown, tables.metric)
    caption = (
        "Lines: mean over the seeds. Shaded: lowest to highest seed. Both are of the weights after the epoch, in "
        "inference mode."
    )
    alt = f"Learning curves. {finding}"
    return join(
        paragraph(finding, "finding"), figure(study_figures.learning_curves(shown, tables.metrics), alt, caption)
    )


def all_cells(tables: Tables) -> Html:
    """Return every cell as a table that can be sorted."""
    shown = tables.cells.head(MOST_CELLS)
    metric = tables.metric
    unit, gap = f" ({metric.unit})" if metric.unit else "", f"gap ({metric.differences})"
    results = [metric_format.heading(metric, "test"), "95 % interval", f"validation{unit}", f"training{unit}", gap]
    options = [] if tables.single_rate else ["reliable within"]
    headings = ["m", "η̃", "η", "runs", *results, *options, "to train it again"]
    seeds = count(tables.seeds, "seed")
    caption = f"{count(len(tables.cells), 'cell')}: means over the runs that ended well, of {seeds} each"
    entries = (table_rows.cell(cell, metric, reliability=not tables.single_rate) for cell in shown.to_dict("records"))
    return join(
        table(caption, headings, entries, f"sortable numbers {_long(shown)}"),
        *_left_out(tables, "cells", len(shown)),
    )


def reproduce(tables: Tables) -> Html:
    """Return the command that trains a cell again, with the values of a real one."""
    reference = tables.batch_sizes[tables.batch_sizes["batch_size"].eq(tables.reference_batch_size)]
    known = pd.concat([rows[["batch_size", "learning_rate"]].dropna() for rows in (reference, tables.cells)])
    if known.empty:
        return paragraph("The tables lack every cell.")
    cell = known.iloc[0]
    return command(f"{repository.command('reproduce', tables.study)} {table_rows.arguments(cell)}")


def limits(tables: Tables) -> Html:
    """Return what the study cannot say."""
    return items(limitations.limits(tables))


def provenance(tables: Tables) -> Html:
    """Return what the results were made from: sources, checksums and versions."""
    entries = list(table_rows.sources(tables.summary["data"]))
    entries += ([name, Code(value)] for name, value in table_rows.leaves(tables.summary["provenance"]))
    return table(
        "Sources, SHA-256 checksums (of code, without comments) and versions", ["what", "value"], entries, "wrap"
    )


def columns(tables: Tables) -> Html:
    """Return what each column of the tables means."""
    entries = ([Code(row.column), row.description] for row in tables.columns.itertuples())
    return table("Columns of the files", ["column", "what it holds"], entries, "wrap long")


def _left_out(tables: Tables, name: str, shown: int) -> list[Html]:
    more = len(getattr(tables, name)) - shown
    return [paragraph(f"{more:,} more rows are in data/tables/{tables.study}/{name}.csv.")] if more > 0 else []


def _long(frame: pd.DataFrame) -> str:
    return "long" if len(frame) > 20 else ""
