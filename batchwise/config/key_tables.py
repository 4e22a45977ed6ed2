"""The tables of README.md on params.yaml: every key, its default and what it says, as models and plug-ins have it."""

import json
from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from batchwise.common import plugins
from batchwise.config.optimizers import AnyOptimizer, Optimizer
from batchwise.config.params import Params
from batchwise.config.recipe import Plugin
from batchwise.config.section import Section
from batchwise.config.study import Study

OPTIMIZERS: tuple[type[Optimizer], ...] = get_args(get_args(AnyOptimizer)[0])
KEYS = ("key", "default", "what it says")
Names = Callable[[str], list[str]]
Row = tuple[str, ...]


def as_markdown(names: Names = plugins.names) -> str:
    """Return the tables; `names` are those of the plug-ins of a kind."""
    return "\n\n".join(
        [
            _table(KEYS, _rows(Params)),
            "The keys of a study:",
            _table(KEYS, _rows(Study)),
            "Optimisers, and the options that they have beside their `name`:",
            _table(("name", "what it does"), _optimizers()),
            _table(("option", "of, with its default", "what it says"), _options()),
            "The options of the plug-ins that are there; a file says what they mean:",
            _table(("file", "options"), _plugins(names)),
        ]
    )


def _table(head: Row, rows: Iterator[Row]) -> str:
    escaped = "\\|"
    first, *others = (f"| {' | '.join(cell.replace('|', escaped) for cell in row)} |" for row in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])


def _rows(section: type[Section], *above: str) -> Iterator[Row]:
    """Yield the keys of a section, those that are required first, each followed by the keys within it."""
    for name, field in sorted(section.model_fields.items(), key=lambda item: not item[1].is_required()):
        keys = *above, f"`{name}`"
        default = "required" if field.is_required() else _default(field)
        yield ": ".join(keys), default, str(field.description)
        for within in _sections(field):
            yield from _rows(within, *keys)


def _default(field: FieldInfo) -> str:
    """Return a default as params.yaml has it; none where there is no value, of which the description tells."""
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, [], {}) or isinstance(value, Section) else f"`{_shown(value)}`"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value.isidentifier() else json.dumps(value, ensure_ascii=False)


def _sections(field: FieldInfo) -> Iterator[type[Section]]:
    """Yield the section that a field holds, if it has keys of its own alone."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section) and not issubclass(kind, Plugin | Optimizer | Study):
            yield kind


def _optimizers() -> Iterator[Row]:
    for optimizer in OPTIMIZERS:
        (name,) = get_args(optimizer.model_fields["name"].annotation)
        yield f"`{name}`", str(optimizer.model_fields["name"].description)


def _options() -> Iterator[Row]:
    """Yield each option once, with the optimisers that have it by their default."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for optimizer in OPTIMIZERS:
        (owner,) = get_args(optimizer.model_fields["name"].annotation)
        for name, field in optimizer.model_fields.items():
            if name != "name":
                owners = found.setdefault((name, str(field.description)), {})
                owners.setdefault(_default(field), []).append(owner)
    for (name, description), by_default in found.items():
        yield f"`{name}`", "; ".join(_of(owners, default) for default, owners in by_default.items()), description


def _of(owners: list[str], default: str) -> str:
    some = "all" if len(owners) == len(OPTIMIZERS) else ", ".join(owners)
    return f"{some}: {default}" if default else some


def _plugins(names: Names) -> Iterator[Row]:
    for kind in plugins.KINDS:
        for name in names(kind):
            options = plugins.options(kind, name)
            if options:
                yield f"`{kind}/{name}.py`", ", ".join(f"`{_option(*each)}`" for each in options.items())


def _option(name: str, option: tuple[Any, Any]) -> str:
    default = option[1]
    return name if default is ... else f"{name}: {_shown(default)}"
