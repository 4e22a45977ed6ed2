"""What each column of the tables of a study holds, with its unit."""

from collections.abc import Sequence

from batchwise.analysis import last_epochs
from batchwise.analysis.selection import reliable_column
from batchwise.config.study import LAST_EPOCHS, Statistic
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric

INTERVAL = "95 % Student t interval of the mean over seeds, on the scale of log-odds between two bounds of the metric, "
INTERVAL += "of logarithms beside one; empty for fewer than two seeds"
BOUNDS = {
    "mean": "mean over the seeds that ended ok",
    "low": f"lower bound of the {INTERVAL}",
    "high": f"upper bound of the {INTERVAL}",
}
GAP = "generalisation_gap"
UNVALIDATED = "none: no validation rows"  # why no rate was selected


def quantities(metrics: Sequence[Metric]) -> list[str]:
    """Return the columns that are averaged over the seeds of a cell."""
    return [*(metric.column(split) for metric in metrics for split in SPLITS), GAP]


def counted(metrics: Sequence[Metric]) -> list[tuple[str, str, Metric]]:
    """Return the columns with the number of test rows that a metric counts, and of the others, where it counts some."""
    return [(f"test_{metric.counted[0]}", f"test_{metric.counted[1]}", metric) for metric in metrics if metric.counted]


def columns(metrics: Sequence[Metric], statistic: Statistic) -> dict[str, str]:
    """Return {column: what it holds} of all tables of a study, whose metric is the first."""
    metric, *others = metrics
    gap = " − ".join(metric.column(split, "final") for split in ("train", "test")[:: metric.sign])
    ties = "".join(f"better validation {other.name}, then " for other in others)
    return {
        "batch_size": "m as asked for in params.yaml, rows",
        "effective_batch_size": "m that was trained: the smaller of m and the number of training rows, rows",
        "base_learning_rate": "η̃, per example (Masters & Luschi 2018, eq. 6); in batch_sizes.csv that of the chosen "
        "cell",
        "learning_rate": "η of the averaged gradient, from η̃ and the effective m by the study's scaling rule",
        "seed": "seed of weights and order, from 0",
        "status": "how the run ended: ok, diverged, out_of_memory or failed; metrics are empty unless ok",
        "diverged_epoch": "epoch after which the loss was not finite or too large; empty unless the run diverged",
        "epochs": "epochs trained, with the bad one",
        "updates": "weight updates made; in batch_sizes.csv those of a run that ends ok, in branches.csv those that a "
        "branch makes by itself",
        **_values(metrics, statistic),
        **_counts(metrics),
        GAP: f"{gap}: how much worse test rows are than training rows",
        "trained": f"runs.csv: whether the run ended ok with {metric.column('train')} better by more than "
        f"{metric.learned} than the best constant answer, {metric.baseline:.4g}; cells.csv: number of such runs",
        "runs": "runs of the cell: one for each seed",
        "ok": "runs of the cell that ended ok",
        "diverged": "runs of the cell that diverged",
        "out_of_memory": "runs of the cell that ran out of memory",
        "failed": "runs of the cell that failed for another reason",
        "selected_by": f"how the rate was chosen: 'validation' ({metric.best} mean validation {metric.name} of the "
        f"cells with every run ok; ties: {ties}lower η̃), 'single learning rate', or 'none' with the reason",
        "grid_edge": "lowest or highest if the chosen η̃ is that of the grid: a better one may lie outside; else empty",
        **_intervals(metrics),
        **_other_intervals(metric),
        "difference_n": "pairs of seeds behind difference_mean; at the reference m itself all bounds are empty",
        "too_few_updates": f"whether runs make too few updates to train: on training rows the {metric.name} of an m "
        f"with more updates is better by more than {metric.margins[-1]:g} {metric.differences}, but after as many "
        f"updates was not by more than {metric.least_margin:g}",
        **_reliable(metric),
        "moment": "fraction of the epochs at which a branch begins",
        "first_epoch": "epochs before a branch, which begins with the next",
        "end_epoch": "epochs at the end of a branch, with those before it",
        "kept_batch_size": "m of the run that is branched, rows",
        "epoch": "epochs trained so far; 0 is before the first update",
        "column": "name of a column, in any table of this folder",
        "description": "what the column holds, with its unit",
    }


def _values(metrics: Sequence[Metric], statistic: Statistic) -> dict[str, str]:
    one = LAST_EPOCHS[statistic] == 1
    fewer = "" if one else "of all of them where there are fewer; "
    result = f"{last_epochs.words(statistic)} ({fewer}in curves.csv: after the epoch)"
    found = {}
    for split in SPLITS:
        for metric in metrics:
            column, final = metric.column(split), metric.column(split, "final")
            found[column] = f"{split} rows, {result}; {metric.description}"
            same = f": the same as {column}" if one else ""
            found[final] = f"{split} rows, at the final weights{same}; {metric.description}"
    return found


def _counts(metrics: Sequence[Metric]) -> dict[str, str]:
    names = [name for metric in metrics for name in metric.counted or ()]
    return {f"test_{name}": f"test rows that are {name} at the final weights, rows" for name in names}


def _intervals(metrics: Sequence[Metric]) -> dict[str, str]:
    names = [*quantities(metrics), *(inside for inside, _, _ in counted(metrics))]
    difference = (
        f"{metrics[0].column('test')} at this m minus that at the reference m of summary.json, each at its chosen "
        "rate, paired by seed"
    )
    about = {**{name: f"{name} of runs.csv" for name in names}, "difference": difference}
    return {f"{name}_{bound}": f"{text}: {how}" for name, text in about.items() for bound, how in BOUNDS.items()}


def _other_intervals(metric: Metric) -> dict[str, str]:
    """Return the columns with the bounds of intervals that are not over seeds alone, or that hold together."""
    value = metric.column("test")
    rows = "interval for new test rows as well as new seeds (crossed random effects); that of the values of rows at "
    rows += f"the final weights, moved to {value}; empty where seeds have rows of their own, or rows no values"
    about = {
        f"{value}_new_rows": f"{value} of runs.csv: {{}} bound of its 95 % {rows}",
        "difference_together": "difference_mean: {} bound of its 95 % interval over seeds that holds together with "
        "those of all m (Dunnett 1955)",
        "difference_new_rows": f"difference_mean: {{}} bound of its 95 % {rows}",
    }
    ends = {"low": "lower", "high": "upper"}
    return {f"{name}_{end}": text.format(which) for name, text in about.items() for end, which in ends.items()}


def _reliable(metric: Metric) -> dict[str, str]:
    found = {}
    for margin in metric.margins:
        name = reliable_column(margin)
        found[name] = (
            f"whether every seed trained and the mean validation {metric.name} is within {margin:g} "
            f"{metric.differences} of the best cell's, of those in which every seed trained; empty without "
            "validation rows"
        )
        stretch = f"unbroken stretch of rates with {name} that holds the best of them on validation rows"
        found[f"{name}_low"] = f"lowest base learning rate η̃ of the {stretch}; per example"
        found[f"{name}_high"] = f"highest base learning rate η̃ of the {stretch}; per example"
        found[f"{name}_octaves"] = f"log2({name}_high / {name}_low); octaves"
    return found
