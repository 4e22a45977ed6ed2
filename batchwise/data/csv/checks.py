"""What is wrong with a CSV file: each of its lines is looked at before pandas reads it.

pandas renames columns of one name, fills lines that are too short and cuts those that are too long, without a word.
"""

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.common.files import opened
from batchwise.common.messages import shown
from batchwise.data.csv.form import BLOCK, LONGEST, SEPARATORS, Form, reader, records, text, unreadable

UTF_8_BOM, UTF_16_BOMS = codecs.BOM_UTF8, (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# {the first bytes of a file: what it is, and how it becomes a CSV file}
OTHERS = {
    b"PK\x03\x04": ("an Excel, OpenDocument or zip file", "save it as CSV, or unpack it"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "save it as CSV"),
    b"PAR1": ("a Parquet file", "write it as CSV (pandas: `read_parquet(…).to_csv(…, index=False)`)"),
    b"ARROW1": ("a Feather file", "write it as CSV (pandas: `read_feather(…).to_csv(…, index=False)`)"),
    b"\x89HDF": ("an HDF5 file", "write its table as CSV"),
    b"SQLite format 3": ("an SQLite database", "write one of its tables as CSV"),
    b"\x1f\x8b": ("a gzip file", "unpack it (`gunzip`)"),
    b"BZh": ("a bzip2 file", "unpack it (`bunzip2`)"),
    b"\xfd7zXZ": ("an xz file", "unpack it (`unxz`)"),
    b"(\xb5/\xfd": ("a Zstandard file", "unpack it (`unzstd`)"),
    b"7z\xbc\xaf": ("a 7z file", "unpack it"),
    b"%PDF": ("a PDF file", "write its table as CSV"),
    b"<!DOCTYPE": ("a web page", "download the file itself"),
    b"<html": ("a web page", "download the file itself"),
}


def check(path: Path, form: Form) -> tuple[list[str], int]:
    """Return the names of the columns, without spaces around them, and the number of rows.

    Raises UserError, with the number of the line, for a file that cannot be read, is no text in this encoding, has
    columns of one name or of none, no rows, or lines of more or fewer fields than its first line.
    """
    _check_text(path, form)
    names = _names(path, form)
    rows = _count_rows(path, form, len(names))
    if not rows:
        raise UserError(f"{path} has no rows, only the line with the names of its columns")
    return names, rows


def _check_text(path: Path, form: Form) -> None:
    decoder, lines = codecs.getincrementaldecoder(form.codec)(), 1
    try:
        with opened(path) as file:
            block = file.read(BLOCK)
            _check_kind(path, form, block)
            while block:
                decoded = decoder.decode(block)
                if "\0" in decoded:
                    lines += decoded.count("\n", 0, decoded.index("\0"))
                    raise UserError(f"{path}, line {lines}: there is a zero byte; the file is damaged, or is no text")
                lines += decoded.count("\n")
                block = file.read(BLOCK)
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise _undecodable(path, form, error, lines) from None
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def _check_kind(path: Path, form: Form, start: bytes) -> None:
    for magic, (what, todo) in OTHERS.items():
        if start[: len(magic)].lower() == magic.lower():
            raise UserError(f"{path} is {what}, not a CSV file; {todo}")
    if start.startswith(UTF_16_BOMS) and not form.encoding.lower().startswith(("utf-16", "utf16", "utf_16")):
        raise UserError(f"{path} is written in UTF-16; write `encoding: utf-16`")
    if not start.removeprefix(UTF_8_BOM).strip():
        raise UserError(f"{path} is empty; a line with the names of the columns is needed, and lines of values")


def _undecodable(path: Path, form: Form, error: UnicodeError, lines: int) -> UserError:
    place = f"{path}, line {lines}"
    if isinstance(error, UnicodeDecodeError):
        line = lines + error.object.count(b"\n", 0, error.start)
        place = f"{path}, line {line}: the byte {error.object[error.start : error.start + 1].hex()}"
    others = "cp1252 if it was made on Windows" if form.codec == "utf-8-sig" else "utf-8"
    return UserError(f"{place} is none of {form.encoding}; write the `encoding` that it has, perhaps {others}")


def _names(path: Path, form: Form) -> list[str]:
    fields = next((fields for _, fields in records(path, form)), [])
    names = [field.strip() for field in fields]
    if names and re.match("sep=", names[0], re.IGNORECASE) and not any(names[1:]):
        raise UserError(
            f"{path} begins with {shown(form.separator.join(names))}, which is for Excel; take that line out"
        )
    if len(names) == 1:
        raise _one_column(path, form, names[0])
    if all(map(_is_number, names)) and (len({*names}) < len(names) or not all(map(str.isdigit, names))):
        raise UserError(f"{path} begins with numbers; a line with the names of its columns must come first")
    if "" in names:
        number = names.index("") + 1
        todo = "name it, or take it out (pandas: `to_csv(…, index=False)`, R: `row.names = FALSE`)"
        raise UserError(f"column {number} of {path} has no name; {todo}")
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f"{path} has {count} columns of the name {shown(name)}; each needs a name of its own")
    return names


def _is_number(name: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d*[.,]?\d+([eE][-+]?\d+)?", name, re.ASCII))


def _one_column(path: Path, form: Form, name: str) -> UserError:
    found = f"{path} has one column, {shown(name)}, with the separator {shown(form.separator)}"
    counts = {name.count(separator): separator for separator in reversed(SEPARATORS) if separator in name}
    if not counts:
        return UserError(f"{found}; columns of inputs are needed beside the target")
    separator = counts[max(counts)].replace("\t", "\\t")
    return UserError(f'{found}; write `separator: "{separator}"`')


def _count_rows(path: Path, form: Form, columns: int) -> int:
    """Return the number of rows. Raises UserError, with the line, for one that has another number of fields."""
    with text(path, form) as file:
        try:
            lengths = Counter(map(len, reader(file, form)))
        except csv.Error:  # a field of more than LONGEST characters
            raise _without_end(path, form) from None
    if {*lengths} - {0, columns}:
        return _count_odd(path, form, columns)
    return lengths[columns] - 1


def _count_odd(path: Path, form: Form, columns: int) -> int:
    rows = -1
    for line, fields in records(path, form):
        if len(fields) != columns:
            few = "more" if len(fields) > columns else "fewer"
            open_quote = any("\n" in field or "\r" in field for field in fields)
            todo = "is a quote in it not closed?" if open_quote else "mend it, or quote fields that have the separator"
            found = f"{len(fields)} field{'s' if len(fields) > 1 else ''}, {few} than the {columns} columns with names"
            raise UserError(f"{path}, line {line}: {found}; {todo}")
        rows += 1
    return rows


def _without_end(path: Path, form: Form) -> UserError:
    last = 0
    try:
        for line, _ in records(path, form):
            last = line
    except csv.Error:
        pass
    return UserError(f"{path}, after line {last}: a field of more than {LONGEST:,} characters; is a quote not closed?")
