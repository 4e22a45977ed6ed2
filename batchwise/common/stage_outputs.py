"""The folder that a stage writes for a study: facts in JSON files, and tables, with their checksums in SHA256SUMS."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchwise.common import files
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command

SUMS = "SHA256SUMS"  # as `sha256sum` writes it, and checks it


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write {file name: bytes} with their checksums, and remove whatever else is in the folder."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    files.replace(folder, {**contents, SUMS: sums.encode()})


def read(
    folder: Path, stage: str, facts: str, tables: Mapping[str, Sequence[str] | None], texts: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return the facts of `<facts>.json`, and {name: table of `<name>.csv`}.

    `tables` gives the columns of each, or None for those that are there; `texts` are columns of text, which may be
    empty. Raises UserError, which says how to run the stage again, if a file is missing or is not what was written.
    """
    run = f"run {rerun_command(f'{stage}@{folder.name}')}"
    try:
        content = _verified(folder, [f"{facts}.json", *(f"{name}.csv" for name in tables)])
        found = json.loads(content[f"{facts}.json"])
        return found, {name: _table(content[f"{name}.csv"], columns, texts) for name, columns in tables.items()}
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); {run}") from None
    except ValueError as error:
        raise UserError(f"{folder}: {error}; {run}") from None


def _verified(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Return {file name: bytes}. Raises ValueError for a file whose checksum is not in SHA256SUMS."""
    sums = files.read(folder / SUMS).decode(errors="replace").splitlines()
    found = {name: files.read(folder / name) for name in names}
    for name, content in found.items():
        if f"{hashlib.sha256(content).hexdigest()}  {name}" not in sums:
            raise ValueError(f"{name} is damaged or was edited: {SUMS} has another checksum of it")
    return found


def _table(content: bytes, columns: Sequence[str] | None, texts: Sequence[str]) -> pd.DataFrame:
    # Only an empty field is null; a column of names is text also where it is empty.
    types = {name: "str" for name in texts if columns is None or name in columns}
    table = pd.read_csv(io.BytesIO(content), usecols=columns, keep_default_na=False, na_values=[""], dtype=types)
    return table if columns is None else table[list(columns)]
