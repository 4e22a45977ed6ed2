"""Sentences for people: what was wrong and what to do."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

# {pydantic's kind of error: what a value must be}; in braces, what that kind says of itself
_MUST = {
    "bool_type": "be true or false",
    "dict_type": "be a mapping: keys with values",
    "finite_number": "be a finite number, less than 1e308",
    "float_type": "be a number",
    "greater_than": "be more than {gt}",
    "greater_than_equal": "be at least {ge}",
    "int_type": "be a whole number",
    "less_than": "be less than {lt}",
    "less_than_equal": "be at most {le}",
    "list_type": "be a list",
    "literal_error": "be {expected}",
    "string_too_long": "have at most {max_length} characters",
    "string_type": "be text",
    "string_unicode": "be text",
    "too_long": "have at most {max_length} item(s)",
    "too_short": "have at least {min_length} item(s)",
}
_MUST |= dict.fromkeys(("model_type", "model_attributes_type"), _MUST["dict_type"])


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
    return f"{shown(value)} is not a known {what}; allowed: {cut(', '.join(known), 200) or 'none'}{hint}"


def describe(details: Mapping[str, Any]) -> str:
    """Return one line for an entry of pydantic's ValidationError.errors(): the key, its value, what is allowed."""
    loc = details["loc"]
    if loc and loc[-1] == "[key]":  # a key is wrong, not what it stands for
        above = _key(loc[:-2])
        return _sentence(details, above if details["type"] == "value_error" else f"a key of {above}")
    return _sentence(details, _key(loc))


def _sentence(details: Mapping[str, Any], key: str) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind in ("missing", "union_tag_not_found"):
        return f"{key}{'.name' if kind == 'union_tag_not_found' else ''} is missing; it is required"
    if kind == "value_error":
        return f"{key}: {context['error']}" if key else str(context["error"])
    if kind == "union_tag_invalid":
        known = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        return f"{key}.name: {unknown(str(details['loc'][-1]), context['tag'], known)}"
    if kind == "float_type" and isinstance(details["input"], int) and not isinstance(details["input"], bool):
        kind = "finite_number"  # it is too large for a float
    must = _MUST.get(kind, "be of another kind, which README.md names")
    allowed = must.format_map({name: _plain(value) for name, value in context.items()})
    return f"{key or 'the file'} is {shown(details['input'])}; it must {cut(allowed, 200)}"


def _key(parts: Sequence[object]) -> str:
    """Return the keys and numbers that lead to a value: `studies.a.grid.seeds[0]`."""
    return "".join(
        f"[{part}]" if isinstance(part, int) else f".{cut(str(part), 64) if str(part).isidentifier() else shown(part)}"
        for part in parts
    ).lstrip(".")


def _plain(bound: object) -> object:
    return int(bound) if isinstance(bound, float) and bound.is_integer() and bound < 1e15 else bound
