"""Numbers that are typed. One of memory or time has its unit: alone each reader would take it for another."""

import math
import re
from argparse import ArgumentTypeError

from batchwise.common.messages import shown

BYTES = {f"{prefix}B": 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T", "P"))}
BYTES |= {f"{prefix}iB": 1024**power for power, prefix in enumerate(("k", "M", "G", "T", "P"), 1)}
SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}
PART = r"([0-9]+|[0-9]*\.[0-9]+) *([A-Za-z]+) *"
MOST = 1000  # of the largest unit
LARGEST = 2**63 - 1  # batch size, as in params.yaml


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


def batch_size(text: str) -> int:
    """Return m. Raises ArgumentTypeError for a text that is no batch size."""
    if not re.fullmatch("[0-9]{1,19}", text) or not 1 <= int(text) <= LARGEST:
        raise ArgumentTypeError(f"{shown(text)} is no batch size; allowed are whole numbers from 1 to {LARGEST}")
    return int(text)


def learning_rate(text: str) -> float:
    """Return η. Raises ArgumentTypeError for a text that is no learning rate."""
    is_number = len(text) < 100 and re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?", text.lower())
    if not is_number or not 0 < float(text) < math.inf:
        raise ArgumentTypeError(f"{shown(text)} is no learning rate; allowed are numbers above 0, 0.001 or 1e-3 say")
    return float(text)


def _sum(text: str, units: dict[str, float]) -> float:
    """Return the sum of the numbers times their units, in capitals or not; 0 for a text that is something else."""
    sizes = {unit.lower(): size for unit, size in units.items()}
    is_sum = len(text) < 100 and re.fullmatch(f"({PART})+", text.strip())
    parts = [(float(number), unit.lower()) for number, unit in re.findall(PART, text)] if is_sum else []
    return sum(number * sizes[unit] for number, unit in parts) if all(unit in sizes for _, unit in parts) else 0
