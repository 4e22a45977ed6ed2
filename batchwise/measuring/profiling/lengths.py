"""What an update of m rows of T tokens takes in memory and time, and the largest m that fits into a limit at each T.

Each number of rows is tried in a process of its own: in one that has trained others, memory that these have left counts
too. A process holds few rows, which are taken again, so that the memory is that of an update; the data come on top.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from batchwise.config.memory_by_length import MemoryByLength
from batchwise.config.study import Study
from batchwise.measuring.profiling import endings
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.measurement_store import Measurements
from batchwise.measuring.profiling.process import Process
from batchwise.measuring.profiling.profile_files import END, EVALUATION, POINT

# Of an update, about. With fewer, what a process sets aside to take when it needs it hides what a row takes; and one
# process differs from its equal by what 2,000 tokens take.
TOKENS = (2**15, 2**17, 2**18)
ROWS = 64  # that a process holds of each part
SECONDS = 20.0  # of work for an update with its compilation; one that takes longer is stopped
# The end of memory is looked for around where a line through what was measured puts it, so near:
BELOW, UP, DOWN, CLOSE = 0.95, 1.1, 0.9, 1.16
MOST_TRIES = 5
EVALUATED = 2048  # rows that a process holds to evaluate; no more are evaluated together (training/evaluation_rows.py)


class Kind(NamedTuple):
    """What is measured at several m: the tokens of a row, the number type, and the parts of a batch."""

    tokens: int
    dtype: str
    accumulation: int


@dataclass(frozen=True)
class Update:
    """A row of lengths.csv: what became of an update of so many rows, or of their evaluation."""

    tokens: int
    dtype: str
    accumulation: int
    batch_size: int
    purpose: str  # POINT, END or EVALUATION
    status: str
    message: str = ""
    memory_peak_bytes: int | None = None
    seconds: float | None = None


Start = Callable[[Kind, int, int], Process]  # of a kind, with so many bytes that it can take, and rows that it holds


def kinds(study: Study, asked: MemoryByLength) -> list[Kind]:
    """Return what is measured: the study as it is at each length, what is beside it at the shortest and the longest."""
    ends = [min(asked.lengths), max(asked.lengths)]
    others: list[tuple[str, int]] = [(dtype, study.accumulation) for dtype in asked.dtypes if dtype != study.dtype]
    others += [(study.dtype, parts) for parts in asked.accumulation if parts != study.accumulation]
    own = [Kind(tokens, study.dtype, study.accumulation) for tokens in sorted(asked.lengths)]
    return own + [Kind(tokens, *other) for other in others for tokens in ends]


def sizes(tokens: int) -> list[int]:
    """Return the m, powers of 2, at which about TOKENS are in an update."""
    return sorted({2 ** max(0, int(np.log2(most / tokens))) for most in TOKENS})


def measure(study: Study, asked: MemoryByLength, start: Start, kept: Measurements, available: int) -> list[Update]:
    """Return all updates, of which those that are kept are not made again.

    `available` is the memory of the machine. The end is looked for with the study as it is.
    """
    found: list[Update] = []
    for kind in kinds(study, asked):
        is_own = (kind.dtype, kind.accumulation) == (study.dtype, study.accumulation)
        limit = min(asked.limit_bytes, available) if is_own else None
        name = {"length": kind._asdict(), "limit": asked.limit_bytes if is_own else None}
        before = kept.find(**name)
        rows = [Update(**row) for row in before["rows"]] if before else [*_of_kind(kind, start, available, limit)]
        if not before and all(row.status in ("fits", "out_of_memory") for row in rows):
            kept.keep({"rows": [asdict(row) for row in rows]}, **name)
        found += rows
    return found


def _of_kind(kind: Kind, start: Start, available: int, limit: int | None) -> Iterator[Update]:
    points = [*_until_it_ends(partial(tried, start, kind, purpose=POINT, memory=available), sizes(kind.tokens))]
    yield from points
    if limit is not None:
        yield from _end(partial(tried, start, kind, purpose=END, memory=limit), points, limit)
        yield _evaluated(start, kind, available)


def _until_it_ends(update: Callable[..., Update], batch_sizes: list[int]) -> Iterator[Update]:
    for m in batch_sizes:
        row = update(batch_size=m)
        yield row
        if row.status != "fits":
            return


def _end(update: Callable[..., Update], points: list[Update], limit: int) -> Iterator[Update]:
    """Yield updates up to one that has no memory, from near where a line through the points puts the end."""
    peaks = {row.batch_size: row.memory_peak_bytes for row in points if row.memory_peak_bytes}
    if len(peaks) < 2:
        return
    (small, low), (large, high) = min(peaks.items()), max(peaks.items())
    guess = large + (limit - high) * (large - small) / max(high - low, 1)
    share, fits, ends = BELOW, 0.0, np.inf
    for _ in range(MOST_TRIES):
        m = int(share * guess)
        if ends <= CLOSE * fits or not max(fits, 0) < m < ends:
            return
        row = update(batch_size=m)
        yield row
        if row.status == "fits":
            fits, share = m, share * UP
        elif row.status == "out_of_memory":
            ends, share = m, share * DOWN
        else:
            return


def tried(start: Start, kind: Kind, *, batch_size: int, purpose: str, memory: int) -> Update:
    """Return what became of an update of m rows; an end that is in doubt is tried once more."""
    row = _tried(start, kind, batch_size, purpose, memory)
    if not endings.is_doubtful(row.status, may_fit=False):
        return row
    again = _tried(start, kind, batch_size, purpose, memory)
    status, message = endings.second(again.status, again.message, has_room=False)
    return Update(**{**asdict(again), "status": status, "message": message})


def _tried(start: Start, kind: Kind, batch_size: int, purpose: str, memory: int) -> Update:
    process = start(kind, memory, ROWS)
    made = partial(Update, *kind, batch_size, purpose)
    try:
        process.built()
        peak, seconds = process.ask("timed_update", batch_size, seconds=SECONDS)
    except Ended as ended:
        return made(ended.status, ended.message)
    finally:
        process.close()
    if peak > memory:  # of a GPU, and of macOS, which do not hold a process to its limit
        return made("out_of_memory", f"an update takes more than {memory:,} bytes")
    return made("fits", "", peak, seconds)


def _evaluated(start: Start, kind: Kind, memory: int) -> Update:
    """Return what the evaluation takes, at every m; where it fails its rows are those that were held."""
    process = start(kind, memory, EVALUATED)
    try:
        process.built()
        rows, peak = process.ask("evaluation", seconds=SECONDS)
    except Ended as ended:
        return Update(*kind, EVALUATED, EVALUATION, ended.status, ended.message)
    finally:
        process.close()
    return Update(*kind, rows, EVALUATION, "fits", "", peak)
