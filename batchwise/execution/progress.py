"""How far a stage is: a line in place on a terminal, a line a minute in a log, or for tools a JSON object a line.

It goes to standard error, and decides nothing. What a line costs does not grow with the number of runs.
"""

import json
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Literal, TextIO

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.execution import progress_text
from batchwise.execution.progress_text import Moment
from batchwise.execution.worker_states import AtWork, WorkerStates

VARIABLE = "BATCHWISE_PROGRESS"
Kind = Literal["terminal", "log", "json", "quiet"]
CHOSEN: dict[str, Kind] = {"json": "json", "quiet": "quiet"}  # by the variable
SECONDS_BETWEEN_LINES: dict[Kind, float] = {"terminal": 0.25, "log": 60, "json": 0.5, "quiet": float("inf")}
# The rate is that since a line so many seconds ago, or so many lines ago where they are rarer.
SECONDS_OF_RATE, LINES_OF_RATE = 30, 5
COLUMNS = 80  # of a terminal that does not say
CLEAR = "\r\033[K"  # back to the start of the line, with nothing on it


def kind(stream: TextIO) -> Kind:
    """Return how progress is written to a stream. Raises UserError for a BATCHWISE_PROGRESS that is not allowed."""
    given = os.environ.get(VARIABLE, "")
    if given in CHOSEN:
        return CHOSEN[given]
    if given:
        raise UserError(f"{VARIABLE} is {shown(given)}; allowed are json, an object a line, and quiet, no line")
    return "terminal" if _is_terminal(stream) else "log"


def note(sentence: str) -> None:
    """Print a sentence to standard error; on a terminal it takes the place of the line."""
    print(f"{CLEAR if _is_terminal(sys.stderr) else ''}{sentence}", file=sys.stderr, flush=True)


class Progress:
    """Counts what ended of a stage, each with one of the `statuses`, and writes when it is time to.

    What ends are `things`. `seconds_left` says how long the rest should take, and is asked for a line alone; without it
    and where it does not know, the rate tells. `states` is what workers do, where there are some, `doing` what a stage
    without does, and `seconds_after` how long `dvc repro` should take after the stage, None if that is not known.
    """

    def __init__(
        self,
        stage: str,
        study: str,
        total: int,
        statuses: Iterable[str],
        seconds_left: Callable[[], float | None] | None = None,
        states: WorkerStates | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = monotonic,
        things: str = "runs",
    ) -> None:
        self.stage, self.study, self.total, self.things = stage, study, total, things
        self.seconds_left, self.states, self.clock = seconds_left, states, clock
        self.stream = stream or sys.stderr
        self.kind = kind(self.stream)
        self.seconds_after: float | None = None
        self.doing: str | None = None
        self.statuses = Counter(dict.fromkeys(statuses, 0))
        self.written, self.changed = float("-inf"), clock()
        self.estimate: tuple[int, float | None] = -1, None  # how many had ended, and the seconds that were left then
        self.marks: deque[tuple[float, int]] = deque()  # of lines: when it was, and how many had ended
        self.is_open = False  # whether there is a line in place

    def begin(self) -> None:
        """Write the first line."""
        self._write()

    def add(self, status: str) -> None:
        """Count what ended, and write if it is time to, or if it was the last."""
        self.statuses[status] += 1
        self.changed = self.clock()
        if self.statuses.total() == self.total:
            self._write()
            self.close()
        else:
            self._write_if_due()

    def look(self, at_work: Callable[[], AtWork]) -> None:
        """See what workers do, and write if it is time to; `at_work` is asked some times a second at most."""
        if self.kind != "quiet" and self.states and self.states.look(at_work, self.clock()):
            self._write_if_due()

    def show(self, doing: str) -> None:
        """Tell what is done now, if it is time to write."""
        self.doing = doing
        self._write_if_due()

    def tick(self) -> None:
        """Write if it is time to: nothing has ended, but the time that is left is less."""
        self._write_if_due()

    def close(self) -> None:
        """End the line in place, if there is one."""
        if self.is_open:
            self.is_open = False
            self._print("\n")

    def moment(self) -> Moment:
        """Return how far the stage is."""
        now, ended = self.clock(), self.statuses.total()
        rate, is_over = self._rate(now, ended), ended == self.total
        left = 0.0 if is_over else self._left(now, ended, rate)
        after = None if left is None or self.seconds_after is None else left + self.seconds_after
        workers = None if self.states is None or is_over else self.states.now(now)
        doing, statuses = None if is_over else self.doing, dict(self.statuses)
        return Moment(
            self.stage, self.study, self.total, statuses, rate, left, after, workers, doing=doing, things=self.things
        )

    def _left(self, now: float, ended: int, rate: float | None) -> float | None:
        """Return the seconds that are left: fewer and fewer, until something ends and tells better.

        None where nothing has ended when all should have: what was expected is wrong then.
        """
        if self.seconds_left and self.estimate[0] != ended:
            self.estimate = ended, self.seconds_left()
        expected = self.estimate[1]
        if expected is None and rate:
            expected = (self.total - ended) / rate
        left = 0.0 if expected is None else expected - (now - self.changed)
        return left if left > 0 else None

    def _rate(self, now: float, ended: int) -> float | None:
        """Return how many end a second since the first, None before another has."""
        if not ended:
            return None
        self.marks.append((now, ended))
        while len(self.marks) > LINES_OF_RATE and now - self.marks[1][0] >= SECONDS_OF_RATE:
            self.marks.popleft()
        seconds, number = now - self.marks[0][0], ended - self.marks[0][1]
        return number / seconds if number and seconds > 0 else None

    def _write_if_due(self) -> None:
        if self.clock() - self.written >= SECONDS_BETWEEN_LINES[self.kind]:
            self._write()

    def _write(self) -> None:
        if self.kind == "quiet":
            return
        self.written, moment = self.clock(), self.moment()
        if self.kind == "json":
            self._print(json.dumps(progress_text.facts(moment), allow_nan=False) + "\n")
        elif self.kind == "log":
            self._print(progress_text.line(moment, eta=_eta(self.stream)) + "\n")
        else:
            self.is_open = True
            # Not into the last column, from which some terminals go on to the next line.
            self._print(CLEAR + progress_text.line(moment, _columns(self.stream) - 1, _eta(self.stream)))

    def _print(self, text: str) -> None:
        with suppress(OSError):  # nobody reads on: what is trained is worth more
            self.stream.write(text)
            self.stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int:
    """Return the width of a terminal now: people change it."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    except OSError:
        return COLUMNS


def _eta(stream: TextIO) -> str:
    """Return how a learning rate is named: not each terminal shows η."""
    try:
        "η".encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return "rate"
    return "rate" if os.environ.get("LC_ALL") in ("C", "POSIX") else "η"  # Python takes UTF-8 there
