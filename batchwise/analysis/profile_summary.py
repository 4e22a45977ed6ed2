"""What was measured of time and memory, summarised by batch size."""

import numpy as np
import pandas as pd

from batchwise.measuring.profiling.profile_files import Profile

KEY = ["batch_size", "dtype"]


def summary(profile: Profile) -> pd.DataFrame:
    """Return a row for each batch size and number type, as in points.csv; numbers are empty unless its status is ok.

    `step_seconds` is the median over the repetitions, with its quartiles `step_seconds_lower` and `step_seconds_upper`,
    and `ragged_seconds` that of the last batch. `examples_per_second` is m/step_seconds, and `epoch_seconds` is
    ⌊N/m⌋·step_seconds + ragged_seconds. `compile_seconds` is of all that an epoch needs. The last
    two are empty where there is a smaller last batch that was not measured. `memory_peak_bytes`, `purpose`, `status`.
    """
    rows, points = profile.machine["training_rows"], profile.points
    table = points[KEY].join(_quartiles(profile.repetitions), on=KEY)
    m, rest = points["batch_size"], points["ragged_rows"].gt(0)
    table["examples_per_second"] = m / table["step_seconds"]
    table["epoch_seconds"] = rows // m * table["step_seconds"] + table["ragged_seconds"].where(rest, 0)
    table["compile_seconds"] = points["compile_seconds"] + points["ragged_compile_seconds"].where(rest, 0)
    table["memory_peak_bytes"] = points["memory_peak_bytes"]
    numbers = table.columns.difference(KEY, sort=False)
    table[numbers] = table[numbers].where(points["status"].eq("ok"), np.nan).astype(float)
    return table.assign(purpose=points["purpose"], status=points["status"])


def _quartiles(repetitions: pd.DataFrame) -> pd.DataFrame:
    """Return the quartiles of whole updates and the median of ragged ones, by batch size and number type."""
    names = {0.5: "step_seconds", 0.25: "step_seconds_lower", 0.75: "step_seconds_upper"}
    repetitions = repetitions.astype({"seconds": float})  # none may be of any type
    parts = {part: repetitions[repetitions["part"].eq(part)].groupby(KEY)["seconds"] for part in ("whole", "ragged")}
    whole = pd.DataFrame({name: parts["whole"].quantile(share) for share, name in names.items()})
    return whole.join(parts["ragged"].median().rename("ragged_seconds"))
