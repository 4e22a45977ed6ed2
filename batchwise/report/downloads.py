"""Links that download what a page shows, which the page holds itself: a table as CSV, a figure as SVG."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from batchwise.report.number_format import MISSING

# As number_format.py writes them: 1,024, −0.31, +2, 5e−5; and 2⁻⁵, 10⁹.
NUMBER = re.compile(r"[+−-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(e[+−-]?\d+)?", re.ASCII)
POWER = re.compile("(2|10)(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})")
DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
# A spreadsheet takes a text that begins so for a formula; after an apostrophe it takes it for text.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
LONGEST = 60  # name of a file
LARGEST = 2_000_000  # bytes of a page


def table(caption: str, headings: Sequence[str], rows: Iterable[Iterable[str]], name: str = "") -> str:
    """Return a link to a table as CSV: UTF-8 with the mark by which Excel knows it, numbers as programs read them."""
    file = io.StringIO()
    csv.writer(file).writerows([_value(text) for text in row] for row in (headings, *rows))
    data = quote(f"\ufeff{file.getvalue()}", safe=",:;/()=+*!$@'")
    rounded = ' title="The numbers that are shown, with no more digits; the files in data/ have all"'
    return _link(f"data:text/csv;charset=utf-8,{data}", "csv", caption, name, rounded)


def figure(address: str, alt: str, name: str = "") -> str:
    """Return a link to a figure as SVG, which has this address; the first sentence of `alt` says what it shows."""
    return _link(address, "svg", re.split(r"\.(?: |$)", alt)[0], name)


def fitting(page: str) -> str:
    """Return a page with its links if it is small enough with them, or without those to figures, or without any.

    A figure holds what its link repeats: a browser saves it by a click of the right button.
    """
    for ending in ("svg", "csv"):
        if len(page.encode()) > LARGEST:
            page = re.sub(rf'<a class="download" download="[^"]*\.{ending}".*?</a>', "", page)
    return page


def _link(address: str, ending: str, what: str, name: str, more: str = "") -> str:
    file, text = f"{name or _file_name(what)}.{ending}", f"Download as {ending.upper()}"
    label = escape(f"{text}: {what}")
    return f'<a class="download" download="{file}" href="{address}" aria-label="{label}"{more}>{text}</a>'


def _file_name(text: str) -> str:
    """Return the words of a text up to its first pause: lower-case letters, digits and hyphens."""
    start = re.split("[.,;] ", text)[0].replace(",", "").lower()
    words = re.sub("[^a-z0-9]+", "-", start).strip("-")
    return words[:LONGEST].rpartition("-")[0] if len(words) > LONGEST else words or "table"


def _value(text: str) -> str:
    """Return an entry of a table as a cell of a CSV file, which no spreadsheet takes for a formula."""
    if text == MISSING:
        return ""
    if NUMBER.fullmatch(text):
        return text.replace(",", "").replace("−", "-")
    if found := POWER.fullmatch(text):
        base, exponent = int(found[1]), int(found[2].translate(DIGITS))
        return repr(base**exponent) if abs(exponent) < 100 else text
    return f"'{text}" if FORMULA.match(text) else text
