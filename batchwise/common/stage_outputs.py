"""The folder that a stage wrote for a study, read: facts in a JSON file, and tables."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command


def read(
    folder: Path, stage: str, facts: str, tables: Mapping[str, Sequence[str] | None], texts: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return the facts of `<facts>.json`, and {name: table of `<name>.csv`}.

    `tables` gives the columns of each, or None for those that are there; `texts` are columns of text, which may be
    empty. Raises UserError, which says how to run the stage again, if a file is missing or damaged.
    """
    run = f"run {rerun_command(f'{stage}@{folder.name}')}"
    try:
        found = json.loads((folder / f"{facts}.json").read_text(encoding="utf-8"))
        return found, {name: _table(folder / f"{name}.csv", columns, texts) for name, columns in tables.items()}
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; {run}") from None
    except ValueError as error:
        raise UserError(f"a file in {folder} is damaged ({error}); {run}") from None


def _table(path: Path, columns: Sequence[str] | None, texts: Sequence[str]) -> pd.DataFrame:
    # Only an empty field is null; a column of names is text also where it is empty.
    types = {name: "str" for name in texts if columns is None or name in columns}
    table = pd.read_csv(path, usecols=columns, keep_default_na=False, na_values=[""], dtype=types)
    return table if columns is None else table[list(columns)]
