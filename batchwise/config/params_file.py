"""params.yaml edited for the user: one value, or a new entry. All that was typed elsewhere stays as it is, to the byte.

ruamel.yaml tells where a value stands in the text, and the text alone is changed: it would write the rest in its own
style. What an edit makes of the text is read again, and compared with what it should be.
"""

import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from batchwise.common import files
from batchwise.common.errors import UserError
from batchwise.config import yaml_file

WIDTH = 100  # characters of a value in one line, as in params.yaml
LEAST_PLAIN = 1e-9  # below it a number is written with an exponent


def set_value(text: str, keys: Sequence[str], value: Any) -> str:
    """Return a text of YAML in which the value under some keys is another, or new.

    A list with an item a line stays one. Raises UserError for a value that & and * share with another place.
    """
    pair = _pair(text, keys)
    if pair is None:
        return add_entry(text, keys[:-1], keys[-1], value)
    key, node = pair
    start, end, new = node.start_mark.index, _end(node), written(value)
    is_block = isinstance(node, MappingNode | SequenceNode) and not node.flow_style
    if is_block and isinstance(node, SequenceNode) and isinstance(value, list) and value:
        new = f"{_newline(text)}{' ' * node.start_mark.column}".join(f"- {written(item)}" for item in value)
    elif key is not None and (is_block or start == end):  # below the key, or nothing: the new one stands behind it
        start = text.index(":", key.end_mark.index) + 1
        new = f" {new}{text[start : _end_of_line(text, start)] if is_block else ''}"
        end = end if is_block else start
    return _checked(text, f"{text[:start]}{new}{text[end:]}", keys, value)


def add_entry(text: str, keys: Sequence[str], name: str, value: Any, comment: str = "") -> str:
    """Return a text of YAML with a new entry, the last of the mapping under some keys, which is made if need be.

    Raises UserError for a mapping that & and * share with another place, or what is none.
    """
    pair = _pair(text, keys)
    if pair is None:
        return add_entry(text, keys[:-1], keys[-1], {name: value})
    key, node = pair
    if isinstance(node, MappingNode) and node.flow_style:
        start = _end(node) - 1
        head = text[:start].rstrip(" ")
        new = f"{', ' if node.value else ' '}{written(name)}: {written(value)} "
    elif isinstance(node, MappingNode) and node.value:
        start = _end_of_line(text, _end(node))
        head, column = text[:start], node.value[0][0].start_mark.column
        new = _gap(text, node) + _entry(text, name, value, column, comment)
    elif key is not None and node.start_mark.index == node.end_mark.index:  # `studies:`, with nothing below
        start = _end_of_line(text, key.end_mark.index)
        head, new = text[:start], _entry(text, name, value, key.start_mark.column + 2, comment)
    else:
        raise UserError(f"{'.'.join(keys) or 'params.yaml'} is no mapping; add {name} by hand")
    return _checked(text, f"{head}{new}{text[start:]}", [*keys, name], value)


def write(path: Path, text: str) -> None:
    """Write the text of a YAML file, whole or not at all; with a byte order mark if it had one."""
    place = path.resolve()  # a link stays one
    mark = b"\xef\xbb\xbf" if files.read(place).startswith(b"\xef\xbb\xbf") else b""
    files.write_bytes(place, mark + text.encode())


def written(value: Any) -> str:
    """Return a value in one line of YAML, as params.yaml has it: numbers without an exponent, unless they are tiny."""
    if isinstance(value, dict):
        inner = ", ".join(f"{written(name)}: {written(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str):
        return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and math.isfinite(value):
        plain = LEAST_PLAIN <= abs(value) < 1e15
        return f"{Decimal(repr(value)):f}" if plain else _with_point(repr(value))
    return json.dumps(value)  # true, false, null, whole numbers


def _is_plain(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_][\w./-]*", text, re.ASCII)) and yaml_file.values(text, "") == text


def _with_point(number: str) -> str:
    """Return 1e-12 as 1.0e-12: without a point it is text for some readers of YAML."""
    mantissa, mark, exponent = number.partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{mark}{exponent}"


def _entry(text: str, name: str, value: Any, column: int, comment: str) -> str:
    """Return the lines of an entry, each after a line break."""
    lines = [f"# {comment}"] if comment else []
    lines += _lines(name, value)
    return "".join(f"{_newline(text)}{' ' * column}{line}" for line in lines)


def _lines(name: str, value: Any, depth: int = 0) -> list[str]:
    """Return the lines of an entry: a mapping of the entry itself, or a long one, with a line for each of its own."""
    line = f"{written(name)}: {written(value)}"
    if isinstance(value, dict) and value and (depth == 0 or len(line) > WIDTH):
        inner = [each for key, item in value.items() for each in _lines(key, item, depth + 1)]
        return [f"{written(name)}:", *(f"  {each}" for each in inner)]
    if isinstance(value, list) and value and len(line) > WIDTH:
        return [f"{written(name)}:", *(f"  - {written(item)}" for item in value)]
    return [line]


def _gap(text: str, node: MappingNode) -> str:
    """Return an empty line if one stands above the last entry of a mapping."""
    if len(node.value) < 2:
        return ""
    between = text[_end(node.value[-2][1]) : node.value[-1][0].start_mark.index]
    return _newline(text) if re.search(r"\n[ \t]*\r?\n", between) else ""


def _pair(text: str, keys: Sequence[str]) -> tuple[Node | None, Node] | None:
    """Return the nodes of the last key and of its value; None if it is not there."""
    found: tuple[Node | None, Node] | None = (None, _compose(text))
    for key in keys:
        assert found
        pairs = found[1].value if isinstance(found[1], MappingNode) else []
        found = next(((name, value) for name, value in pairs if name.value == key), None)
        if found is None:
            return None
        name, value = found
        is_alias = value.start_mark.index < name.end_mark.index  # type: ignore[union-attr]
        if is_alias or (value.anchor and f"*{value.anchor}" in text):
            raise UserError(f"{'.'.join(keys)} shares its value with another place by & and *; edit it by hand")
    return found


def _compose(text: str) -> Node:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    return yaml.compose(text)


def _end(node: Node) -> int:
    """Return where the text of a node ends: that of a block counts the comments and empty lines below to it."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(_end(last[1]), last[0].end_mark.index) if isinstance(last, tuple) else _end(last)
    return node.end_mark.index


def _end_of_line(text: str, start: int) -> int:
    """Return where the line that has this place ends, before its line break."""
    if start and text[start - 1] == "\n":  # of a text in several lines, the last of which belongs to it
        return start - (2 if text[: start - 1].endswith("\r") else 1)
    end = text.find("\n", start)
    return len(text) if end < 0 else end - (text[:end].endswith("\r"))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _checked(before: str, after: str, keys: Sequence[str], value: Any) -> str:
    """Return the text after an edit. Raises UserError if it does not say what it should."""
    wanted = place = yaml_file.values(before, "params.yaml")
    for key in keys[:-1]:
        place[key] = place.get(key) or {}
        place = place[key]
    place[keys[-1]] = json.loads(json.dumps(value))  # tuples as lists
    try:
        same = yaml_file.values(after, "params.yaml") == wanted
    except UserError:
        same = False
    if not same:
        raise UserError(f"{'.'.join(keys)} cannot be edited as params.yaml is written; write {written(value)} by hand")
    return after
