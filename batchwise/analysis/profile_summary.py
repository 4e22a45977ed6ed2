"""What was measured of time and memory, summarised by batch size."""

import numpy as np
import pandas as pd

from batchwise.measuring.profiling.profile_files import Profile

KEY = ["batch_size", "dtype"]


def summary(profile: Profile) -> pd.DataFrame:
    """Return a row for each batch size and number type, as in points.csv; numbers are empty unless its status is ok.

    `step_seconds` is the median over processes of their medians, with the quartiles of all repetitions,
    `step_seconds_lower` and `step_seconds_upper`, and `ragged_seconds` that of the last batch. `examples_per_second` is
    m/step_seconds, and `epoch_seconds` is ⌊N/m⌋·step_seconds + ragged_seconds. `compile_seconds` is of all that an
    epoch needs. The last two are empty where there is a smaller last batch that was not measured. `memory_peak_bytes`,
    `purpose`, `status`.
    """
    rows, points = profile.machine["training_rows"], profile.points
    table = points[KEY].join(_times(profile.repetitions), on=KEY)
    m, rest = points["batch_size"], points["ragged_rows"].gt(0)
    table["examples_per_second"] = m / table["step_seconds"]
    table["epoch_seconds"] = rows // m * table["step_seconds"] + table["ragged_seconds"].where(rest, 0)
    table["compile_seconds"] = points["compile_seconds"] + points["ragged_compile_seconds"].where(rest, 0)
    table["memory_peak_bytes"] = points["memory_peak_bytes"]
    numbers = table.columns.difference(KEY, sort=False)
    table[numbers] = table[numbers].where(points["status"].eq("ok"), np.nan).astype(float)
    return table.assign(purpose=points["purpose"], status=points["status"])


def process_medians(repetitions: pd.DataFrame) -> pd.Series:
    """Return the median seconds of an update of each process, by part, batch size, number type and process."""
    known = repetitions.astype({"seconds": float})  # none may be of any type
    return known.groupby(["part", *KEY, "process"])["seconds"].median()


def _times(repetitions: pd.DataFrame) -> pd.DataFrame:
    """Return the times of whole updates and of ragged ones, by batch size and number type."""
    medians = process_medians(repetitions).groupby(["part", *KEY]).median().unstack("part")
    whole = repetitions[repetitions["part"].eq("whole")].astype({"seconds": float}).groupby(KEY)["seconds"]
    columns = {"whole": "step_seconds", "ragged": "ragged_seconds"}
    quartiles = {"step_seconds_lower": whole.quantile(0.25), "step_seconds_upper": whole.quantile(0.75)}
    table = medians.reindex(columns=list(columns)).rename(columns=columns).assign(**quartiles)
    return table[["step_seconds", *quartiles, "ragged_seconds"]]
