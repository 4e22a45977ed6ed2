"""What an update of m rows takes in memory and time by their length T, and the largest m that fits a limit at each T.

The length of a row is its number of tokens; that of an image its number of pixels, and its width says which.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import groupby

import numpy as np

from batchwise.common import source_closure
from batchwise.config.memory_by_length import MemoryByLength
from batchwise.config.study import Study
from batchwise.data.lengths import PIXEL, TOKEN, Row
from batchwise.measuring.profiling.measurement_store import Measurements
from batchwise.measuring.profiling.profile_files import END, EVALUATION, POINT
from batchwise.measuring.profiling.steps import Steps
from batchwise.measuring.profiling.updates import AT_ONCE, EVALUATED, Asked, Kind, Start, Update, tried

# Of an update, about. With fewer, what a process sets aside to take when it needs it hides what a row takes; and one
# process differs from its equal by what 2,000 tokens take, each of which takes some ten times as much as a pixel.
SPENT = {TOKEN: (2**15, 2**17, 2**18), PIXEL: (2**18, 2**20, 2**21)}
# The end of memory is looked for around where a line through what was measured puts it, so near:
BELOW, UP, DOWN, CLOSE = 0.95, 1.1, 0.9, 1.16
MOST_TRIES = 5


def kinds(study: Study, asked: MemoryByLength) -> list[Kind]:
    """Return what is measured: the study as it is at each length, what is beside it at the shortest and the longest."""
    ends = [min(asked.lengths), max(asked.lengths)]
    others: list[tuple[str, int]] = [(dtype, study.accumulation) for dtype in asked.dtypes if dtype != study.dtype]
    others += [(study.dtype, parts) for parts in asked.accumulation if parts != study.accumulation]
    own = [Kind(length, study.dtype, study.accumulation) for length in sorted(asked.lengths)]
    return own + [Kind(length, *other) for other in others for length in ends]


def sizes(row: Row) -> list[int]:
    """Return the m, powers of 2, at which about SPENT of a row's unit are in an update."""
    return sorted({2 ** max(0, int(np.log2(most / row.length))) for most in SPENT[row.unit]})


def measure(
    study: Study,
    asked: MemoryByLength,
    start: Start,
    kept: Measurements,
    available: int,
    row_of: Callable[[int], Row],
    steps: Steps | None = None,
) -> list[Update]:
    """Return all updates, of which those that are kept are not made again, with the length that a row had.

    `available` is the memory of the machine, `row_of` says what a row is of a length that is asked for. The end is
    looked for with the study as it is.
    """
    found: dict[Kind, list[Update]] = {}
    how = source_closure.hashes([f"batchwise/measuring/profiling/{file}.py" for file in ("lengths", "updates")])
    for some, limit in _groups(study, asked):
        names = {kind: {"length": kind._asdict(), "limit": limit, "how": how} for kind in some}
        before = {kind: one for kind, name in names.items() if (one := kept.find(**name))}
        new = [kind for kind in some if kind not in before]
        if new and steps:
            steps.show(f"length {', '.join(f'{kind.length:,}' for kind in new)}")
        found |= {kind: [Update(**row) for row in one["rows"]] for kind, one in before.items()}
        found |= _measured(new, start, available, min(limit, available) if limit else None, row_of)
        for kind in new:
            if all(row.status in ("fits", "out_of_memory") for row in found[kind]):
                kept.keep({"rows": [asdict(row) for row in found[kind]]}, **names[kind])
        if steps:
            steps.end("ok", len(some))
    return [replace(row, length=row_of(row.length).length) for rows in found.values() for row in rows]


def _groups(study: Study, asked: MemoryByLength) -> Iterator[tuple[list[Kind], int | None]]:
    """Yield the kinds that are measured together, which differ in their length, with the limit of their memory."""
    for rest, group in groupby(kinds(study, asked), key=lambda kind: kind[1:]):
        limit = asked.limit_bytes if rest == (study.dtype, study.accumulation) else None
        of_group = [*group]
        for first in range(0, len(of_group), AT_ONCE):
            yield of_group[first : first + AT_ONCE], limit


def _measured(
    some: list[Kind], start: Start, available: int, limit: int | None, row_of: Callable[[int], Row]
) -> dict[Kind, list[Update]]:
    """Return the updates of kinds: several m of each, and with a limit those up to its end, and the evaluation."""
    found: dict[Kind, list[Update]] = {kind: [] for kind in some}
    for place in range(len(SPENT[TOKEN])):
        fitting = [kind for kind in some if all(row.status == "fits" for row in found[kind])]
        batch_sizes = {kind: sizes(row_of(kind.length))[place : place + 1] for kind in fitting}
        _add(found, tried(start, [Asked(kind, m, POINT, available) for kind, of in batch_sizes.items() for m in of]))
    if limit is not None:
        _find_ends(start, found, limit, at_once=AT_ONCE * limit <= available)
        _add(found, tried(start, [Asked(kind, EVALUATED, EVALUATION, available) for kind in some]))
    return found


def _add(found: dict[Kind, list[Update]], rows: Iterable[Update]) -> None:
    for row in rows:
        found[_kind(row)].append(row)


def _kind(row: Update) -> Kind:
    return Kind(row.length, row.dtype, row.accumulation)


def _find_ends(start: Start, found: dict[Kind, list[Update]], limit: int, *, at_once: bool) -> None:
    """Add updates at which each kind comes to the end of a limit: those of all kinds are tried together."""
    searches = {kind: _search([*rows], limit) for kind, rows in found.items()}
    next_sizes = {kind: next(search, None) for kind, search in searches.items()}
    while asked := [Asked(kind, m, END, limit) for kind, m in next_sizes.items() if m]:
        rows = tried(start, asked, at_once=at_once)
        _add(found, rows)
        next_sizes = {_kind(row): _next(searches[_kind(row)], row.status) for row in rows}


def _next(search: Generator[int, str, None], status: str) -> int | None:
    try:
        return search.send(status)
    except StopIteration:
        return None


def _search(points: list[Update], limit: int) -> Generator[int, str, None]:
    """Yield each m to be tried, from near where a line through the points puts the end; be sent how that ended."""
    peaks = {row.batch_size: row.memory_peak_bytes for row in points if row.memory_peak_bytes}
    if len(peaks) < 2:
        return
    (small, low), (large, high) = min(peaks.items()), max(peaks.items())
    guess = large + (limit - high) * (large - small) / max(high - low, 1)
    fits = max((m for m, peak in peaks.items() if peak <= limit), default=0)
    ends = min((m for m, peak in peaks.items() if peak > limit), default=np.inf)
    m = int(max(BELOW * guess, fits * UP))
    for _ in range(MOST_TRIES):
        if ends <= CLOSE * fits or not fits < m < ends:
            return
        status = yield m
        if status == "fits":
            fits = m
            m = int(min(fits * UP, (fits * ends) ** 0.5))
        elif status == "out_of_memory":
            ends = m
            m = int((fits * ends) ** 0.5 or ends * DOWN)
        else:
            return
