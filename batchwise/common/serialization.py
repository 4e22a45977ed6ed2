"""Tables and facts as the bytes of a file: equal contents give equal bytes, and what is not a number is empty."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def as_csv(table: "pd.DataFrame") -> bytes:
    """Return a table as CSV, without its index; infinite numbers are empty."""
    return table.replace([np.inf, -np.inf], np.nan).to_csv(index=False, lineterminator="\n").encode()


def as_json(content: dict[str, Any]) -> bytes:
    """Return facts as JSON: named tuples as mappings, NumPy's numbers as numbers, null for what is not finite."""
    return (json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(content: Any) -> Any:
    if hasattr(content, "_asdict"):
        content = content._asdict()
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    content = content.item() if isinstance(content, np.generic) else content
    return None if isinstance(content, float) and not np.isfinite(content) else content
