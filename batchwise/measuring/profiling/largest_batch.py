"""The largest batch size that fits: m is doubled up to the end of memory."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import NamedTuple

import numpy as np

from batchwise.measuring.profiling import endings
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.process import Process

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
    Sizes that fit by what is known of those before are passed over; where one does not, it is tried once more.
    """
    small, m, end = min(peaks), max(peaks), np.inf  # m is the largest that fits
    peak, row_bytes = peaks[m], most_of_row(peaks[m] - peaks[small], m - small)
    updates: list[Update] = []
    tries = Tries(start, limit)
    while 2 * m < end:
        next_m = int(min(m * doublings(m, limit - peak, row_bytes), end // 2))
        surely_fits = peak + (next_m - m) * min(row_bytes, peak / m) < limit
        updates.append(update := tries.update(next_m, surely_fits))
        if update.memory_peak_bytes is not None:
            row_bytes = most_of_row(update.memory_peak_bytes - peak, next_m - m)
            m, peak = next_m, update.memory_peak_bytes
        elif update.status == "out_of_memory":
            end, row_bytes = next_m, np.inf  # a row took more than was known
        else:
            break
    tries.close()
    return sorted(updates)


class Tries:
    """Tries updates of any number of rows, in one process up to its end, then in a new one."""

    def __init__(self, start: Callable[[], Process], limit: int) -> None:
        self.start, self.limit = start, limit
        self.left = SECONDS  # of work
        self.process: Process | None = None

    def update(self, m: int, surely_fits: bool) -> Update:
        """Return what became of an update of m rows; an end that is in doubt is tried once more."""
        update = self._update(m)
        if not endings.is_doubtful(update.status, surely_fits):
            return update
        update = self._update(m)
        # Rows may take much more from some size on, which those before do not let expect: the second end is believed.
        status, message = endings.second(update.status, update.message, has_room=False)
        return update._replace(status=status, message=message)

    def _update(self, m: int) -> Update:
        process = self.process = self.process or self.start()
        process.wait()
        before = monotonic()
        try:
            process.built()
            peak = process.ask("update", m, seconds=self.left)
            if peak > self.limit:  # macOS does not hold a process to its limit
                raise Ended("out_of_memory", f"an update takes more than {self.limit:,} bytes")
            return Update(m, "fits", "", peak, monotonic() - before)
        except Ended as ended:
            self.close()
            return Update(m, ended.status, ended.message, None, monotonic() - before)
        finally:
            self.left -= process.worked

    def close(self) -> None:
        """End the process, if one is alive."""
        if self.process:
            self.process.close()
        self.process = None


def doublings(m: int, room: float, row_bytes: float) -> int:
    """Return the power of 2, from 2 up, by which m rows can be multiplied for a last size that surely fits.

    `room` are the bytes that are left beside m rows, `row_bytes` what a row takes at most; infinite if not known.
    """
    return 2 ** max(1, int(np.log2(1 + max(0, room) / (m * row_bytes))))


def most_of_row(more_bytes: float, more_rows: int) -> float:
    """Return the bytes that a row takes at most, by two peaks, which have noise; infinite by one peak."""
    return (max(0, more_bytes) + PEAK_NOISE) / more_rows if more_rows else np.inf
