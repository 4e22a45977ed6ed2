"""Rows of tables that say what they are of."""

from collections.abc import Mapping
from typing import Any


def keep_identified(tables: Any, keys: Mapping[str, Mapping[str, str | None]]) -> None:
    """Leave out, of the tables of a frozen dataclass, rows that lack an entry of their keys: they are of nothing.

    `keys` are {table: {column: its type where a missing entry changes it, or None}}; a table need not have all of them.
    """
    for name, columns in keys.items():
        table = getattr(tables, name)
        there = {column: kind for column, kind in columns.items() if column in table}
        if not table[[*there]].notna().all(axis=None):
            kinds = {column: kind for column, kind in there.items() if kind}
            rows = table.dropna(subset=[*there]).astype(kinds).reset_index(drop=True)
            object.__setattr__(tables, name, rows)
