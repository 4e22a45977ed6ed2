"""How a column of texts is best cut into tokens: of all its rows, whatever their language."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.messages import shown, unknown
from batchwise.data.csv import reading
from batchwise.data.csv.columns import Table
from batchwise.data.texts import RESERVED, Kind
from batchwise.data.tokens import WITHOUT_SPACES, tokenise

WHOLE = 0.9  # of the texts, which keep all of their tokens
MOST_TOKENS, MOST_IDS = 400, 20_000  # more seldom help, and take time and memory
LETTERS = re.compile(f"[{WITHOUT_SPACES}]")
OFTEN = 2  # times that a token stands in the texts; from what is there once little can be learned


@dataclass(frozen=True)
class TextColumn:
    """A column of texts, and options of the data set csv for it."""

    name: str
    tokens: Kind
    max_tokens: int
    vocabulary: int
    whole: float  # share of the texts that have no more than `max_tokens`
    empty: int  # texts without a token


def look(table: Table, name: str) -> TextColumn:
    """Return how the texts of a column become ids. Raises UserError for a column that is not there, or has no texts."""
    known = [column.name for column in table.columns]
    if name not in known:
        raise UserError(f"{table.path}: {unknown('column', name, known)}")
    texts = reading.columns(table.path, table.form, known, whole=[name])[name].tolist()
    tokens: Kind = "words" if _has_spaces(texts) else "characters"
    counts: Counter[str] = Counter()
    lengths = np.zeros(len(texts), "int64")
    for row, text in enumerate(texts):
        found = tokenise(text, tokens)
        lengths[row] = len(found)
        counts.update(found)
    if not counts:
        raise UserError(f"{table.path}: {shown(name)} has no text in any row; --text names a column of texts")
    most = min(max(1, int(np.quantile(lengths, WHOLE, method="higher"))), MOST_TOKENS)
    often = sum(count >= OFTEN for count in counts.values()) or len(counts)
    ids = min(len(RESERVED) + often, MOST_IDS)
    return TextColumn(name, tokens, most, ids, float(np.mean(lengths <= most)), int(np.sum(lengths == 0)))


def _has_spaces(texts: Sequence[str]) -> bool:
    """Return whether words are set apart by spaces in the scripts of most letters."""
    without = sum(len(LETTERS.findall(text)) for text in texts)
    return 2 * without <= sum(sum(map(str.isalnum, text)) for text in texts)
