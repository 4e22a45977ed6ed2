"""Which batch size to use for a given memory and time, and the price of the others: from results and measured costs.

The choice is among whole runs, each at its chosen rate; a deadline that ends them before leaves shorter ones, of which
the seeds of the grid tell.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import choice, equal_budgets, last_epochs, selection, shorter_runs
from batchwise.analysis.equal_budgets import Curves
from batchwise.analysis.study_tables import Tables
from batchwise.config import phases
from batchwise.config.phases import Phase
from batchwise.config.study import Statistic
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import mean_interval, paired_difference

MEMORY = "memory_peak_bytes"
NOTHING_MEASURED = pd.DataFrame(columns=["batch_size", "epoch_seconds", "compile_seconds", MEMORY], dtype=float)


def columns(metric: Metric, statistic: Statistic) -> dict[str, str]:
    """Return {column: what it holds} of the table of advice."""
    validation, test = (metric.column(split) for split in ("validation", "test"))
    mean = f"mean over the seeds ({last_epochs.words(statistic, 'evaluation')}); {metric.description}"
    return {
        "memory_limit_bytes": "memory that there is, bytes; empty for no limit",
        "deadline_seconds": "seconds of updates that there are; empty for the whole run of the study",
        "chosen": "whether this is the batch size to use: of whole runs the cheapest of those that cannot be told "
        f"apart from the best and are at most {metric.least_margin:g} {metric.differences} behind it; of shorter ones "
        "the best on validation rows, or on test rows without any, than which none is significantly better on test "
        "rows",
        "best": "whether this is the best of those that fit: on validation rows, or on test rows without any, and "
        "where another is significantly better there; of whole runs",
        "alike": "whether it cannot be told apart from the best on test rows, by intervals that hold together; of "
        "whole runs that fit",
        "status": f"{equal_budgets.MEASURED}; {equal_budgets.TOO_SHORT}: at the deadline; {equal_budgets.UNMEASURED}, "
        "or memory: not known to fit",
        "fits": "whether the memory is enough and at least one epoch is over at the deadline",
        "batch_size": "m that was trained, rows",
        "base_learning_rate": "η̃ that is best on validation rows, for whole runs or at the deadline",
        "learning_rate": "η of that",
        "epochs": "epochs of the whole run, or until the deadline; of the batch size to use those to train",
        "updates": "weight updates until then",
        "seconds": "seconds of these updates on this machine, without compilation and evaluation; of runs that are "
        "trained at once, in lanes, a run's share",
        "compile_seconds": "seconds to compile, once for each batch size",
        "memory_peak_bytes": "largest resident set (CPU) or device memory (GPU) of a process that trains, with all of "
        "its lanes, bytes",
        f"{validation}_mean": f"{mean}; of the seeds of the grid",
        f"{test}_mean": f"{mean}; of whole runs with fresh seeds, if there are some",
        f"{test}_low": "lower bound of its 95 % Student t interval",
        f"{test}_high": "upper bound of its 95 % Student t interval",
        "n": "seeds",
        "difference_mean": f"{test} less that of the chosen batch size, paired by seed",
        "difference_low": "lower bound of its 95 % Student t interval",
        "difference_high": "upper bound of its 95 % Student t interval",
    }


def advise(
    tables: Tables,
    all_curves: Sequence[Curves],
    measured: pd.DataFrame,
    memory: float | None = None,
    deadline: float | None = None,
) -> pd.DataFrame:
    """Return a row for each batch size, and which of them to use within `memory` bytes and `deadline` seconds.

    `all_curves` are those of the study's grid. `measured` has the columns batch_size, epoch_seconds, compile_seconds
    and memory_peak_bytes (profile_summary); what was not measured is not held against a batch size without a limit on
    it. No row is chosen if none fits.
    """
    last = np.inf if deadline is None else deadline
    whole = whole_runs(tables, measured, memory)
    chosen, in_time = whole[whole["chosen"]], whole["seconds"].le(last) | (deadline is None)
    until = max([last, *chosen["seconds"].dropna()])
    enough = not _beaten(chosen, *_shorter_runs(all_curves, measured, memory, until), all_curves)
    if enough and (deadline is None or in_time[chosen.index].any()):
        table = whole.assign(fits=whole["fits"] & in_time)
    else:
        result = chosen[tables.metric.column("test", "mean")].max() if enough and len(chosen) else None
        table = _with_prices(*_shorter_runs(all_curves, measured, memory, last, result))
    table["memory_limit_bytes"], table["deadline_seconds"] = memory, deadline
    return table.reindex(columns=list(columns(tables.metric, tables.statistic)))


def whole_runs(tables: Tables, measured: pd.DataFrame, memory: float | None = None) -> pd.DataFrame:
    """Return a row for each batch size with its whole runs at its chosen rate, and which to use within `memory` bytes.

    `measured` is as in `advise`; where the seconds of one are not known, the cheapest makes the fewest updates.
    """
    metric = tables.metric
    table = tables.batch_sizes.drop_duplicates("effective_batch_size").reset_index(drop=True)
    table = table.assign(batch_size=table["effective_batch_size"], n=table["ok"], status=equal_budgets.MEASURED)
    runs = {m: tables.phases(m) for m in table["batch_size"].tolist()}
    of_epoch = equal_budgets.cost("seconds", measured.set_index("batch_size")["epoch_seconds"].to_dict())
    table["epochs"] = [float(run[-1].end_epoch) for run in runs.values()]
    table["seconds"] = [float(phases.spent(run, of_epoch, run[-1].end_epoch)) for run in runs.values()]
    table = _with_costs(table, _of_runs(measured, runs), memory).assign(best=False, alike=False, chosen=False)
    test = tables.test_by_seed.reindex(table["batch_size"]).to_numpy(float)
    among = np.flatnonzero(table["fits"] & np.isfinite(test).all(axis=1) & (test.shape[1] > 0))
    if len(among):
        costs = table["updates" if table["seconds"][among].isna().any() else "seconds"]
        found = choice.choose(test[among], _preferred(table.loc[among], tables), costs[among].to_numpy(float), metric)
        for name, places in found._asdict().items():
            table.loc[among[places], name] = True
    return _with_prices(table, test)


def _preferred(rows: pd.DataFrame, tables: Tables) -> int | None:
    """Return the place of the best on validation rows; None without any."""
    rank = selection.ranks(rows, np.ones(len(rows), bool), tables.metrics)
    return int(rank.argmin()) if rank.min() < len(rows) else None


def _shorter_runs(
    all_curves: Sequence[Curves],
    measured: pd.DataFrame,
    memory: float | None,
    deadline: float,
    whole: float | None = None,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a row for each batch size, as long as the deadline lets it train, and its results, [batch sizes, seeds].

    The one to use may stop before. `whole` is the result of the whole run that more time would give (shorter_runs).
    """
    metric, seconds = all_curves[0].metric, measured.set_index("batch_size")["epoch_seconds"].to_dict()
    table = pd.DataFrame([_until(curves, seconds, deadline) for curves in all_curves])
    runs = {curves.effective_batch_size: curves.phases for curves in all_curves}
    table = _with_costs(table, _of_runs(measured, runs), memory).assign(best=False, alike=False, chosen=False)
    fitting = [curves for curves, fits in zip(all_curves, table["fits"], strict=True) if fits]
    runs, test = shorter_runs.options(fitting, seconds, deadline)
    if len(runs):
        validation = runs[metric.column("validation", "mean")].to_numpy(float)
        named = runs.loc[shorter_runs.choices(test, validation, metric, whole)[-1]]
        row = table.index[table["batch_size"].eq(named["batch_size"])][0]
        table.loc[row, named.index] = named
        table.loc[row, "chosen"] = True
    results = [shorter_runs.of_seeds(*pair) for pair in zip(all_curves, table.to_dict("records"), strict=True)]
    return table, np.array(results)


