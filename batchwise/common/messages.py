"""Sentences for people: what was wrong and what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from textwrap import shorten
from typing import Any


def unknown(what: str, value: object, known: list[str]) -> str:
    """Return a sentence for a name that is not among the `known` ones, with the nearest of them."""
    near = get_close_matches(str(value), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{value!r} is not a known {what}; allowed: {', '.join(known) or 'none'}{hint}"


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
