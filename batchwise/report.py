"""The parts of a study's report, in the order in which reports/study.ipynb calls them."""

import shlex
from collections.abc import Iterable, Iterator
from textwrap import shorten
from typing import Any

import pandas as pd

from batchwise import answers, figures
from batchwise.markup import Code, Entry, Html, Sorted, command, facts, figure, heading, items, join, paragraph, table
from batchwise.study_tables import Tables
from batchwise.words import MISSING, count, known, number, percent, rate, signed, size, span

FEW_CELLS = 12
# A row takes about 500 bytes: the page stays below 2 MB with all of its figures.
MOST_ROWS = 2500
RESULTS = "data/tables"


def head(tables: Tables) -> Html:
    """Return the top of the page: the question, the answer, and what was run."""
    headline, *others = answers.answer(tables)
    return join(
        paragraph(f"batchwise · study {tables.study}", "study"),
        heading(answers.question(tables)),
        paragraph(headline, "headline"),
        *map(paragraph, others),
        facts(_facts(tables)),
    )


def grid(tables: Tables) -> Html:
    """Return every cell at a glance: the map of m × η̃, and the counts of test rows where there are few cells."""
    few = len(tables.cells) <= FEW_CELLS
    return join(heat_map(tables), *([counts(tables)] if few else []))


def heat_map(tables: Tables) -> Html:
    """Return the map of mean test accuracy, m × η̃."""
    finding = answers.heat_map(tables)
    if tables.single_rate:
        return paragraph(f"{finding} With one base learning rate there is no map of m against η̃ to draw.", "finding")
    caption = (
        f"Mean test accuracy in percent over the runs that ended well, of {count(tables.seeds, 'run')} a cell; the colour is the "
        "distance to the highest cell. Hatched cells lost runs, and hold their number (div.: diverged, mem.: out of memory, fail.: "
        "failed). Outlined: the rate chosen for each m."
    )
    return join(paragraph(finding, "finding"), figure(figures.heat_map(tables), f"Heat map. {finding}", caption))


def counts(tables: Tables) -> Html:
    """Return correct, total and wrong test rows of each cell."""
    groups = tables.runs.groupby(["batch_size", "base_learning_rate"])
    rows = [_counts_row(m, base, runs, tables.test_rows) for (m, base), runs in groups]
    headings = ["m", "η̃", "correct", "total", "wrong", "correct, fewest to most", "correct, seed by seed"]
    caption = f"Test rows at the final weights: means of {count(tables.seeds, 'seed')}, and each seed"
    return table(caption, headings, rows, "numbers")


def accuracy(tables: Tables) -> Html:
    """Return test accuracy against m at the chosen rate, as a figure and as a table."""
    if tables.chosen.empty:
        return paragraph(f"Not applicable: there is no chosen rate with a result. {' '.join(answers.answer(tables))}")
    finding = answers.accuracies(tables)
    caption = (
        "Dots: one seed each. Black: mean with its 95 % interval (Student t over the seeds). Below: the same seeds' difference "
        "from the reference, hollow where the interval includes 0. Batch sizes are evenly spaced."
    )
    alt = f"Test accuracy by batch size. {finding} {answers.comparison(tables)}"
    rows = map(_batch_size_row, _records(tables.batch_sizes))
    headings = ["m", "η̃ chosen", "updates", "test accuracy (%)", "95 % interval", "difference (points)", "95 % interval", "n"]
    return join(
        paragraph(finding, "finding"),
        figure(figures.accuracy(tables), alt, caption),
        table(f"Each batch size at {_how_chosen(tables)}", headings, rows, f"numbers {_long(tables.batch_sizes)}"),
    )


def reliable_range(tables: Tables) -> Html:
    """Return the base learning rates that train reliably at each m."""
    if tables.single_rate:
        return paragraph("Not applicable: this study has one base learning rate, so there is no range of rates.")
    if tables.batch_sizes.filter(like="_octaves").isna().all(axis=None):
        return paragraph(
            "Not applicable: no cell is known to train reliably. The criterion needs validation rows, and a cell in which every "
            "seed trained."
        )
    finding = answers.ranges(tables)
    slopes = [answers.slope(tables, margin) for margin in tables.summary["thresholds"]["reliable_points"]]
    caption = (
        "A rate trains reliably at m if every seed trained and the mean validation accuracy is within 1, 2 or 5 points of the best "
        "cell of the study. Bars reach half a step of the grid beyond the outermost reliable rates; the gap to the next rate is not "
        "part of the slope's interval. Batch sizes are evenly spaced."
    )
    return join(
        paragraph(finding, "finding"),
        figure(figures.reliable_range(tables), f"Range of reliable learning rates by batch size. {finding}", caption),
        items(slopes),
    )


