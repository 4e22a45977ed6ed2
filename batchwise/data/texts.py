"""What a data set of texts knows beside its inputs: the vocabulary, and how much of the texts the inputs hold."""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from batchwise.common.errors import UserError

Kind = Literal["words", "characters", "bytes"]
End = Literal["first", "last", "all"]
PADDING, UNKNOWN = 0, 1
RESERVED = ("<padding>", "<unknown>")  # what ids 0 and 1 are called
ALL: End = "all"  # tokens are kept: a text is as many rows as that takes
COLUMNS = ("id", "token", "count")
FORMULA = tuple("=+-@＝＋－＠'")  # a spreadsheet takes a cell that begins so for a formula, or its first sign for none
ESCAPED = re.compile(r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


@dataclass(frozen=True)
class Texts:
    """How texts became ids, int32 [N, T]: 0 behind their end, 1 for a token that is not in the vocabulary.

    Token i of the vocabulary has the id i + 2. Tokens were counted in the training rows alone.
    """

    kind: Kind  # of tokens
    keep: End  # of a text that is longer than T: its first or its last tokens, or all, in several rows
    tokens: tuple[str, ...]
    counts: tuple[int, ...]  # of each token
    # {part: {"padding": share of the positions, "cut" and "empty": of the texts, "unknown": of the tokens kept}}
    shares: dict[str, dict[str, float]]

    @property
    def ids(self) -> int:
        """The number of ids, 0 and 1 included: the rows that a table of embeddings needs."""
        return len(RESERVED) + len(self.tokens)

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of them, with the SHA-256 of `as_csv`."""
        known = {"tokens": self.kind, "keep": self.keep, "ids": self.ids, "shares": self.shares}
        return known | {"sha256": hashlib.sha256(as_csv(self)).hexdigest()}

    def check(self, name: str, inputs: np.ndarray) -> None:
        """Raise UserError unless the inputs of a part are ids of this vocabulary."""
        is_ids = inputs.dtype == np.int32 and inputs.ndim == 2
        if not is_ids or (inputs.size and not 0 <= inputs.min() <= inputs.max() < self.ids):
            raise UserError(f"{name} inputs are no ids of tokens: int32 [rows, T], 0 to {self.ids - 1}, are expected")


def as_csv(texts: Texts) -> bytes:
    """Return the vocabulary as a table of id, token and count, in the order of ids, that a spreadsheet can show.

    What cannot be seen is written as in Python (`\\x20` is a space), and an apostrophe stands before what would be a
    formula.
    """
    file = io.StringIO()
    rows = zip(texts.tokens, texts.counts, strict=True)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((number, _cell(token), count) for number, (token, count) in enumerate(rows, len(RESERVED)))
    return file.getvalue().encode()


def from_csv(content: bytes, facts: dict[str, Any]) -> Texts:
    """Return what `as_csv` wrote, with the facts of the manifest. Raises ValueError for another table."""
    if hashlib.sha256(content).hexdigest() != facts["sha256"]:
        raise ValueError("its checksum is not that of its manifest")
    _, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    tokens, counts = tuple(_token(row[1]) for row in rows), tuple(int(row[2]) for row in rows)
    return Texts(facts["tokens"], facts["keep"], tokens, counts, facts["shares"])


def _cell(token: str) -> str:
    text = readable(token)
    return f"'{text}" if text.startswith(FORMULA) else text


def readable(token: str) -> str:
    """Return a token in which what cannot be seen is written as in Python: `\\x20` is a space."""
    return "".join(letter if _is_seen(letter) else _escape(letter) for letter in token)


def _is_seen(letter: str) -> bool:
    return letter.isprintable() and letter not in " \\"


def _escape(letter: str) -> str:
    return "\\\\" if letter == "\\" else letter.encode("unicode_escape").decode() if ord(letter) > 126 else _hex(letter)


def _hex(letter: str) -> str:
    return f"\\x{ord(letter):02x}"


def _token(cell: str) -> str:
    text = cell.removeprefix("'")
    return ESCAPED.sub(lambda found: "\\" if found[1] == "\\" else chr(int(found[1][1:], 16)), text)


def names(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return what ids are called, from 0 up: padding, unknown, and the tokens, readable."""
    return (*RESERVED, *map(readable, tokens))


def without_unseen(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return ids [N, T] of parts, of which the first is for training: what it does not have becomes unknown."""
    seen = np.zeros(max(int(part.max(initial=0)) for part in parts) + 1, bool)
    seen[parts[0]] = seen[PADDING] = True
    return [np.where(seen[part], part, UNKNOWN).astype(part.dtype) for part in parts]
