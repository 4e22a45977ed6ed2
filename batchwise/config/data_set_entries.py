"""What an entry of `data_sets` holds: the name of its plug-in, otherwise its own key, options, and keys of `files`.

`streamed: true` says of any data set that its rows are read from disk while runs train, not held in memory.
"""

from typing import Any

from batchwise.common import plugins
from batchwise.common.option_types import FILES, SplitRule

NAME = "name"  # the key of the plug-in's own name
STREAMED = "streamed"
RESERVED = (NAME, STREAMED)  # no options of plug-ins


def plugin(name: str, entry: dict[str, Any]) -> Any:
    """Return the name of the plug-in that prepares a data set, as it was given."""
    return entry.get(NAME, name)


def options(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the plug-in."""
    return {option: value for option, value in entry.items() if option not in RESERVED}


def is_streamed(entry: dict[str, Any]) -> bool:
    """Return whether the rows of a data set are read from disk while runs train."""
    return bool(entry.get(STREAMED, False))


def is_in_time(name: str, entry: dict[str, Any]) -> bool:
    """Return whether an option says that a data set is split by order in time. Raises UserError as plugins.options."""
    known = plugins.options("datasets", plugin(name, entry))
    rules: list[Any] = [entry.get(option, default) for option, (kind, default) in known.items() if kind == SplitRule]
    return any(isinstance(rule, dict) and "order" in rule for rule in rules)


def file_keys(name: str, entry: dict[str, Any]) -> dict[str, str]:
    """Return {option: key of `files`} of the options that are files, given or by default. Raises UserError as
    plugins.options does."""
    known = plugins.options("datasets", plugin(name, entry))
    given = {option: entry.get(option, default) for option, (kind, default) in known.items() if kind in FILES.values()}
    return {option: key for option, key in given.items() if isinstance(key, str)}
