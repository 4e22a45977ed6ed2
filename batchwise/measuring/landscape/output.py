"""From what was measured to the files of a landscape. What measures is not imported: an empty one takes no time."""

from typing import Any

import pandas as pd

from batchwise.common.serialization import as_csv, as_json
from batchwise.data.metric import Metric
from batchwise.measuring.landscape import columns

Rows = dict[str, list[dict[str, Any]]]  # of each table


def files(name: str, metric: Metric, batch_sizes: list[int], settings: dict[str, Any], rows: Rows) -> dict[str, bytes]:
    """Return {file name: bytes} of a study's landscape; tables without rows have their columns all the same.

    `metric` is that which chooses, `settings` are those of measurement.py; none where no batch size is asked for.
    """
    names = columns.tables(metric)
    tables = {table: pd.DataFrame(rows.get(table, []), columns=list(names[table])) for table in names}
    tables["columns"] = pd.DataFrame(columns.columns(metric).items(), columns=["column", "description"])
    facts = {"study": name, "batch_sizes": batch_sizes, **settings}
    csv = {f"{key}.csv": as_csv(table) for key, table in tables.items()}
    return csv | {"summary.json": as_json(facts)}
