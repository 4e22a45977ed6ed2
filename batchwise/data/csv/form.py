"""How a CSV file is written, and its records as Python reads them."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from batchwise.common.errors import UserError
from batchwise.common.files import opened
from batchwise.common.messages import shown

# What means that there is no value, beside nothing at all. Not `None`, which is often the name of a category.
MISSING = ("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?")
SEPARATORS = (",", ";", "\t", "|")
BLOCK = 2**22  # bytes that are looked at together
LONGEST = 2**22  # characters of a field; Python's own limit is shorter than some texts


@dataclass(frozen=True)
class Form:
    """How a CSV file is written. Raises UserError for what no file is written in."""

    separator: str = ","  # of fields
    decimal: str = "."
    encoding: str = "utf-8"  # with or without a byte-order mark
    missing: tuple[str, ...] = MISSING  # texts that stand for no value, as an empty field does

    def __post_init__(self) -> None:
        if len(self.separator) != 1 or self.separator in '"\r\n\0 ' or self.separator.isalnum():
            usual = ", ".join(map(shown, SEPARATORS))
            raise UserError(f"separator is {shown(self.separator)}; a sign is expected, such as {usual}")
        if self.decimal not in (".", ","):
            raise UserError(f"decimal is {shown(self.decimal)}; allowed: a point or a comma")
        try:
            "".encode(self.encoding)  # some are of no text
            codecs.getincrementaldecoder(self.encoding)
        except (LookupError, ValueError):
            known = "utf-8, utf-16, cp1252 (Windows) and iso-8859-1 are the usual ones"
            raise UserError(f"encoding is {shown(self.encoding)}, which is not known; {known}") from None

    @property
    def codec(self) -> str:
        """The encoding as Python is told it, which takes a byte-order mark for text otherwise."""
        return "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding


@contextmanager
def text(path: Path, form: Form) -> Iterator[TextIO]:
    """Open a file as text of which each end of a line is kept. Raises UserError if it cannot be read."""
    try:
        with opened(path) as file, io.TextIOWrapper(file, form.codec, newline="") as decoded:
            yield decoded
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> UserError:
    """Return the sentence for a file that is not there, is none, or may not be read."""
    return UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}; a CSV file is needed there")


def records(path: Path, form: Form) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line on which it begins, from 1, and the fields of each record, the first one's too.

    Lines without anything are none.
    """
    with text(path, form) as file:
        found, line = reader(file, form), 1
        for fields in found:
            if fields and not (len(fields) == 1 and not fields[0].strip()):
                yield line, fields
            line = found.line_num + 1


def reader(file: TextIO, form: Form) -> Any:
    """Return Python's reader of an open file. Raises csv.Error for a field of more than LONGEST characters."""
    csv.field_size_limit(LONGEST)
    return csv.reader(file, delimiter=form.separator, skipinitialspace=True)


def line_of(path: Path, form: Form, row: int) -> int:
    """Return the number of the line of a row; both as people and Python count: lines from 1, rows from 0."""
    return next(line for number, (line, _) in enumerate(records(path, form), -1) if number == row)
