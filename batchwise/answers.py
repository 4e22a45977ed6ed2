"""What the tables say, in sentences. Text only: a number comes with its interval and n, and nothing is claimed beyond them."""

import math

import pandas as pd

from batchwise.study_tables import Tables
from batchwise.words import count, known, listed, number, percent, rate, signed, size, span

MARGIN = 2  # Δ of the range named in the answer, points; the report shows 1 and 5 beside it
FEW = 6  # as many batch sizes as a sentence names one by one


def question(tables: Tables) -> str:
    """Return what the study asks, as a title."""
    compares = tables.single_rate and tables.summary["best_batch_size"] is None
    return "Does the batch size change the result?" if compares else "Which batch size, and how sure is that?"


def answer(tables: Tables) -> list[str]:
    """Return the answer of the study: a headline, then the sentences that say how sure it is."""
    if not tables.cells["ok"].any():
        return [f"No run ended well ({statuses(tables)}).", "There is no accuracy to compare."]
    if tables.chosen.empty:
        return not_chosen(tables)
    if tables.summary["best_batch_size"] is None:
        return [verdict(tables), right(tables), largest_difference(tables), " ".join([*same(tables), not_selected(tables)])]
    return [best(tables), compared(tables), edge(tables)]


def best(tables: Tables) -> str:
    """Return the chosen batch size and rate with their test accuracy."""
    cell = reference(tables)
    how = "has the highest validation accuracy and reaches" if len(tables.distinct) > 1 else "reaches"
    return f"{at(cell)} {how} {mean(cell, tables)} on the test rows."


def comparison(tables: Tables) -> str:
    """Return how the batch sizes differ, for a study that chooses one and for a study that does not."""
    return largest_difference(tables) if tables.summary["best_batch_size"] is None else compared(tables)


def compared(tables: Tables) -> str:
    """Return which batch sizes cannot be told apart from the reference, and what the largest one loses."""
    others = others_of(tables)
    if others.empty:
        return "There is no other batch size to compare it with."
    if others["difference_low"].isna().all():
        return f"With {count(tables.seeds, 'seed')} there are no intervals, so the other batch sizes cannot be judged."
    alike = others[~differ(others)]
    part = f"{these(alike, others)} cannot be told apart from it" if len(alike) else "Every other batch size differs from it"
    return f"{part} (95 % intervals of the differences paired by seed); {largest(others.iloc[-1], tables)}."


def largest(row: pd.Series, tables: Tables) -> str:
    """Return what the largest batch size loses against the reference."""
    points = 100 * row["difference_mean"]
    verb = f"loses {number(-points)}" if points < 0 else f"gains {number(points)}"
    low, high = sorted((abs(100 * row["difference_low"]), abs(100 * row["difference_high"])))
    if differ(row):
        return f"the largest, {size(row['batch_size'])}, {verb} points ({span(low, high)}, n = {pairs(row)})"
    return f"the largest, {size(row['batch_size'])}, differs by {difference(row)}, which includes 0"


def edge(tables: Tables, margin: int = MARGIN) -> str:
    """Return how the largest reliable base learning rate changes as m doubles."""
    if tables.single_rate:
        return "With one base learning rate there is no range of reliable rates to compare."
    fit = tables.summary["reliable_upper_edge"][str(margin)]
    if not known(fit["slope"], fit["low"]):
        return (
            f"How the largest reliable base learning rate changes with m is not decided: {fit['points']} batch sizes have "
            "it inside the grid, and a slope with an interval needs 3."
        )
    values = f"slope {number(fit['slope'])}, 95 % interval {span(fit['low'], fit['high'])}, {fit['points']} batch sizes"
    if fit["low"] <= 0 <= fit["high"]:
        return f"The largest base learning rate that trains reliably shows no change with m ({values}: it includes 0)."
    factor = f"{number(2 ** fit['slope'])} ({span(2 ** fit['low'], 2 ** fit['high'])})"
    return f"Each doubling of m multiplies the largest base learning rate that trains reliably by {factor}: {values}."


