"""Numbers as a reader sees them: percent, points, intervals, rates, batch sizes. Plain text; a missing number is –."""

import math
from collections.abc import Callable
from typing import TypeGuard, TypeVar

MISSING = "–"
Number = TypeVar("Number", bound=float)
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def known(value: Number | None, *others: float | None) -> TypeGuard[Number]:
    """Return whether none of the values is missing (None or NaN); a type checker then takes the first for a number."""
    return not any(one is None or one != one for one in (value, *others))


def number(value: float | None, decimals: int = 2) -> str:
    """Return a number with a true minus sign, and 0.00 for what rounds to it."""
    if not known(value):
        return MISSING
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not float(text.replace(",", "")) else text.replace("-", "−")


def shortest(value: float) -> str:
    """Return a number with the digits that it has, up to twelve: `0.02`, `3.6`, `40,000`."""
    return f"{value:,.12g}".replace("e-0", "e-").replace("e+0", "e+").replace("-", "−")


def percent(fraction: float | None, decimals: int = 1) -> str:
    """Return a fraction as percent: 0.9712 as `97.1 %`."""
    return f"{number(100 * fraction, decimals)} %" if known(fraction) else MISSING


def signed(value: float | None, decimals: int = 2) -> str:
    """Return a number with its sign, also a plus."""
    text = number(value, decimals)
    return f"+{text}" if known(value) and value > 0 and text.strip("0.,") else text


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


def seconds(value: float | None, written: Callable[[float], str] | None = None) -> str:
    """Return a time with three digits in its unit, or as it is `written`: `1.73 ms`, `12.4 s`, `3.00 min`."""
    written = written or digits
    if not known(value):
        return MISSING
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3)):
        if value >= length:
            return f"{written(value / length)} {unit}"
    return f"{written(value / 1e-6)} µs"


def memory(value: float | None) -> str:
    """Return bytes with three digits, in GB from a tenth of one on: `16.0 GB`, `54.3 MB`."""
    if not known(value):
        return MISSING
    unit, size_of = ("GB", 1e9) if value >= 1e8 else ("MB", 1e6) if value >= 1e5 else ("kB", 1e3)
    return f"{digits(value / size_of)} {unit}"


def about(value: float | None) -> str:
    """Return a number with two digits, as a sentence has room for: `0.073`, `1.3`, `14`, `1,200`."""
    return shortest(float(f"{value:.2g}")) if known(value) and math.isfinite(value) else digits(value)


def digits(value: float | None) -> str:
    """Return a number with three digits, or whole where it has more: `0.0123`, `1.23`, `123`, `1,234`."""
    if not known(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if abs(value) < 1e-11:  # what rounding leaves of 0
        return "0"
    return number(value, max(0, 2 - math.floor(math.log10(abs(value)))))
