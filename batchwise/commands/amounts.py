"""Amounts that are typed: a number and its unit, never a number alone, which each reader would take for another."""

import re
from argparse import ArgumentTypeError

from batchwise.common.messages import shown

BYTES = {f"{prefix}B": 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T", "P"))}
BYTES |= {f"{prefix}iB": 1024**power for power, prefix in enumerate(("k", "M", "G", "T", "P"), 1)}
SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}
PART = r"([0-9]+|[0-9]*\.[0-9]+) *([A-Za-z]+) *"
MOST = 1000  # of the largest unit


def memory(text: str) -> int:
    """Return bytes. Raises ArgumentTypeError, with what is allowed, for a text that is no amount of memory."""
    given = int(_sum(text, BYTES))
    if not 1 <= given <= MOST * BYTES["PB"]:
        raise ArgumentTypeError(
            f"{shown(text)} is no amount of memory with its unit; "
            f"allowed are 500MB, 8GB, 16GiB and the like, up to {MOST}PB"
        )
    return given


def seconds(text: str) -> float:
    """Return seconds. Raises ArgumentTypeError, with what is allowed, for a text that is no time."""
    given = _sum(text, SECONDS)
    if not 0 < given <= MOST * SECONDS["d"]:
        raise ArgumentTypeError(
            f"{shown(text)} is no time with its unit; allowed are 20ms, 90s, 1h 30min and the like, up to {MOST}d"
        )
    return given


def _sum(text: str, units: dict[str, float]) -> float:
    """Return the sum of the numbers times their units, in capitals or not; 0 for a text that is something else."""
    sizes = {unit.lower(): size for unit, size in units.items()}
    is_sum = len(text) < 100 and re.fullmatch(f"({PART})+", text.strip())
    parts = [(float(number), unit.lower()) for number, unit in re.findall(PART, text)] if is_sum else []
    return sum(number * sizes[unit] for number, unit in parts) if all(unit in sizes for _, unit in parts) else 0
