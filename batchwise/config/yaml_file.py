"""params.yaml as plain values. It is given by anyone: what is too large, too deep or no file is refused unread."""

import re
import stat
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, ScalarEvent
from ruamel.yaml.nodes import Node, ScalarNode
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import ReaderError

from batchwise.common.errors import UserError
from batchwise.common.messages import cut, shown
from batchwise.config import yaml_mistakes

# A hundred studies are 40,000 bytes and 6,000 values, 8 deep. What is at the limits is read in about a second.
MAX_BYTES, MAX_VALUES, MAX_DEPTH, MAX_LENGTH = 200_000, 10_000, 20, 1000


class _Refused(MarkedYAMLError):
    """What is YAML, but no parameters."""


class _Parser(Parser):
    """Hands the parts of a text on while they are within the limits. A value counts as often as aliases repeat it."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self.values = 0
        self.open: list[tuple[str | None, int]] = []  # the anchor of each collection, and the values before it
        self.anchored: dict[str | None, int] = {}  # {anchor: its values}, of what is complete

    def get_event(self) -> Any:
        event = super().get_event()
        if problem := _forbidden(event) or self._counted(event):
            raise _Refused(None, None, problem, event.start_mark)
        return event

    def _counted(self, event: Any) -> str | None:
        """Count an event; return what is wrong with so many."""
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchored:
                return f"*{cut(event.anchor)} stands for nothing, or for a value that contains it"
            self.values += self.anchored[event.anchor]
        elif isinstance(event, ScalarEvent):
            self.values += 1
            self.anchored[event.anchor] = 1
        elif isinstance(event, CollectionStartEvent):
            self.open.append((event.anchor, self.values))
            self.values += 1
            self.anchored.pop(event.anchor, None)
        elif isinstance(event, CollectionEndEvent):
            anchor, before = self.open.pop()
            self.anchored[anchor] = self.values - before
        if len(self.open) > MAX_DEPTH:
            return f"lists and mappings are nested more than {MAX_DEPTH} deep, which is the limit"
        if self.values > MAX_VALUES:
            return f"there are more than {MAX_VALUES:,} values, repeated ones (*) included, which is the limit"
        return None


def _forbidden(event: Any) -> str | None:
    if tag := getattr(event, "tag", None):
        return f"the tag {cut(tag.replace('tag:yaml.org,2002:', '!!'))} is not allowed; a value needs none"
    if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
        return "a directive (%) is not allowed; leave it out"
    if isinstance(event, ScalarEvent):
        if len(event.value) > MAX_LENGTH:
            return f"a value of {len(event.value):,} characters; at most {MAX_LENGTH:,} are allowed"
        if re.search("[\ud800-\udfff]", event.value):
            return f"{shown(event.value)} has half a character (\\ud800 to \\udfff); write it whole"
    return None


class _Constructor(SafeConstructor):
    """Makes text, numbers, true, false, null, lists and mappings; what looks like a date is text."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError):  # `0_` and `1__e`, say
            text = cut(node.value) if isinstance(node, ScalarNode) else "this"
            raise ConstructorError(None, None, f"{text} is no number", node.start_mark) from None


for _tag in ("timestamp", "value"):
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_tag}", _Constructor.construct_yaml_str)


def read(path: Path) -> Any:
    """Return what a YAML file holds: text, numbers, true, false, None, lists and dicts.

    Raises UserError, in one line, for a file that cannot be read, is no text or no YAML, or is beyond the limits.
    """
    return values(text_of(path), path.name)


def values(text: str, source: str) -> Any:
    """Return what a text of YAML holds, as `read` does, which says how it is refused; `source` is its file's name."""
    yaml = YAML(typ="safe", pure=True)  # the same parser whether or not that in C is installed
    yaml.Parser, yaml.Constructor = _Parser, _Constructor
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.load(text)
    except _Refused as error:
        raise UserError(f"{source}, {_line(error)}{cut(error.problem, 200)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{source}, line {line}: the character {chr(error.character)!r} is not allowed") from None
    except YAMLError as error:
        problem = (error.problem if isinstance(error, MarkedYAMLError) else None) or str(error)
        raise UserError(f"{source} is not valid YAML: {_line(error)}{yaml_mistakes.sentence(problem)}") from None


def _line(error: YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return f"line {mark.line + 1}: " if mark else ""


def text_of(path: Path) -> str:
    """Return the text of a YAML file, without a byte order mark. Raises UserError as `read` does."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # what is no file may never end, or never begin
            raise UserError(f"{path.name} in {path.absolute().parent} is no file; write the parameters into one")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserError(f"{path.name} has more than {MAX_BYTES:,} bytes, which is the limit")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"there is no {path.name} in {path.absolute().parent}; run in the root of the project"
        ) from None
    except OSError as error:
        raise UserError(f"{path.name} in {path.absolute().parent} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text (byte {error.start})") from None
