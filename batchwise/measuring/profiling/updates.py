"""Updates of any number of rows of any length, each in a process of its own, and what became of them.

In a process that has trained others, memory that these have left counts too. Some build and compile at the same time,
then one at a time is measured. A process holds few rows, which are taken again, so that the memory is that of an
update; the data come on top.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from batchwise.measuring.profiling import endings
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.process import Process
from batchwise.measuring.profiling.profile_files import END, EVALUATION
from batchwise.runtime.device import gpu

ROWS = 64  # that a process holds of each part
SECONDS = 20.0  # of work to compile an update, and again to make it; one that takes longer is stopped
AT_ONCE = 2  # processes that build and compile at the same time
EVALUATED = 2048  # rows that a process holds to evaluate; no more are evaluated together (training/evaluation_rows.py)


class Kind(NamedTuple):
    """What is measured at several m: the length of a row (lengths.py), the number type, and the parts of a batch."""

    length: int
    dtype: str
    accumulation: int


@dataclass(frozen=True)
class Update:
    """A row of lengths.csv: what became of an update of so many rows, or of their evaluation."""

    length: int
    dtype: str
    accumulation: int
    batch_size: int
    purpose: str  # POINT, END or EVALUATION
    status: str
    message: str = ""
    memory_peak_bytes: int | None = None
    seconds: float | None = None


class Asked(NamedTuple):
    """An update of m rows, or the evaluation of all, in a process that may take so many bytes."""

    kind: Kind
    batch_size: int
    purpose: str
    memory: int


class Start(Protocol):
    """Starts a process of a kind, with so many bytes that it can take, and rows that it holds."""

    def __call__(self, kind: Kind, memory: int, rows: int) -> Process:
        """Return it."""


def tried(start: Start, asked: list[Asked], *, at_once: bool = True) -> list[Update]:
    """Return what became of each; an end that is in doubt is tried once more, alone.

    `at_once`: some build and compile at the same time, for which the machine has the memory; on a GPU none do.
    """
    number = AT_ONCE if at_once and not gpu() else 1
    groups = [asked[first : first + number] for first in range(0, len(asked), number)]
    rows = [row for group in groups for row in _tried(start, group)]
    return [_checked(start, *pair) for pair in zip(asked, rows, strict=True)]


def _checked(start: Start, asked: Asked, row: Update) -> Update:
    # An end of a limit is that of its process alone; of all memory that there is, another may have had a part.
    if not endings.is_doubtful(row.status, may_fit=asked.purpose != END and not gpu()):
        return row
    (again,) = _tried(start, [asked])
    status, message = endings.second(again.status, again.message, has_room=False)
    return replace(again, status=status, message=message)


def _tried(start: Start, group: list[Asked]) -> list[Update]:
    """Return what became of some, whose processes build and compile at the same time."""
    processes = {asked: start(asked.kind, asked.memory, _rows_held(asked)) for asked in group}
    found: dict[Asked, Update] = {}
    for process in processes.values():
        process.wait()
    for asked, process in processes.items():
        with _noted(found, asked, process):
            process.built()
            process.tell(*_compilation(asked))
    for asked in [one for one in group if one not in found]:
        with _noted(found, asked, processes[asked]):
            processes[asked].answer(SECONDS)
    for asked in [one for one in group if one not in found]:
        with _noted(found, asked, processes[asked]):
            found[asked] = _result(asked, processes[asked])
            processes[asked].close()
    return [found[asked] for asked in group]


@contextmanager
def _noted(found: dict[Asked, Update], asked: Asked, process: Process) -> Iterator[None]:
    """Let the end of a process be what became of what is asked."""
    try:
        yield
    except Ended as ended:
        found[asked] = _update(asked, ended.status, ended.message)
        process.close()


def _update(asked: Asked, status: str, message: str = "", **measured: Any) -> Update:
    return Update(*asked.kind, asked.batch_size, asked.purpose, status, message, **measured)


def _rows_held(asked: Asked) -> int:
    return EVALUATED if asked.purpose == EVALUATION else ROWS


def _compilation(asked: Asked) -> tuple[str, *tuple[int, ...]]:
    return ("compile_evaluation",) if asked.purpose == EVALUATION else ("compile_update", asked.batch_size)


def _result(asked: Asked, process: Process) -> Update:
    """Return what is measured of one while the others rest. Of an evaluation m is how many rows are together."""
    if asked.purpose == EVALUATION:
        rows, peak = process.ask("evaluation", seconds=SECONDS)
        return _update(asked._replace(batch_size=rows), "fits", memory_peak_bytes=peak)
    peak, seconds = process.ask("timed_update", seconds=SECONDS)
    if peak > asked.memory:  # of a GPU, and of macOS, which do not hold a process to its limit
        return _update(asked, "out_of_memory", f"an update takes more than {asked.memory:,} bytes")
    return _update(asked, "fits", memory_peak_bytes=peak, seconds=seconds)
