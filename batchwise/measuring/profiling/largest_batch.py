"""The largest batch size that fits: m is doubled up to the end of memory."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import NamedTuple

import numpy as np

from batchwise.measuring.profiling.process import Ended, Process

# Doubling ends after so many seconds of work: a small network comes to the end of its memory in that time.
SECONDS = 12.0
# By so many bytes do peaks of equal processes differ.
PEAK_NOISE = 16 * 2**20


class Update(NamedTuple):
    """A row of doubling.csv: what became of an update of so many rows."""

    batch_size: int
    status: str
    message: str
    memory_peak_bytes: int | None
    seconds: float


def double(start: Callable[[], Process], peaks: Mapping[int, int], limit: int) -> list[Update]:
    """Return updates of powers of 2 times the largest m of `peaks`, by m, until the largest that fits is known to
    within 2.

    `peaks` are bytes of batch sizes, and no update may take more than `limit` bytes; `start` gives a process that can.
    Sizes that fit by what is known of those before are passed over.
    """
    left, small, large = SECONDS, min(peaks), max(peaks)
    fits, end = Update(large, "fits", "", peaks[large], 0), np.inf
    row_bytes = most_of_row(peaks[large] - peaks[small], large - small)
    updates: list[Update] = []
    while 2 * fits.batch_size < end:
        found, left = _updates(start(), fits, end, row_bytes, limit, left)
        updates += found
        if updates[-1].status not in ("fits", "out_of_memory"):
            break
        fits = max([fits, *(update for update in updates if update.status == "fits")])
        end = min([end, *(update.batch_size for update in updates if update.status == "out_of_memory")])
        row_bytes = np.inf  # a row took more than was known
    return sorted(updates)


def _updates(
    process: Process, fits: Update, end: float, row_bytes: float, limit: int, left: float
) -> tuple[list[Update], float]:
    """Return what became of updates of more rows than one that fits, and of less than `end`, in a process.

    `left` are the seconds in which it may work; what is left of them is returned too.
    """
    process.wait()
    updates, m, before = [], 2 * fits.batch_size, monotonic()
    try:
        process.built()
        while 2 * fits.batch_size < end:
            before = monotonic()
            assert fits.memory_peak_bytes is not None  # one that fits has been measured
            times = doublings(fits.batch_size, limit - fits.memory_peak_bytes, row_bytes)
            m = int(min(fits.batch_size * times, end // 2))
            peak = process.ask("update", m, seconds=left)
            left -= process.worked
            if peak > limit:  # macOS does not hold a process to its limit
                raise Ended("out_of_memory", f"an update takes more than {limit:,} bytes")
            row_bytes = most_of_row(peak - fits.memory_peak_bytes, m - fits.batch_size)
            fits = Update(m, "fits", "", peak, monotonic() - before)
            updates.append(fits)
    except Ended as ended:
        left -= process.worked
        updates.append(Update(m, ended.status, ended.message, None, monotonic() - before))
    process.close()
    return updates, left


def doublings(m: int, room: float, row_bytes: float) -> int:
    """Return the power of 2, from 2 up, by which m rows can be multiplied for a last size that surely fits.

    `room` are the bytes that are left beside m rows, `row_bytes` what a row takes at most; infinite if not known.
    """
    return 2 ** max(1, int(np.log2(1 + max(0, room) / (m * row_bytes))))


def most_of_row(more_bytes: float, more_rows: int) -> float:
    """Return the bytes that a row takes at most, by two peaks, which have noise; infinite by one peak."""
    return (max(0, more_bytes) + PEAK_NOISE) / more_rows if more_rows else np.inf