def _until(curves: Curves, seconds: Mapping[int, float], deadline: float) -> dict[str, Any]:
    """Return what a batch size gives at the deadline, or at the end of its runs if that is sooner."""
    until = equal_budgets.level(curves, "seconds", deadline, seconds)
    if until["status"] == equal_budgets.TOO_LONG or np.isinf(deadline):
        return equal_budgets.level(curves, "epochs", curves.whole_epochs, seconds)
    return until


def _of_runs(measured: pd.DataFrame, runs: Mapping[int, Sequence[Phase]]) -> pd.DataFrame:
    """Return what was measured by the m of which runs are: of all their phases, where m changes in them."""
    by_size = measured.set_index("batch_size")
    found = by_size.reindex([*runs])
    for m, run in runs.items():
        if len(run) > 1:
            sizes = by_size.reindex([*dict.fromkeys(phase.batch_size for phase in run)])
            found.loc[m, "compile_seconds"] = sizes["compile_seconds"].sum(skipna=False)
            found.loc[m, MEMORY] = sizes[MEMORY].max(skipna=False)
            if "status" in sizes:
                ends = sizes["status"].ne("ok")
                found.loc[m, "status"] = sizes["status"][ends.idxmax() if ends.any() else m]
    return found.rename_axis("batch_size").reset_index()


def _with_costs(table: pd.DataFrame, measured: pd.DataFrame, memory: float | None) -> pd.DataFrame:
    """Return the table with what was measured of each batch size, and whether it fits into the memory."""
    costs = measured.set_index("batch_size")
    table = table.assign(**{name: table["batch_size"].map(costs[name]) for name in ("compile_seconds", MEMORY)})
    if memory is not None:
        ended = costs.index[costs["status"].eq("out_of_memory")] if "status" in costs else []
        unknown = table[MEMORY].isna() & ~table["batch_size"].isin(ended)
        table["status"] = table["status"].mask(unknown, equal_budgets.UNMEASURED)
    enough = table[MEMORY].le(memory) if memory is not None else True
    return table.assign(fits=table["status"].eq(equal_budgets.MEASURED) & enough)


def _beaten(whole: pd.DataFrame, shorter: pd.DataFrame, test: np.ndarray, all_curves: Sequence[Curves]) -> bool:
    """Return whether the shorter run to use is better than the whole one by more than the least margin and by chance.

    Both are of the seeds of the grid. Where training on makes a network worse, a whole run is no choice.
    """
    named = np.flatnonzero(shorter["chosen"])
    if whole.empty or not len(named):
        return False
    row, metric = whole.iloc[0], all_curves[0].metric
    curves = next(curves for curves in all_curves if curves.effective_batch_size == row["batch_size"])
    gain = mean_interval(metric.gain(test[named], shorter_runs.of_seeds(curves, row)))
    return bool(gain.low > 0 and gain.mean > metric.least_margin)


def _with_prices(table: pd.DataFrame, test: np.ndarray) -> pd.DataFrame:
    """Return the table with the differences on test rows, [batch sizes, seeds], from the batch size to use, by seed.

    Its own has no bounds.
    """
    chosen = np.flatnonzero(table["chosen"])
    reference = test[chosen[0]] if len(chosen) else np.nan
    difference = paired_difference(test, reference)
    ends = {end: np.where(table["chosen"], np.nan, getattr(difference, end)) for end in ("low", "high")}
    return table.assign(
        difference_mean=difference.mean, **{f"difference_{end}": values for end, values in ends.items()}
    )
