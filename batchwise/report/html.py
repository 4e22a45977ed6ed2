"""Text, tables and figures as HTML. Whatever comes from data is escaped here and nowhere else."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from batchwise.report import downloads


@dataclass(frozen=True)
class Html:
    """HTML that a notebook shows as it is: everything in it is escaped."""

    text: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.text


class Code(str):
    """Text to type or a checksum: shown in a fixed-width font."""


class Sorted(NamedTuple):
    """A table entry that is sorted by a number other than its text; None comes last."""

    text: str
    key: float | None


Entry = str | Code | Sorted


def typeset(text: str) -> str:
    """Return text escaped for HTML, with no line break before % or around =."""
    return escape(text).replace(" %", "&nbsp;%").replace(" = ", "&nbsp;=&nbsp;")


def join(*parts: Html) -> Html:
    """Return the parts below each other."""
    return Html("\n".join(part.text for part in parts))


def paragraph(text: str, kind: str = "") -> Html:
    """Return a paragraph; `kind` is its class in the style sheet."""
    return Html(f"<p{_class(kind)}>{typeset(text)}</p>")


def heading(text: str) -> Html:
    """Return the heading of the page."""
    return Html(f"<h1>{typeset(text)}</h1>")


def items(texts: Iterable[str]) -> Html:
    """Return a bulleted list."""
    return Html("<ul>" + "".join(f"<li>{typeset(text)}</li>" for text in texts) + "</ul>")


def command(text: str) -> Html:
    """Return a command line to type."""
    return Html(f'<pre tabindex="0"><code>{escape(text)}</code></pre>')


def links(text: str, pages: Iterable[tuple[str, str]]) -> Html:
    """Return a paragraph with links, (text, page of the same folder) each."""
    each = ", ".join(f'<a href="{escape(page)}">{typeset(name)}</a>' for name, page in pages)
    return Html(f"<p>{typeset(text)}: {each}.</p>")


def subheading(text: str, mark: str, kind: str, anchor: str) -> Html:
    """Return a heading within a section, with a mark beside it whose class is `kind`; `anchor` is its id."""
    return Html(
        f'<h3 id="{escape(anchor)}">{typeset(text)} <span class="mark {escape(kind)}">{escape(mark)}</span></h3>'
    )


def marked(entries: Iterable[tuple[str, str, str, str, str]]) -> Html:
    """Return a list of links, each with a mark: (page or #part, text, mark, class of the mark, what else is said)."""
    rows = (
        f'<li><a href="{escape(page)}">{typeset(text)}</a> <span class="mark {escape(kind)}">{escape(mark)}</span>'
        f"<p>{typeset(rest)}</p></li>"
        for page, text, mark, kind, rest in entries
    )
    return Html(f'<ul class="overview">{"".join(rows)}</ul>')


def details(summary: str, *parts: Html) -> Html:
    """Return parts that are shown when the reader asks for them."""
    return Html(f"<details><summary>{typeset(summary)}</summary>{join(*parts).text}</details>")


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return names and values as a list of definitions."""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{typeset(value)}</dd></div>" for name, value in pairs)
    return Html(f'<dl class="facts">{rows}</dl>')


def multiples(figures: Iterable[Html]) -> Html:
    """Return figures beside each other, as many as there is room for."""
    return Html(f'<div class="multiples">{join(*figures).text}</div>')


def figure(svg: str, alt: str, caption: str, kind: str = "", name: str = "") -> Html:
    """Return a figure, or a sentence where there is nothing to draw; one of the kind `narrow` fits a phone.

    The SVG is an image of its own: nothing in it runs, and its ids stay apart from the page's. `name` is that of the
    file that a link downloads, otherwise made of the first sentence of `alt`.
    """
    if not svg:
        return paragraph("There is no figure: nothing that it would show was measured.")
    address = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return Html(
        f'<figure{_class(kind)}><div class="scroll" role="region" aria-label="Figure" tabindex="0">'
        f'<img alt="{escape(alt)}" src="{address}"></div>'
        f"<figcaption>{typeset(caption)} {downloads.figure(address, alt, name)}</figcaption></figure>"
    )


def table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[Entry]], kind: str = "", name: str = ""
) -> Html:
    """Return a table whose first column names the row, or a sentence where it has no rows.

    With `sortable` in `kind`, the page's script sorts it. `name` is that of the file that a link downloads, otherwise
    made of the caption.
    """
    rows = list(rows)
    if not rows:
        return paragraph(f"{caption}: nothing is known.")
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "\n".join(f"<tr>{_first(row[0])}{''.join(map(_entry, row[1:]))}</tr>" for row in rows)
    return Html(
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0">'
        f"<table{_class(kind)}><caption>{typeset(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
        f'<p class="download">{downloads.table(caption, headings, (map(_text, row) for row in rows), name)}</p>'
    )


def _first(entry: Entry) -> str:
    return f'<th scope="row"{_key(entry)}>{_content(entry)}</th>'


def _entry(entry: Entry) -> str:
    return f"<td{_key(entry)}>{_content(entry)}</td>"


def _content(entry: Entry) -> str:
    if isinstance(entry, Code):
        return f"<code>{escape(entry)}</code>"
    return escape(_text(entry))


def _text(entry: Entry) -> str:
    return entry.text if isinstance(entry, Sorted) else entry


def _key(entry: Entry) -> str:
    if not isinstance(entry, Sorted):
        return ""
    return f' data-key="{entry.key!r}"' if entry.key is not None and entry.key == entry.key else ' data-key=""'


def _class(kind: str) -> str:
    return f' class="{escape(kind.strip())}"' if kind else ""
