"""The line that says how far a study is, on a terminal in place, elsewhere now and then."""

import sys
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import TextIO

from batchwise.training.run_result import STATUSES

SECONDS_BETWEEN_LINES = 15  # where there is no terminal: a log
SECONDS_BETWEEN_UPDATES = 0.1


class Progress:
    """Counts the runs of a study by status, and writes."""

    def __init__(self, study: str, runs: int, stream: TextIO = sys.stderr) -> None:
        self.study, self.runs, self.stream = study, runs, stream
        self.statuses: Counter[str] = Counter()
        self.terminal = stream.isatty()
        self.written = float("-inf")

    def add(self, status: str, running: int, seconds_left: Callable[[], float]) -> None:
        """Count a finished run, and write if it is time to; `seconds_left` is asked only then."""
        self.statuses[status] += 1
        pause = SECONDS_BETWEEN_UPDATES if self.terminal else SECONDS_BETWEEN_LINES
        if monotonic() - self.written > pause or self.statuses.total() == self.runs:
            self.written = monotonic()
            self._write(self.line(running, seconds_left()))

    def line(self, running: int, seconds_left: float) -> str:
        """Return the line."""
        counts = [f"{self.statuses.total()}/{self.runs} runs done", f"{running} running"]
        for status in STATUSES[1:]:
            if self.statuses[status] or status == "diverged":
                counts.append(f"{self.statuses[status]} {status.replace('_', ' ')}")
        return f"{self.study}: {', '.join(counts)}, {duration(seconds_left)} left"

    def _write(self, line: str) -> None:
        last = self.statuses.total() == self.runs
        start, end = ("\r\033[K", "\n" if last else "") if self.terminal else ("", "\n")
        print(f"{start}{line}", end=end, file=self.stream, flush=True)


def duration(seconds: float) -> str:
    """Return seconds in words: 8 s, 3 min 20 s, 5 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