def learning_curves(tables: Tables) -> Html:
    """Return the learning curves of a few batch sizes at their chosen rates."""
    shown = figures.curves_shown(tables)
    if shown.empty:
        return paragraph("Not applicable: no cell was chosen, so there is no curve to show.")
    finding = answers.curves(tables, shown)
    caption = "Lines: mean over the seeds. Shaded: lowest to highest seed. Both are of the weights after the epoch, in inference mode."
    return join(
        paragraph(finding, "finding"),
        figure(figures.learning_curves(shown), f"Learning curves. {finding}", caption),
    )


def all_cells(tables: Tables) -> Html:
    """Return every cell as a table that can be sorted."""
    shown = tables.cells.head(MOST_ROWS)
    left_out = len(tables.cells) - len(shown)
    note = [paragraph(f"{left_out:,} more cells are in {RESULTS}/{tables.study}/cells.csv.")] if left_out else []
    headings = ["m", "η̃", "η", "runs", "test accuracy (%)", "95 % interval", "validation (%)", "training (%)", "gap (points)"]
    caption = f"{count(len(tables.cells), 'cell')}, means over the runs that ended well"
    options = [] if tables.single_rate else ["reliable within"]
    rows = (_cell_row(cell, tables) for cell in _records(shown))
    kind = f"sortable numbers {_long(shown)}"
    return join(table(caption, [*headings, *options, "to reproduce it"], rows, kind), *note)


def reproduce(tables: Tables) -> Html:
    """Return the command that trains a cell again, with the values of a real one."""
    rows = tables.chosen if len(tables.chosen) else tables.cells
    cell = answers.reference(tables) if len(tables.chosen) else rows.iloc[0]
    return command(f"python -m batchwise reproduce {shlex.quote(tables.study)} {_arguments(cell)}")


def provenance(tables: Tables) -> Html:
    """Return what the report was made from: checksums and versions."""
    return table(
        "Sources, SHA-256 checksums and versions",
        ["what", "value"],
        [*_sources(tables.summary["data"]), *([name, Code(text)] for name, text in _flat(tables.summary["provenance"]))],
        "wrap",
    )


def limits(tables: Tables) -> Html:
    """Return what the study cannot say."""
    return items(answers.limits(tables))


def columns(tables: Tables) -> Html:
    """Return what each column of the tables means."""
    rows = [[Code(row["column"]), row["description"]] for row in _records(tables.columns)]
    return table("Columns of the files", ["column", "what it holds"], rows, "wrap long")


def _facts(tables: Tables) -> Iterator[tuple[str, str]]:
    summary = tables.summary
    recipe, rows, grid = summary["recipe"], summary["data"]["rows"], summary["grid"]
    split = " / ".join(f"{rows[name]:,}" for name in ("train", "validation", "test"))
    yield "Data", f"{summary['data']['title']}, {count(len(summary['data']['class_names']), 'class')}"
    yield "Rows", f"{split} (train / validation / test)"
    yield "Model", f"{_described(recipe['model'])}, {count(summary['parameters'], 'parameter')}"
    yield "Optimiser", _described(recipe["optimizer"])
    yield "Budget", _budget(recipe["budget"])
    scaling = {"linear": "η = η̃·m", "sqrt": "η = η̃·√m", "none": "η = η̃"}
    yield "Learning rate", scaling[summary["learning_rate_scaling"]]
    sizes = f"{count(grid['batch_sizes'], 'batch size')} × {answers.rates(tables)} × {count(grid['seeds'], 'seed')}"
    yield "Grid", sizes
    yield "Distinct runs", answers.statuses(tables)


def _budget(budget: dict[str, int | None]) -> str:
    kind = "epoch" if budget.get("epochs") else "update"
    return f"{count(budget[f'{kind}s'], kind)} at every m"


