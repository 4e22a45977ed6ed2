"""What a study cannot say, in sentences."""

from typing import Any

from batchwise.analysis.columns import UNVALIDATED
from batchwise.analysis.study_tables import Tables
from batchwise.common.repository import command
from batchwise.report import metric_format
from batchwise.report.number_format import known, size
from batchwise.report.sentences import phrases
from batchwise.report.sentences.grammar import count


def limits(tables: Tables) -> list[str]:
    """Return what the study cannot say."""
    name, rows = tables.summary["data"]["title"], tables.test_rows
    return [
        f"One data set ({name}), one model and one recipe: nothing here says that another would behave alike.",
        *(_same_rows(tables) if tables.folds is None else _folds(tables, tables.folds)),
        "The intervals of the differences from the reference hold together, in 95 of 100 such studies; all others are "
        "95 % each, so that of twenty one is expected to fail.",
        *_which_seeds(tables),
        *_test_set(tables, rows),
        *_budget(tables),
        *_edges(tables),
        *_draws(tables),
        *_lost(tables),
        *_missing(tables),
        "Exact repetition is promised on the same kind of machine with the same versions (see provenance); elsewhere "
        "rounding differs, and training may amplify it.",
    ]


def why_other_rates(tables: Tables) -> str:
    """Return why another learning rate than those of the grid may be better; nothing where none of it speaks for it."""
    rows = tables.batch_sizes
    lost = rows[tables.metric.column("test", "mean")].isna() & rows["selected_by"].ne(UNVALIDATED)
    if tables.cells.loc[tables.cells["batch_size"].isin(rows.loc[lost, "batch_size"]), "diverged"].any():
        return "Where no rate of the grid brought every run to its end, a lower one may."
    if rows["grid_edge"].fillna("").ne("").any():
        return "Where the chosen rate is the lowest or highest of the grid, a better one may lie beyond."
    return ""


def _same_rows(tables: Tables) -> list[str]:
    return [
        f"{count(tables.seeds, 'seed')} a cell. The intervals are over seeds, with the same training and test rows "
        "each time, and assume that the seeds' results are roughly normal."
    ]


def _folds(tables: Tables, folds: dict[str, Any]) -> list[str]:
    """Return what intervals include where each seed has test rows of its own, which rows are in no result, and what of
    the inputs is not of a seed."""
    rows, seeds = tables.summary["data"]["rows"], tables.seeds
    untested, left_out = folds["rows"] - rows["test"] * seeds, folds["rows"] - sum(rows.values())
    scaled = "Inputs are scaled by the training rows of each seed. " if folds["rescaled"] else ""
    what = "What else" if scaled else "What"
    return [
        f"{count(seeds, 'seed')} a cell, each tested on rows of its own, so that intervals over seeds include the "
        "choice of rows. They assume that the seeds' results are roughly normal. Seeds share training rows, which no "
        "interval accounts for exactly (Bengio & Grandvalet 2004): in simulations 93 to 96 of 100 such intervals held.",
        *([f"{count(untested, 'row')} of {folds['rows']:,} are tested by no seed."] if untested else []),
        *([f"Groups make folds unequal: {_left_out(left_out)} by chance."] if folds["groups"] and left_out else []),
        f"{scaled}{what} the data set takes from its training rows, as the levels of categories, is the same for all "
        "seeds.",
    ]


def _left_out(rows: int) -> str:
    return f"of each seed {count(rows, 'row')} {'is' if rows == 1 else 'are'} left out,"


def _which_seeds(tables: Tables) -> list[str]:
    """Return which seeds choose and which report: results of seeds that chose are flattered."""
    given, last = tables.summary["confirmation"], tables.seeds - 1
    chooses = tables.best_batch_size is not None
    if not given:
        flattered = f"Seeds 0 to {last} choose and report, so that the results of what they chose are flattered."
        return [flattered] if chooses else []
    those = f"seeds {given['first_seed']} to {given['first_seed'] + given['seeds'] - 1}"
    if not chooses:
        return [f"Results of batch sizes are those of {those}; those of cells and of budgets are of seeds 0 to {last}."]
    return [
        f"Seeds 0 to {last} choose, on validation rows; the results of the batch sizes are those of {those}, which "
        "chose nothing. Results of cells and of budgets are of the seeds that chose."
    ]


