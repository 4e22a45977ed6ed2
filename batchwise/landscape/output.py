"""From what was measured to the files of a landscape. No TensorFlow here, so that an empty one is written at once."""

import json
from typing import Any

import pandas as pd

from batchwise.landscape import noise, sharpness, updates
from batchwise.landscape.columns import COLUMNS, TABLES
from batchwise.params import Study

Rows = dict[str, list[dict[str, Any]]]  # of each table


def files(name: str, study: Study, rows: Rows) -> dict[str, bytes]:
    """Return {file name: bytes} of a study's landscape; tables without rows have their columns all the same."""
    tables = {table: pd.DataFrame(rows.get(table, []), columns=list(columns)) for table, columns in TABLES.items()}
    tables["columns"] = pd.DataFrame(COLUMNS.items(), columns=["column", "description"])
    text = json.dumps(summary(name, study), indent=2, ensure_ascii=False) + "\n"
    csv = {f"{key}.csv": table.to_csv(index=False, lineterminator="\n").encode() for key, table in tables.items()}
    return csv | {"summary.json": text.encode()}


def summary(name: str, study: Study) -> dict[str, Any]:
    """Return with what the landscape of a study is measured."""
    return {
        "study": name,
        "batch_sizes": list(study.landscape),
        "mode": "inference: dropout off, moving averages in place of a batch's statistics, no augmentation",
        "loss": f"of the task alone: the penalty of weight decay, here {study.weight_decay}, is left out",
        "noise": {
            "small_batch": noise.SMALL_BATCH,
            "large_batch": noise.LARGE_BATCH,
            "pairs": noise.PAIRS,
            "resamples": noise.RESAMPLES,
            "rows": "drawn with replacement from all training rows",
        },
        "updates": {
            "batch_sizes": list(updates.UPDATE_BATCH_SIZES),
            "rate_factors": list(updates.RATE_FACTORS),
            "draws": updates.DRAWS,
        },
        "steps": {"parts": list(updates.PARTS), "draws": updates.STEP_DRAWS, "largest_batch": updates.LARGEST_STEP},
        "sharpness": {"epsilons": list(sharpness.EPSILONS), "iterations": sharpness.ITERATIONS},
        "hessian": {"tolerance": sharpness.EIGENVALUE_TOLERANCE},
        "loss_rows": {
            "at_most": sharpness.LOSS_ROWS,
            "rows": "all training rows, or a fixed stratified part where there are more: for sharpness and Hessian",
        },
    }