def slope(tables: Tables, margin: int) -> str:
    """Return the slope of the upper edge of the reliable range for one margin."""
    fit = tables.summary["reliable_upper_edge"][str(margin)]
    edges = fit["excluded_at_grid_edge"]
    left_out = f"; {count(edges, 'batch size')} at the grid's highest rate left out" if edges else ""
    if not known(fit["slope"], fit["low"]):
        return f"Within {margin} points: no slope, for {count(fit['points'], 'batch size')} have an upper edge{left_out}."
    return (
        f"Within {margin} points: slope of log₂ η̃ on log₂ m {number(fit['slope'])} (95 % interval "
        f"{span(fit['low'], fit['high'])}, {count(fit['points'], 'batch size')}{left_out})."
    )


def verdict(tables: Tables) -> str:
    """Return in a few words whether any batch size gives another test accuracy than the reference."""
    others, against = others_of(tables), size(reference(tables)["batch_size"])
    if others["difference_low"].isna().all():
        return "Not decided: a difference needs two batch sizes, and an interval two seeds."
    apart = others[differ(others)]
    if apart.empty:
        return f"Not measurably here: no batch size can be told apart from {against}."
    return f"Yes, here: {these(apart, others).lower()} {'differs' if len(apart) == 1 else 'differ'} from {against}."


def right(tables: Tables) -> str:
    """Return the mean number of test rows that are right for each m; for many m, the fewest and the most."""
    rows = tables.distinct
    if len(rows) > FEW:
        rows = rows.loc[sorted({rows["test_correct_mean"].idxmin(), rows["test_correct_mean"].idxmax()})]
    counts = listed(f"{right_rows(row)} at m = {size(row['batch_size'])}" for _, row in rows.iterrows())
    return f"Of {tables.test_rows} test rows a run gets right on average {counts} ({seeds(rows)})."


def right_rows(row: pd.Series) -> str:
    """Return the mean number of test rows that are right, with its interval."""
    interval = span(row["test_correct_low"], row["test_correct_high"], 1)
    return number(row["test_correct_mean"], 1) + (f" ({interval})" if known(row["test_correct_low"]) else "")


