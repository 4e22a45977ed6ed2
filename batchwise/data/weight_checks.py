"""What the weights of rows must be, from 0 up and not all 0, and the numbers of their groups: one for each row."""

from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import conversions


def check(what: str, weights: Any, rows: int) -> None:
    """Raise UserError for weights that cannot be; `what` is what they are called: `train weights`."""
    if weights is None:
        return
    if not (conversions.is_plain(weights) and weights.ndim == 1 and weights.dtype.kind in "iuf"):
        found = conversions.in_words(weights)
        raise UserError(f"{what} are {found}; an array [rows] of numbers from 0 up is expected, or None")
    if len(weights) != rows:
        raise UserError(f"{what} are {len(weights)} for {rows} rows of inputs; one for each row is expected")
    if rows and not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0):
        wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
        found = f"{weights[wrong[0]]} in row {wrong[0]}" if len(wrong) else "all 0"
        raise UserError(f"{what}: {found}; finite numbers from 0 up are expected, not all 0")


def check_numbers(what: str, numbers: Any, rows: int) -> None:
    """Raise UserError for groups or times of rows that are no whole numbers [rows], nor None."""
    if numbers is None:
        return
    if not (conversions.is_plain(numbers) and numbers.shape == (rows,) and numbers.dtype.kind in "iu"):
        found = conversions.in_words(numbers)
        raise UserError(f"{what} are {found}; a whole number for each of {rows} rows is expected, or None")
