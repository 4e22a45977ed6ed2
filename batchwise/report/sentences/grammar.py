"""Words around numbers: how many of what, lists, spans."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from batchwise.report.number_format import MISSING, about, known, number

Number = TypeVar("Number", bound=float)


def span(low: float | None, high: float | None, decimals: int = 2) -> str:
    """Return `low to high`."""
    return f"{number(low, decimals)} to {number(high, decimals)}" if known(low, high) else MISSING


def span_of(values: Sequence[Number], write: Callable[[Number], str] = about) -> str:
    """Return the least and the largest of some numbers, `3.2 to 41`; the one where they are the same, – for none."""
    return " to ".join(dict.fromkeys(write(end) for end in (min(values), max(values)))) if values else MISSING


def count(amount: int, noun: str) -> str:
    """Return `1 seed`, `5 seeds`, `2 classes`, `2 boxes`, `3 studies`."""
    return f"{amount:,} {noun if amount == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("dy"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"


def listed(items: Iterable[str], last: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`; – for nothing."""
    *rest, end = list(items) or [MISSING]
    return f"{', '.join(rest)} {last} {end}" if rest else end