def _test_set(tables: Tables, rows: int) -> list[str]:
    value, metric = tables.test_value, tables.metric
    low, high = value["new_rows_low"], value["new_rows_high"]
    if not known(low, high):
        return []
    each = f"; one is {metric_format.size_of_difference(metric, 1 / rows)}" if metric.counted else ""
    return [
        f"The test set has {count(rows, 'row')}{each}. Intervals over seeds are for these rows. For new ones, too, "
        f"test {metric.title} at the reference lies in {metric_format.interval(metric, low, high)}; differences are "
        "known better, since all are on the same rows (columns for new rows)."
    ]


def _budget(tables: Tables) -> list[str]:
    budget = tables.summary["recipe"]["budget"]
    if not budget.get("epochs"):
        made = count(budget["updates"], "update")
        return [
            f"Every run makes {made}, so a larger m sees more rows. Equal epochs may rank the batch sizes otherwise."
        ]
    if tables.batch_sizes["updates"].nunique() < 2:
        return [f"Every run trains for {count(budget['epochs'], 'epoch')}."]
    smallest, biggest = tables.batch_sizes.iloc[0], tables.batch_sizes.iloc[-1]
    return [
        f"Every run trains for {count(budget['epochs'], 'epoch')}, so a larger m makes fewer updates: "
        f"{smallest['updates']:,} at m = {size(smallest['batch_size'])}, {biggest['updates']:,} at "
        f"m = {size(biggest['batch_size'])}. Equal updates or equal seconds may rank the batch sizes otherwise."
    ]


def _edges(tables: Tables) -> list[str]:
    texts = []
    for side in ("lowest", "highest"):
        rows = tables.batch_sizes[tables.batch_sizes["grid_edge"] == side]
        if len(rows):
            where = phrases.sizes(rows, tables.batch_sizes)
            texts.append(
                f"At m = {where} the chosen rate is the {side} of the grid; a better one may lie beyond: "
                f"{command('suggest', tables.study)} says which rates to try."
            )
    tried, best_size = tables.batch_sizes["batch_size"], tables.best_batch_size
    if best_size is not None and len(tried) > 1 and best_size in (tried.min(), tried.max()):
        side = "smallest" if best_size == tried.min() else "largest"
        texts.append(
            f"The chosen batch size, {size(best_size)}, is the {side} that was tried; a better one may lie beyond."
        )
    return texts


def _draws(tables: Tables) -> list[str]:
    """Return what draws that are made for a pass, as those of Keras's Dropout, have to do with the batch size."""
    if not tables.summary.get("draws_by_pass"):
        return []
    return [
        "The model has layers that draw anew for each pass, as Keras's Dropout does, and not for each row: at another "
        "m a row has other draws, so that batch sizes differ in these too, as seeds do."
    ]


def _lost(tables: Tables) -> list[str]:
    """Return which batch sizes have no result, and whether means leave out runs."""
    texts, rows = [], tables.batch_sizes
    empty = rows[rows[tables.metric.column("test", "mean")].isna()]
    if len(empty) and len(tables.chosen):
        why = "no run ended well" if tables.single_rate else "no rate brought every run to its end"
        texts.append(f"At m = {phrases.sizes(empty, rows)} {why}, so there is no {tables.metric.title} to compare.")
    partial = rows[(rows["ok"] > 0) & (rows["ok"] < rows["runs"])]
    if len(partial):
        where = phrases.sizes(partial, rows)
        texts.append(f"At m = {where} some runs did not end well; the means are over the others, and flatter.")
    return texts


def _missing(tables: Tables) -> list[str]:
    """Return what the tables lack of the grid."""
    grid = tables.summary["grid"]
    whole = {"batch size": (tables.batch_sizes, grid["batch_sizes"]), "cell": (tables.cells, grid["cells"])}
    whole["run"] = tables.runs, grid["cells"] * grid["seeds"]
    return [
        f"The tables lack {count(amount - len(rows), name)} of {amount:,}: nothing here counts what is missing."
        for name, (rows, amount) in whole.items()
        if len(rows) < amount
    ]
