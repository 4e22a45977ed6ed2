"""Dates and times in texts, whatever the locale: ISO 8601, and numbers in the orders that people write them in."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.messages import shown

CLOCKS = ("", " %H:%M", " %H:%M:%S")
# Of these the day or the month may come first; the first of a pair is told from the second by a day above the 12th.
DAY_FIRST = tuple(f"{day}{clock}" for day in ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y") for clock in CLOCKS)
MONTH_FIRST = tuple(f"{day}{clock}" for day in ("%m/%d/%Y", "%m-%d-%Y") for clock in CLOCKS)
YEAR_FIRST = tuple(f"%Y/%m/%d{clock}" for clock in CLOCKS)
ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[-+]\d{2}:?\d{2})?)?)?", re.ASCII)


def times(levels: Sequence[str]) -> np.ndarray | None:
    """Return texts [L] as times, datetime64 [L] of UTC, or None if one of them is none.

    Raises UserError if they can be read in two ways, with the day first or the month.
    """
    if not len(levels) or not levels[0][:1].isdigit():
        return None
    is_iso, texts = all(map(ISO.fullmatch, levels)), pd.Series(levels, dtype="str")
    if is_iso:
        return _parsed(texts, "ISO8601")
    found = {name: _first(texts, formats) for name, formats in (("day", DAY_FIRST), ("month", MONTH_FIRST))}
    day, month = found["day"], found["month"]
    if day is not None and month is not None and (day != month).any():
        example = texts[int((day != month).argmax())]
        raise UserError(f"{shown(example)} can be read with the day or the month first; write it as 2026-12-31")
    return next((times for times in (day, month, _first(texts, YEAR_FIRST)) if times is not None), None)


def _first(texts: pd.Series, formats: tuple[str, ...]) -> np.ndarray | None:
    return next((found for each in formats if (found := _parsed(texts, each)) is not None), None)


def _parsed(texts: pd.Series, written: str) -> np.ndarray | None:
    if written != "ISO8601" and pd.isna(pd.to_datetime(texts.iloc[0], format=written, errors="coerce")):
        return None  # soon, for most formats
    found = pd.to_datetime(texts, format=written, errors="coerce", utc=True)
    return None if found.isna().any() else found.dt.tz_localize(None).to_numpy()