def _described(plugin: dict[str, Any]) -> str:
    """Return a plug-in and its options: `sgd (momentum 0.9, nesterov)`; options that are off are left out."""
    words = [
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in plugin.items()
        if name != "name" and value is not False
    ]
    return f"{plugin['name']} ({', '.join(words)})" if words else plugin["name"]


def _how_chosen(tables: Tables) -> str:
    return "its one learning rate" if tables.single_rate else "the learning rate chosen on validation rows"


def _batch_size_row(row: dict[str, Any]) -> list[Entry]:
    name = size(row["batch_size"])
    if row["batch_size"] != row["effective_batch_size"]:
        name += f" (= {size(row['effective_batch_size'])})"
    reference = known(row["difference_mean"]) and not known(row["difference_low"]) and row["difference_mean"] == 0
    return [
        name,
        rate(row["base_learning_rate"]) + (f" ({row['grid_edge']} of the grid)" if known(row["grid_edge"]) else ""),
        f"{row['updates']:,}",
        number(_times(row["test_accuracy_mean"]), 1),
        span(_times(row["test_accuracy_low"]), _times(row["test_accuracy_high"]), 1),
        "reference" if reference else signed(_times(row["difference_mean"])),
        span(_times(row["difference_low"]), _times(row["difference_high"])),
        number(row["ok"], 0),
    ]


def _counts_row(batch_size: int, base: float, runs: pd.DataFrame, total: int) -> list[Entry]:
    correct = runs["test_correct"]
    each = ", ".join(number(value, 0) for value in correct)
    most = span(correct.min(), correct.max(), 0)
    return [size(batch_size), rate(base), number(correct.mean(), 1), f"{total:,}", number(total - correct.mean(), 1), most, each]


def _cell_row(cell: dict[str, Any], tables: Tables) -> list[Entry]:
    accuracy = cell["test_accuracy_mean"]
    entries = [
        Sorted(size(cell["batch_size"]), cell["batch_size"]),
        Sorted(rate(cell["base_learning_rate"]), cell["base_learning_rate"]),
        Sorted(rate(cell["learning_rate"]), cell["learning_rate"]),
        Sorted(_endings(cell), cell["ok"]),
        Sorted(number(_times(accuracy), 1), accuracy),
        span(_times(cell["test_accuracy_low"]), _times(cell["test_accuracy_high"]), 1),
        number(_times(cell["validation_accuracy_mean"]), 1),
        number(_times(cell["train_accuracy_mean"]), 1),
        number(_times(cell["generalisation_gap_mean"]), 1),
    ]
    return entries + ([] if tables.single_rate else [_reliable(cell)]) + [Code(_arguments(cell))]


def _endings(cell: dict[str, Any]) -> str:
    names = ("ok", "diverged", "out_of_memory", "failed")
    return ", ".join(f"{cell[name]:.0f} {name.replace('_', ' ')}" for name in names if cell[name])


def _reliable(cell: dict[str, Any]) -> Sorted:
    margins = [margin for margin in (1, 2, 5) if cell[f"reliable_{margin}"] in (True, "True")]
    return Sorted(count(margins[0], "point"), margins[0]) if margins else Sorted(MISSING, None)


def _arguments(cell: Any) -> str:
    return f"--batch-size {int(cell['batch_size'])} --learning-rate {float(cell['base_learning_rate'])!r}"


def _times(fraction: float | None) -> float | None:
    return 100 * fraction if known(fraction) else None


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")


def _long(frame: pd.DataFrame) -> str:
    return "long" if len(frame) > 20 else ""


def _sources(data: dict[str, Any]) -> Iterator[list[Entry]]:
    yield ["data set", data["title"]]
    yield ["source", data["source"]]
    yield ["licence", data["licence"]]
    counted = zip(data["class_names"], data["class_counts"]["test"], strict=True)
    yield ["test rows of each class", shorten(", ".join(f"{name} {rows:,}" for name, rows in counted), 400, placeholder=" …")]


def _flat(content: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """Yield a name and a value for each leaf of nested dictionaries and lists."""
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content, 1)
        for key, value in pairs:
            yield from _flat(value, f"{name} {key}".strip())
    else:
        yield name, MISSING if content is None else str(content)
