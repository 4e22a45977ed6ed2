"""Numbers as a reader sees them: percent, points, intervals, rates, batch sizes. Plain text; a missing number is –."""

import math
from collections.abc import Iterable

MISSING = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def known(*values: float | None) -> bool:
    """Return whether none of the values is missing (None or NaN)."""
    return not any(value is None or value != value for value in values)


def number(value: float | None, decimals: int = 2) -> str:
    """Return a number with a true minus sign, and 0.00 for what rounds to it."""
    if not known(value):
        return MISSING
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not float(text.replace(",", "")) else text.replace("-", "−")


def percent(fraction: float | None, decimals: int = 1) -> str:
    """Return a fraction as percent: 0.9712 as `97.1 %`."""
    return f"{number(100 * fraction, decimals)} %" if known(fraction) else MISSING


def signed(value: float | None, decimals: int = 2) -> str:
    """Return a number with its sign, also a plus."""
    text = number(value, decimals)
    return f"+{text}" if known(value) and value > 0 and text.strip("0.,") else text


def span(low: float | None, high: float | None, decimals: int = 2) -> str:
    """Return `low to high`."""
    return f"{number(low, decimals)} to {number(high, decimals)}" if known(low, high) else MISSING


def power(value: float, base: int) -> str | None:
    """Return an exact power of `base`, as `2⁻³`; None for `base` itself, 1 and every other number."""
    exponent = round(math.log(value, base)) if value > 0 else 0
    return (
        f"{base}{str(exponent).translate(_SUPERSCRIPTS)}"
        if exponent not in (0, 1) and float(base) ** exponent == value
        else None
    )


def rate(value: float | None) -> str:
    """Return a learning rate: exact powers of 2 as such, others in their shortest form."""
    if not known(value):
        return MISSING
    return "1" if value == 1 else power(value, 2) or f"{value:.4g}".replace("e-0", "e-").replace("-", "−")


def size(batch_size: int) -> str:
    """Return a batch size: 2048 as `2,048`, and powers of ten from 100,000 on as `10⁹`."""
    return (batch_size >= 100_000 and power(batch_size, 10)) or f"{batch_size:,}"


def count(amount: int, noun: str) -> str:
    """Return `1 seed`, `5 seeds`."""
    plural = noun if amount == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{amount:,} {plural}"


def listed(items: Iterable[str], last: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *rest, end = list(items)
    return f"{', '.join(rest)} {last} {end}" if rest else end
