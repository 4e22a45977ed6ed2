"""Why a column that is meant to be one of numbers is none: signs that are no part of a number, or some texts."""

import re
from collections.abc import Sequence
from itertools import islice

from batchwise.common.messages import shown
from batchwise.data.csv import reading

MAX_ODD = 20  # texts among numbers, of a column that may be meant to be one of numbers
CURRENCY = "[$€£¥]"
SIGNED = re.compile(
    rf"[-+]?{CURRENCY}?[ \u00a0]?({reading.NUMBER}|[-+]?\d+,\d+|{reading.GROUPED.pattern})[ \u00a0]?(%|{CURRENCY})?",
    re.ASCII,
)


def note(levels: Sequence[str], decimal: str) -> str:
    """Return what keeps texts from being numbers, if most of them may be meant to be some, and nothing otherwise."""
    odd = [*islice(reading.no_numbers(levels, decimal), MAX_ODD + 1)]
    if odd and all(map(SIGNED.fullmatch, levels)):
        return f"numbers with signs, such as {shown(odd[0])}; write them without"
    if odd and len(odd) <= MAX_ODD and 2 * len(odd) < len(levels):
        texts = "text" if len(odd) == 1 else "texts"
        return f"numbers, but for {len(odd)} {texts} such as {shown(odd[0])}; leave these fields empty"
    return ""
