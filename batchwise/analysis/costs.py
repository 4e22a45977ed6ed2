"""What each batch size of a study costs and buys: three budgets, steps to targets, fits over m, the choice."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import equal_budgets, recommendation, steps_to_target
from batchwise.analysis.equal_budgets import Curves
from batchwise.analysis.study_tables import Tables
from batchwise.common.serialization import as_csv, as_json
from batchwise.config.study import Study
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.statistics import critical_batch_size, fits, learning_rate_laws
from batchwise.statistics.censored_values import bounded

# Memory of the choice that a report shows, and its deadlines: people have a minute, an hour, a day.
MEMORY_LIMIT = 16e9  # bytes
DEADLINES = (60, 600, 3600, 86400)  # seconds
MOST_DEADLINES = 2


def files(
    study: Study, all_curves: Sequence[Curves], results: Tables, profile: Profile, measured: pd.DataFrame
) -> dict[str, bytes]:
    """Return {file name: bytes} of the tables of a study's costs.

    `results` are those of evaluate, `measured` is the table of profile_summary for the profile.
    """
    own, growing = of_study(measured, study.dtype), bool(study.schedule.batch_sizes)
    seconds = own.set_index("batch_size")["epoch_seconds"].to_dict()
    runs = steps_to_target.runs(all_curves, study.targets)
    sizes = steps_to_target.sizes(runs, all_curves, seconds)
    tables = {
        "budgets": (equal_budgets.table(all_curves, seconds), equal_budgets.columns(all_curves[0])),
        "target_runs": (runs, steps_to_target.RUNS),
        "targets": (sizes, steps_to_target.SIZES),
        "advice": (advices(results, all_curves, own), recommendation.columns(results.metric, study.statistic)),
        "measured": (measured, {}),
    }
    columns = pd.DataFrame(
        [(name, column, text) for name, (_, texts) in tables.items() for column, text in texts.items()],
        columns=["table", "column", "description"],
    )
    fitted = {
        "time": time(measured, study),
        "memory": memory(own, profile.doubling),
        "largest_batch_size": largest(own, profile.doubling),
        "critical_batch_size": {str(target): critical(target, runs, sizes) for target in study.targets if not growing},
        "learning_rate_law": learning_rate_law(results.batch_sizes, study.grid.base_learning_rates),
        "machine": profile.machine,
    }
    written = {f"{name}.csv": as_csv(table) for name, (table, _) in tables.items()}
    return written | {"columns.csv": as_csv(columns), "fits.json": as_json(fitted)}


def of_study(measured: pd.DataFrame, dtype: str) -> pd.DataFrame:
    """Return the measurements of the batch sizes of the grid in the number type of the study."""
    return measured[measured["purpose"].eq("grid") & measured["dtype"].eq(dtype)]


def advices(tables: Tables, all_curves: Sequence[Curves], measured: pd.DataFrame) -> pd.DataFrame:
    """Return the choice within 16 GB without a deadline, and by the last round ones before the slowest run ends.

    There is none where every run takes less than a minute: time is no reason to choose then.
    """
    slowest = recommendation.whole_runs(tables, measured)["seconds"].max()
    deadlines = [None, *[deadline for deadline in DEADLINES if deadline < slowest][-MOST_DEADLINES:]]
    return pd.concat(
        [recommendation.advise(tables, all_curves, measured, MEMORY_LIMIT, deadline) for deadline in deadlines]
    )


def time(measured: pd.DataFrame, study: Study) -> dict[str, Any]:
    """Return the fit t(m) = a + b·m of the seconds of an update, with the knee a/b in rows."""
    rows = measured[measured["dtype"].eq(study.dtype) & measured["step_seconds"].notna()]
    line = fits.straight_line(rows["batch_size"].to_numpy(float), rows["step_seconds"].to_numpy(float), relative=True)
    return {"overhead": line.intercept, "example": line.slope, "knee": line.ratio, **_quality(line)}


def memory(measured: pd.DataFrame, doubling: pd.DataFrame) -> dict[str, Any]:
    """Return the fit M(m) = c + d·m of the peak memory, in bytes, of the grid and of the doubled batch sizes that fit.

    In a small network the rows of a grid take less than what the compiler happens to.
    """
    columns = ["batch_size", "memory_peak_bytes"]
    rows = pd.concat([measured[columns], doubling.loc[doubling["status"].eq("fits"), columns]]).dropna()
    line = fits.straight_line(
        rows["batch_size"].to_numpy(float), rows["memory_peak_bytes"].to_numpy(float), relative=False
    )
    return {"constant": line.intercept, "row": line.slope, **_quality(line)}


def _quality(line: fits.Line) -> dict[str, Any]:
    return {"r_squared": line.r_squared, "points": line.points}


def largest(measured: pd.DataFrame, doubling: pd.DataFrame) -> dict[str, Any]:
    """Return the largest m that was seen to fit, and the smallest above at which memory ended, None if it never did.

    A smaller m that ended was not in want of what it takes by itself, but of what the machine had left then.
    """
    rows = pd.concat([table[["batch_size", "status"]] for table in (measured, doubling)])
    fitting = rows.loc[rows["status"].isin(["ok", "fits"]), "batch_size"]
    ended = rows.loc[rows["status"].eq("out_of_memory"), "batch_size"]
    ended = ended[ended > fitting.max()] if len(fitting) else ended
    return {"fits": fitting.max() if len(fitting) else None, "out_of_memory": ended.min() if len(ended) else None}


def critical(target: float, runs: pd.DataFrame, sizes: pd.DataFrame) -> dict[str, Any]:
    """Return the fit S(m) = S_min (1 + B_crit/m) of the updates to a target, each m at its fastest rate.

    Left out is an m at which fewer than half of the runs get there, whose fastest rate is not known, and one at which
    all do in their first evaluation: how much sooner is not known.
    """
    at_rate = sizes[sizes["target"].eq(target)]
    known = at_rate.loc[at_rate["updates"].notna(), ["target", "batch_size", "base_learning_rate"]]
    rows = runs.merge(known)
    m, seeds, lower = (rows[column].to_numpy(float) for column in ("batch_size", "seed", "updates_before"))
    upper = rows["updates"].fillna(np.inf).to_numpy(float)
    fit = critical_batch_size.critical_batch_size(m, seeds, lower, upper)
    names = critical_batch_size.regimes(at_rate["batch_size"].to_numpy(float), fit.batch_size.value)
    return fit._asdict() | {
        "left_out": sorted({*at_rate["batch_size"]} - {*rows["batch_size"][bounded(m, lower, upper)]}),
        "regimes": dict(zip(map(str, at_rate["batch_size"]), names, strict=True)),
    }


def learning_rate_law(batch_sizes: pd.DataFrame, base_learning_rates: Sequence[float]) -> dict[str, Any]:
    """Return two laws of the rates chosen on validation rows, those at the grid's edge left out."""
    rows = batch_sizes[batch_sizes["selected_by"].eq("validation")].drop_duplicates("effective_batch_size")
    law = learning_rate_laws.learning_rate_law(
        rows["effective_batch_size"].to_numpy(float),
        rows["learning_rate"].to_numpy(float),
        rows["grid_edge"].fillna("").ne("").to_numpy(),
        max(np.diff(np.log2(sorted(base_learning_rates))), default=0.0),
    )
    return law._asdict()
