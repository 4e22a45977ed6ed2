"""From what was measured to the files of a landscape. What measures is not imported: an empty one takes no time."""

from typing import Any

import pandas as pd

from batchwise.common.serialization import as_csv, as_json
from batchwise.measuring.landscape.columns import COLUMNS, TABLES

Rows = dict[str, list[dict[str, Any]]]  # of each table


def files(name: str, batch_sizes: list[int], settings: dict[str, Any], rows: Rows) -> dict[str, bytes]:
    """Return {file name: bytes} of a study's landscape; tables without rows have their columns all the same.

    `settings` are those of measurement.py; none where no batch size is asked for.
    """
    tables = {table: pd.DataFrame(rows.get(table, []), columns=list(columns)) for table, columns in TABLES.items()}
    tables["columns"] = pd.DataFrame(COLUMNS.items(), columns=["column", "description"])
    facts = {"study": name, "batch_sizes": batch_sizes, **settings}
    csv = {f"{key}.csv": as_csv(table) for key, table in tables.items()}
    return csv | {"summary.json": as_json(facts)}
