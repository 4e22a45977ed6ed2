"""Words around numbers: how many of what, lists, spans."""

from collections.abc import Iterable

from batchwise.report.number_format import MISSING, known, number


def span(low: float | None, high: float | None, decimals: int = 2) -> str:
    """Return `low to high`."""
    return f"{number(low, decimals)} to {number(high, decimals)}" if known(low, high) else MISSING


def count(amount: int, noun: str) -> str:
    """Return `1 seed`, `5 seeds`."""
    plural = noun if amount == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{amount:,} {plural}"


def listed(items: Iterable[str], last: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`; – for nothing."""
    *rest, end = list(items) or [MISSING]
    return f"{', '.join(rest)} {last} {end}" if rest else end
