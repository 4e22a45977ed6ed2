"""What an update of m rows of T tokens or pixels takes in memory, which m fits, and what saves memory."""

import numpy as np

from batchwise.analysis.memory_by_length import Kind, MemoryByLength
from batchwise.data.lengths import PIXEL
from batchwise.report.number_format import MISSING, digits, known, memory, number, size
from batchwise.report.sentences.costs import estimate
from batchwise.report.sentences.grammar import listed
from batchwise.statistics.intervals import Estimate
from batchwise.statistics.memory_fit import MemoryFit

KIBIBYTE, MEBIBYTE = 2**10, 2**20
NO_FIT = "A fit of memory takes four updates that had some, at several lengths."


def name(kind: Kind) -> str:
    """Return what a kind is called: `float32`, `float32 in 4 parts`."""
    return kind.dtype if kind.accumulation == 1 else f"{kind.dtype} in {kind.accumulation} parts"


def fit(found: MemoryByLength) -> str:
    """Return the fit of the memory by rows and tokens."""
    of_own = found.own.fit
    if of_own is None:
        return NO_FIT
    square = of_own.square
    unit = found.unit
    term = "" if square is None else f", and {_shown(square)} bytes for each pair of {unit}s of a row"
    law = "M = c + d·m·T" if square is None else "M = c + d·m·T + d₂·m·T²"
    return (
        f"An update of m rows of T {unit}s takes {_shown(of_own.constant, 1 / MEBIBYTE)} MiB, "
        f"{_shown(of_own.token, 1 / KIBIBYTE)} KiB for each {unit} of the batch{term} "
        f"({law}, R² = {number(of_own.r_squared, 4)}, {of_own.points} updates, residuals of "
        f"{digits(of_own.error / MEBIBYTE)} MiB). {_square(found, of_own)}"
    )


def _square(found: MemoryByLength, of_own: MemoryFit) -> str:
    longest = max(found.lengths)
    if of_own.square is not None:
        share = of_own.square.value * longest**2 / of_own.row(longest).value
        return f"The pairs are attention's: {number(100 * share, 0)} % of a row of {longest} {found.unit}s."
    if not known(of_own.p_square):
        return "Whether memory grows with T² too takes three lengths."
    half = "half the area" if found.unit == PIXEL else "half as long"
    return f"So it is the number of {found.unit}s that counts, m·T: {half}, twice the rows."


def ends(found: MemoryByLength) -> str:
    """Return the largest m that was found to fit at each length."""
    rows = found.largest.dropna(subset="fits")
    if rows.empty or not known(found.limit):
        return "No update of several lengths was seen to fit."
    parts = [
        f"{size(int(row['fits']))} at T = {row['length']:,.0f}"
        + (f" ({size(int(row['out_of_memory']))} ended)" if known(row["out_of_memory"]) else " (no end was found)")
        for row in rows.to_dict("records")
    ]
    return f"With {memory(found.limit)} the largest m that was seen to fit is {listed(parts)}."


def evaluation(found: MemoryByLength) -> list[str]:
    """Return what the evaluation takes at the shortest and the longest length; nothing if it was not measured."""
    shortest, longest = min(found.lengths), max(found.lengths)
    if not known(found.evaluation(longest)):
        return []
    peaks = f"{memory(found.evaluation(shortest))} at T = {shortest}, {memory(found.evaluation(longest))} at {longest}"
    return [f"The evaluation of a run takes as much at every m: {peaks}."]


def saves(found: MemoryByLength, other: Kind) -> str:
    """Return what another number type or more parts save in memory, and cost in time."""
    row, time = found.memory_of_row(other), found.time(other)
    less = f"a row takes {_shown(row)} times the memory" if row else "its memory is not known"
    slower = f"an update takes {_shown(time)} times as long" if time else "its time is not known"
    return f"{name(other)}, beside {name(found.own)}: {less}, {slower}."


def largest(found: MemoryByLength, limits: list[float]) -> list[list[str]]:
    """Return a row for each length: what was found at the limit, and what the fit says of it and of other limits."""
    fit_of_own = found.own.fit
    return [
        [
            f"{row['length']:,.0f}",
            size(int(row["fits"])) if known(row["fits"]) else MISSING,
            size(int(row["out_of_memory"])) if known(row["out_of_memory"]) else MISSING,
            *(_rows(fit_of_own, row["length"], limit) for limit in [found.limit, *limits]),
        ]
        for row in found.largest.to_dict("records")
    ]


def _rows(of_own: MemoryFit | None, tokens: float, limit: float) -> str:
    most = of_own.most_rows(tokens, limit) if of_own else np.nan
    return size(int(most)) if known(most) and most >= 1 else "0" if known(most) else MISSING


def kinds(found: MemoryByLength, limit: float) -> list[list[str]]:
    """Return a row for each kind: its memory and time beside the study's, and the largest m by its fit."""
    longest = max(found.lengths)
    rows = []
    for kind in (found.own, *found.others):
        is_own = kind is found.own
        row, time = (None, None) if is_own else (found.memory_of_row(kind), found.time(kind))
        token = estimate(kind.fit.token._asdict(), 1 / KIBIBYTE) if kind.fit else MISSING
        rows.append(
            [
                name(kind),
                token,
                "1" if is_own else _shown(row) if row else MISSING,
                "1" if is_own else _shown(time) if time else MISSING,
                _rows(kind.fit, longest, limit),
                str(kind.fit.points) if kind.fit else "0",
            ]
        )
    return rows


def _shown(found: Estimate, factor: float = 1.0) -> str:
    value, low, high = (digits(factor * one) for one in found)
    return f"{value} ({low} to {high})"
