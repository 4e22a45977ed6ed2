"""How a CSV file is probably written: its encoding, its separator and its decimal sign, whatever the locale."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from batchwise.common.files import opened
from batchwise.data.csv.checks import UTF_16_BOMS
from batchwise.data.csv.form import BLOCK, MISSING, SEPARATORS, Form, records, unreadable
from batchwise.data.csv.reading import GROUPED, are_numbers

HEAD = 1000  # records, by which the separator is chosen; checks.check finds one of all that it does not fit
WESTERN = ("cp1252", "iso-8859-1")  # what a file is taken for that is in no encoding of Unicode
NOT_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


def form(path: Path, encoding: str | None = None) -> Form:
    """Return how a file is probably written, in an `encoding` if that is known. Raises UserError if it cannot be read.

    What is neither UTF-8 nor has the byte-order mark of UTF-16 is taken for Windows' cp1252, as most such files are.
    """
    try:
        encoding = Form(encoding=encoding).encoding if encoding else _encoding(path)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    separator = _separator(path, encoding)
    return Form(separator, _decimal(path, Form(separator, encoding=encoding)), encoding)


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened(path) as file:
        if file.read(2) in UTF_16_BOMS:
            return "utf-16"
        file.seek(0)
        try:
            while block := file.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            file.seek(0)
            blocks = iter(lambda: file.read(BLOCK), b"")
            return "iso-8859-1" if any(byte in block for block in blocks for byte in NOT_IN_CP1252) else "cp1252"
    return "utf-8"


def _separator(path: Path, encoding: str) -> str:
    """Return the separator by which most lines have as many fields as the first; of several, that of most fields."""
    found = {separator: _agreement(path, Form(separator, encoding=encoding)) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: found[separator])


def _agreement(path: Path, form: Form) -> tuple[float, int]:
    lengths = [len(fields) for fields in _head(path, form)]
    columns = lengths[0] if lengths else 0
    return (lengths.count(columns) / len(lengths), columns) if columns > 1 else (0, columns)


def _head(path: Path, form: Form) -> Iterator[list[str]]:
    try:
        for _, (_, fields) in zip(range(HEAD), records(path, form), strict=False):
            yield fields
    except csv.Error:  # a quote that is not closed, or is none of this separator
        return


def _decimal(path: Path, form: Form) -> str:
    """Return a comma if a column of the first rows has numbers with one, and none has numbers with a point."""
    first, *rows = [*_head(path, form)] or [[]]
    columns = [*zip(*([field.strip() for field in row] for row in rows if len(row) == len(first)), strict=False)]
    return "," if any(map(has_commas, columns)) and not any(map(_has_points, columns)) else "."


def has_commas(texts: Sequence[str]) -> bool:
    """Return whether texts are numbers with decimal commas, not all of which may be commas between thousands."""
    known = _known(texts)
    return are_numbers(known, ",") and any("," in text and not GROUPED.fullmatch(text) for text in known)


def _has_points(texts: Sequence[str]) -> bool:
    known = _known(texts)
    return are_numbers(known, ".") and any("." in text for text in known)


def _known(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if text and text not in MISSING]
