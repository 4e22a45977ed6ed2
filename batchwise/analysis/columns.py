"""What each column of the tables of a study holds, with its unit. Accuracies are fractions, losses are in nats."""

from batchwise.analysis.selection import ABOVE_CHANCE, MARGINS
from batchwise.data.dataset import SPLITS

# Quantities that are averaged over the seeds of a cell.
QUANTITIES = (
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "train_loss",
    "validation_loss",
    "test_loss",
    "generalisation_gap",
)
LAST = "median over the last 5 epochs (of all of them where there are fewer; in curves.csv: after the epoch)"
UNITS = {
    "accuracy": "fraction of the rows whose class is predicted, 0 to 1",
    "loss": "mean cross-entropy over the rows, nats",
}
BOUNDS = {
    "mean": "mean over the seeds that ended ok",
    "low": "lower bound of the 95 % Student t interval of the mean; empty for fewer than two seeds",
    "high": "upper bound of the 95 % Student t interval of the mean; empty for fewer than two seeds",
}
DIFFERENCE = (
    "test accuracy at this m minus that at the reference m of summary.json, each at its chosen rate, paired by seed; "
    "fraction"
)


def _metrics() -> dict[str, str]:
    columns = {}
    for split in SPLITS:
        for metric, unit in UNITS.items():
            columns[f"{split}_{metric}"] = f"{split} rows, {LAST}; {unit}"
            columns[f"{split}_{metric}_final"] = f"{split} rows, at the final weights; {unit}"
    return columns


def _intervals() -> dict[str, str]:
    quantities = {**{name: f"{name} of runs.csv" for name in (*QUANTITIES, "test_correct")}, "difference": DIFFERENCE}
    return {
        f"{name}_{bound}": f"{about}: {text}" for name, about in quantities.items() for bound, text in BOUNDS.items()
    }


def _reliable() -> dict[str, str]:
    columns = {}
    for margin in MARGINS:
        within = f"within {margin} points of the best cell's"
        columns[f"reliable_{margin}"] = (
            f"whether every seed trained and the mean validation accuracy is {within}, of those in which every "
            "seed trained; empty without validation rows"
        )
        stretch = f"unbroken stretch of rates with reliable_{margin} that holds the best of them on validation rows"
        columns[f"reliable_{margin}_low"] = f"lowest base learning rate η̃ of the {stretch}; per example"
        columns[f"reliable_{margin}_high"] = f"highest base learning rate η̃ of the {stretch}; per example"
        columns[f"reliable_{margin}_octaves"] = f"log2(reliable_{margin}_high / reliable_{margin}_low); octaves"
    return columns


COLUMNS = {
    "batch_size": "m as asked for in params.yaml, rows",
    "effective_batch_size": "m that was trained: the smaller of m and the number of training rows, rows",
    "base_learning_rate": "η̃, per example (Masters & Luschi 2018, eq. 6); in batch_sizes.csv that of the chosen cell",
    "learning_rate": "η of the averaged gradient, from η̃ and the effective m by the study's scaling rule",
    "seed": "seed of weights and order, from 0",
    "status": "how the run ended: ok, diverged, out_of_memory or failed; metrics are empty unless ok",
    "diverged_epoch": "epoch after which the loss was not finite or too large; empty unless the run diverged",
    "epochs": "epochs trained, with the bad one",
    "updates": "weight updates made; in batch_sizes.csv those of a run that ends ok",
    **_metrics(),
    "test_correct": "test rows whose class the final weights predict, rows",
    "test_wrong": "test rows whose class the final weights do not predict, rows",
    "generalisation_gap": "train_accuracy_final − test_accuracy_final, fraction",
    "trained": f"runs.csv: whether the run ended ok with train_accuracy more than {ABOVE_CHANCE} above chance "
    "(share of the largest class of the training rows); cells.csv: number of such runs",
    "runs": "runs of the cell: one for each seed",
    "ok": "runs of the cell that ended ok",
    "diverged": "runs of the cell that diverged",
    "out_of_memory": "runs of the cell that ran out of memory",
    "failed": "runs of the cell that failed for another reason",
    "selected_by": "how the rate was chosen: 'validation' (highest mean validation accuracy of the cells with "
    "every run ok; ties: lower validation loss, then lower η̃), 'single learning rate', or 'none' with the reason",
    "grid_edge": "lowest or highest if the chosen η̃ is that of the grid: a better one may lie outside; else empty",
    **_intervals(),
    "difference_n": "pairs of seeds behind difference_mean; at the reference m itself the bounds are empty",
    **_reliable(),
    "epoch": "epochs trained so far; 0 is before the first update",
    "column": "name of a column, in any table of this folder",
    "description": "what the column holds, with its unit",
}
