"""How large m may be by how far a run has trained: runs that branch off with other batch sizes (Merrill 2025).

Each branch of a moment sees the same rows. The critical batch size is the largest m at which training on does not fall
behind the branch that keeps the m of the run (arXiv 2505.23971, section 3): here, whose training loss at its end is not
higher by more than the least margin of the loss. Differences are of the same seed, so from the same weights.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from batchwise.analysis.run_metrics import RunMetrics
from batchwise.config import phases
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import Interval, mean_interval

CELL = ["moment", "first_epoch", "end_epoch", "batch_size"]
KEEPS_UP, BEHIND, UNKNOWN = "keeps up", "falls behind", "cannot be told"


def table(study: Study, rows: int, metrics: Sequence[Metric], by_run: Mapping[Run, RunMetrics]) -> pd.DataFrame:
    """Return a row for each branch of each seed, sorted by moment and m; none of a study without branches.

    columns.py says what each column holds.
    """
    names = [*CELL, "kept_batch_size", "learning_rate", "seed", "status", "updates"]
    values = [metric.column(split, "final") for split in SPLITS for metric in metrics]
    found = [_row(study, rows, metrics, run, by_run[run]) for run in sorted(by_run)]
    return pd.DataFrame(found, columns=[*names, *values]).sort_values([*CELL, "seed"], ignore_index=True)


def _row(study: Study, rows: int, metrics: Sequence[Metric], run: Run, found: RunMetrics) -> list[float | str]:
    assert run.branch and study.branches and study.budget.epochs
    first, end, m, factor = run.branch
    moments = dict(zip(study.branches.epochs(study.budget.epochs), study.branches.moments, strict=True))
    updates = (end - first) * phases.updates_per_epoch(rows, m)
    about = [moments[first, end], first, end, m, run.effective_batch_size, factor * run.learning_rate]
    values = [found.final[metric.name][split] for split in range(len(SPLITS)) for metric in metrics]
    return [*about, run.seed, found.status, updates, *values]


def losses(branches: pd.DataFrame, loss: Metric) -> dict[float, pd.DataFrame]:
    """Return the training loss at the end of branches by moment, each [m, seeds]; of one that diverged the baseline."""
    ends, kept = branches[loss.column("train", "final")].astype(float), int(branches["kept_batch_size"].iloc[0])
    known = branches.assign(loss=ends.mask(branches["status"].eq("diverged"), loss.baseline))
    sizes = sorted({*known["batch_size"], kept})
    return {
        float(moment): rows.pivot(index="batch_size", columns="seed", values="loss").reindex(sizes)
        for moment, rows in known.groupby("moment")
    }


def by_batch_size(branches: pd.DataFrame, loss: Metric) -> pd.DataFrame:
    """Return a row for each moment and m: the mean loss, how much higher it is than where m is kept, what that says.

    `higher_low` and `higher_high` are a 95 % interval over seeds, paired; all are in the unit of differences of the
    loss, but `loss`. `says` is KEEPS_UP, BEHIND or UNKNOWN, and empty where m is kept.
    """
    kept = int(branches["kept_batch_size"].iloc[0])
    found = []
    for moment, values in losses(branches, loss).items():
        higher = _higher(values, kept, loss)
        interval = mean_interval(higher.to_numpy(float))
        says = [_says(low, high, loss.least_margin) for low, high in zip(interval.low, interval.high, strict=True)]
        rows = pd.DataFrame({"moment": moment, "batch_size": values.index, "loss": values.mean(axis=1).to_numpy()})
        bounds = {"higher": interval.mean, "higher_low": interval.low, "higher_high": interval.high, "n": interval.n}
        rows = rows.assign(**bounds, says=says)
        rows.loc[rows["batch_size"].eq(kept), ["higher_low", "higher_high", "says"]] = [np.nan, np.nan, ""]
        found.append(rows)
    return pd.concat(found, ignore_index=True)


def _higher(values: pd.DataFrame, kept: int, loss: Metric) -> pd.DataFrame:
    """Return how much higher losses [m, seeds] are than with the m that is kept, in the unit of differences."""
    return loss.scale * (values - values.loc[kept])


def _says(low: float, high: float, margin: float) -> str:
    if high <= margin:
        return KEEPS_UP
    return BEHIND if low > margin else UNKNOWN


def critical(branches: pd.DataFrame, loss: Metric) -> pd.DataFrame:
    """Return a row for each moment: between which m the critical batch size lies, and where, with its interval.

    `at_least` is the largest m up to which all from the kept one on keep up, `below` the smallest that falls behind,
    NaN for none. `critical` is the geometric mean over seeds of `crossings`, with `critical_low` and `critical_high`;
    `beyond` says that a seed does not fall behind at any m, so that it lies higher.
    """
    kept, table = int(branches["kept_batch_size"].iloc[0]), by_batch_size(branches, loss)
    found = []
    for moment, values in losses(branches, loss).items():
        rows = table[table["moment"].eq(moment) & table["batch_size"].gt(kept)]
        up = rows["says"].eq(KEEPS_UP).cummin()
        behind = rows.loc[rows["says"].eq(BEHIND), "batch_size"]
        crossing, beyond = crossings(values, kept, loss)
        mean = Interval(*(bound.item() for bound in mean_interval(crossing[None])))
        between = rows.loc[up, "batch_size"].max() if up.any() else kept, behind.min() if len(behind) else np.nan
        found.append((moment, *between, *np.exp2(mean[:3]), mean.n, bool(beyond.any())))
    names = ["moment", "at_least", "below", "critical", "critical_low", "critical_high", "n", "beyond"]
    return pd.DataFrame(found, columns=names)


def crossings(values: pd.DataFrame, kept: int, loss: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Return log₂ of the m at which each seed first falls behind by the margin, [seeds], and whether none does.

    On a line in log₂ m between the m of the branches, from the kept one on; the largest of them where none does. NaN
    for a seed that lacks a loss.
    """
    higher = _higher(values, kept, loss).loc[kept:]
    places = np.log2(higher.index.to_numpy(float))
    found, beyond = np.full(higher.shape[1], np.nan), np.zeros(higher.shape[1], bool)
    for seed, differences in enumerate(higher.to_numpy(float).T):
        over = np.flatnonzero(differences > loss.least_margin)
        if np.isnan(differences).any():
            continue
        if not len(over):
            found[seed], beyond[seed] = places[-1], True
            continue
        before, after = differences[over[0] - 1 : over[0] + 1]
        step = (loss.least_margin - before) / (after - before)
        found[seed] = places[over[0] - 1] + step * (places[over[0]] - places[over[0] - 1])
    return found, beyond