def largest_difference(tables: Tables) -> str:
    """Return the largest paired difference of test accuracy, in points and in rows."""
    others = others_of(tables)
    if others.empty:
        return "There is no other batch size to compare it with."
    row = others.loc[others["difference_mean"].abs().idxmax()]
    where = f"The largest difference, m = {size(row['batch_size'])} against m = {size(reference(tables)['batch_size'])}"
    if not known(row["difference_low"]):
        return f"{where}, is {signed(100 * row['difference_mean'])} points with one pair of seeds: it has no interval."
    rows = [tables.test_rows * row[f"difference_{bound}"] for bound in ("mean", "low", "high")]
    zero = "excludes 0" if differ(row) else "includes 0, so the two cannot be told apart"
    return (
        f"{where}, is {difference(row)}; in rows {signed(rows[0], 1)} ({span(rows[1], rows[2], 1)}) of {tables.test_rows}. "
        f"The interval {zero}."
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
    return f"Nothing was selected: {rates(tables)} and no validation rows."


def not_chosen(tables: Tables) -> list[str]:
    """Return what can be said of a study with several rates in which none could be chosen."""
    reasons = [reason.removeprefix("none: ") for reason in tables.batch_sizes["selected_by"].unique()]
    top = tables.cells.loc[tables.cells["test_accuracy_mean"].idxmax()]
    return [
        f"No batch size or learning rate was selected: {listed(reasons)}.",
        f"The highest mean test accuracy of a cell is {mean(top, tables)}, at {at(top, start=False)}; as it was picked on the "
        "test rows, it promises too much.",
    ]


def heat_map(tables: Tables) -> str:
    """Return what the map of all cells shows."""
    cells = tables.cells
    lost, gone = cells["ok"] < cells["runs"], cells["ok"] == 0
    counts = f"in {lost.sum()} of {count(len(cells), 'cell')} at least one run did not end well, in {gone.sum()} none did"
    if gone.all():
        return f"No run of {count(len(cells), 'cell')} ended well."
    if not lost.any():
        counts = f"every run of {count(len(cells), 'cell')} ended well"
    top = cells.loc[cells["test_accuracy_mean"].idxmax()]
    return f"The highest mean test accuracy is {mean(top, tables)}, at {at(top, start=False)}; {counts}."


def accuracies(tables: Tables) -> str:
    """Return the span of test accuracy over the batch sizes, each at its chosen rate."""
    rows = tables.distinct
    if len(rows) == 1:
        return f"At m = {size(rows['batch_size'][0])} the test accuracy is {mean(rows.iloc[0], tables)}."
    low, high = (rows.loc[index] for index in (rows["test_accuracy_mean"].idxmin(), rows["test_accuracy_mean"].idxmax()))
    return (
        f"Test accuracy is highest at m = {size(high['batch_size'])}, {mean(high, tables)}, and lowest at "
        f"m = {size(low['batch_size'])}, {mean(low, tables)}."
    )


def ranges(tables: Tables, margin: int = MARGIN) -> str:
    """Return the largest reliable rate at the smallest and the largest m, and the slope between."""
    rows = tables.batch_sizes.dropna(subset=f"reliable_{margin}_high")
    if rows.empty:
        return f"At no batch size does a rate train reliably within {margin} points of the best."
    ends = [rows.iloc[index] for index in sorted({0, len(rows) - 1})]
    reach = listed(f"up to {rate(row[f'reliable_{margin}_high'])} at m = {size(row['batch_size'])}" for row in ends)
    return f"Base learning rates train reliably within {margin} points of the best {reach}. {edge(tables, margin)}"


def curves(tables: Tables, shown: pd.DataFrame) -> str:
    """Return where the first and the last of the shown batch sizes begin and end."""
    means = shown.groupby(["batch_size", "epoch"])["test_accuracy"].mean()
    parts = []
    for batch_size in sorted({shown["batch_size"].min(), shown["batch_size"].max()}):
        epochs = means[batch_size]
        first = epochs[epochs.index >= min(1, epochs.index.max())]
        parts.append(
            f"at m = {size(batch_size)} mean test accuracy is {percent(first.iloc[0])} after epoch {first.index[0]} and "
            f"{percent(first.iloc[-1])} after epoch {first.index[-1]}"
        )
    text = listed(parts, last="and,")
    return f"{text[0].upper()}{text[1:]}."


def limits(tables: Tables) -> list[str]:
    """Return what the study cannot say."""
    name, rows = tables.summary["data"]["title"], tables.test_rows
    return [
        f"One data set ({name}), one model and one recipe: nothing here says that another would behave alike.",
        f"{count(tables.seeds, 'seed').capitalize()} a cell. The intervals are over seeds, with the same training and test rows "
        "each time; a standard interval assumes that the seeds' results are roughly normal.",
        "The intervals are 95 % each, not adjusted for the number of comparisons: of twenty true zeros, one is expected to "
        "look like a difference.",
        *_test_set(tables, rows),
        _budget(tables),
        *_edges(tables),
        *_without_rate(tables),
        "Exact repetition is promised on the same kind of machine with the same versions (see provenance); on another, "
        "agreement within rounding that training may amplify.",
    ]


def _test_set(tables: Tables, rows: int) -> list[str]:
    error = tables.summary["test_accuracy"]["test_set_standard_error"]
    if not known(error):
        return []
    return [
        f"The test set has {count(rows, 'row')}; one is {number(100 / rows)} points. The rows alone give an accuracy a standard "
        f"error of {number(100 * error)} points, which the intervals over seeds leave out: other test rows would give other "
        "accuracies. Differences on the same rows suffer less."
    ]


def _budget(tables: Tables) -> str:
    budget = tables.summary["recipe"]["budget"]
    smallest, biggest = tables.batch_sizes.iloc[0], tables.batch_sizes.iloc[-1]
    if not budget.get("epochs"):
        return f"Every run makes {count(budget['updates'], 'update')}: a larger m sees more rows. Equal epochs may rank otherwise."
    if smallest["updates"] == biggest["updates"]:
        return f"Every run trains for {count(budget['epochs'], 'epoch')}."
    return (
        f"Every run trains for {count(budget['epochs'], 'epoch')}, so a larger m makes fewer updates: {smallest['updates']:,} at "
        f"m = {size(smallest['batch_size'])}, {biggest['updates']:,} at m = {size(biggest['batch_size'])}. Equal updates or equal "
        "seconds may rank the batch sizes otherwise."
    )


def _edges(tables: Tables) -> list[str]:
    texts = []
    for side in ("lowest", "highest"):
        rows = tables.batch_sizes[tables.batch_sizes["grid_edge"] == side]
        if len(rows):
            texts.append(
                f"At m = {sizes(rows, tables.batch_sizes)} the chosen rate is the {side} of the grid; a better one may lie beyond."
            )
    tried, best_size = tables.batch_sizes["batch_size"], tables.summary["best_batch_size"]
    if best_size is not None and len(tried) > 1 and best_size in (tried.min(), tried.max()):
        side = "smallest" if best_size == tried.min() else "largest"
        texts.append(f"The chosen batch size, {size(best_size)}, is the {side} that was tried; a better one may lie beyond.")
    return texts


def _without_rate(tables: Tables) -> list[str]:
    rows = tables.batch_sizes[tables.batch_sizes["selected_by"] == "none: no rate with every run ok"]
    if rows.empty:
        return []
    return [f"At m = {sizes(rows, tables.batch_sizes)} no rate brought every run to its end, so none was chosen there."]


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
    """Return the row of the batch size that the others are compared with."""
    rows = tables.batch_sizes
    return rows[rows["batch_size"] == tables.summary["reference_batch_size"]].iloc[0]


def others_of(tables: Tables) -> pd.DataFrame:
    """Return the distinct rows but that of the reference."""
    rows = tables.distinct
    return rows[rows["effective_batch_size"] != reference(tables)["effective_batch_size"]].reset_index(drop=True)


def differ(rows: pd.DataFrame | pd.Series) -> pd.Series | bool:
    """Return whether the interval of the paired difference excludes 0; no where there is no interval."""
    return (rows["difference_low"] > 0) | (rows["difference_high"] < 0)


def at(cell: pd.Series, *, start: bool = True) -> str:
    """Return the name of a cell: its batch size and learning rates."""
    name = "Batch size" if start else "batch size"
    same_rate = math.isclose(cell["base_learning_rate"], cell["learning_rate"])
    both = "" if same_rate else f" (η = {rate(cell['learning_rate'])})"
    return f"{name} {size(int(cell['batch_size']))} with base learning rate η̃ = {rate(cell['base_learning_rate'])}{both}"


def mean(row: pd.Series, tables: Tables) -> str:
    """Return a mean test accuracy with its interval and n."""
    text, low, high = (row[f"test_accuracy_{bound}"] for bound in ("mean", "low", "high"))
    if not known(low):
        return f"{percent(text)} (n = {row['ok']:.0f}, no interval)"
    return f"{percent(text)} (95 % interval {span(100 * low, 100 * high, 1)}, n = {row['ok']:.0f})"


def difference(row: pd.Series) -> str:
    """Return a paired difference in points with its interval and n."""
    text, low, high = (100 * row[f"difference_{bound}"] for bound in ("mean", "low", "high"))
    return f"{signed(text)} points (95 % interval {span(low, high)}, n = {pairs(row)})"


def pairs(row: pd.Series) -> str:
    """Return the number of pairs of seeds behind a difference."""
    return f"{row['difference_n']:.0f}"


def seeds(rows: pd.DataFrame) -> str:
    """Return the n of some rows, with what the numbers in brackets are."""
    low, high = rows["ok"].min(), rows["ok"].max()
    n = f"n = {low:.0f}" if low == high else f"n = {low:.0f} to {high:.0f}"
    return f"95 % intervals, {n} seeds" if rows["test_correct_low"].notna().any() else f"{n}, no interval"


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
