"""Sentences for people: what was wrong and what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from textwrap import shorten
from typing import Any


def cut(text: str, width: int = 60) -> str:
    """Return a text in one line of so many characters at most, all of them printable."""
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[: width + 1])
    return line if len(line) <= width else f"{line[: width - 1]}…"


def shown(value: object) -> str:
    """Return a value as Python writes it, in one short line."""
    try:
        return cut(repr(value))
    except ValueError:  # Python writes no number of thousands of digits
        return "a number of thousands of digits"


def unknown(what: str, value: object, known: list[str]) -> str:
    """Return a sentence for a name that is not among the `known` ones, with the nearest of them."""
    near = get_close_matches(shown(value).strip("'"), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{shown(value)} is not a known {what}; allowed: {', '.join(known) or 'none'}{hint}"


def describe(details: Mapping[str, Any]) -> str:
    """Return one line for an entry of pydantic's ValidationError.errors(): the key, its value, what is allowed."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"]).lstrip(".")
    kind, message = details["type"], details["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return f"{key} is missing; it is required"
    if kind == "value_error":
        return f"{key}: {message}" if key else message
    if kind == "union_tag_invalid":
        context = details["ctx"]
        known = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        return f"{key}.name: {unknown(details['loc'][-1], context['tag'], known)}"
    if kind == "union_tag_not_found":
        return f"{key}.name is missing; it is required"
    allowed = message.replace("Input should", "it must").replace("dictionary", "mapping").split(" or instance")[0]
    return f"{key or 'the file'} is {shorten(repr(details['input']), 60)}; {allowed}"
