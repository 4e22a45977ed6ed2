"""Data sets, models and tasks are found by file name; options are read off the signature of the function they offer.

`batchwise/datasets/<name>.py` offers `prepare(*, ...)`, `batchwise/models/<name>.py` offers
`build(input_shape, outputs, *, ...)`, and `batchwise/tasks/<name>.py` offers `task(*, ...)`. The keyword-only arguments
are the options in params.yaml. Their source is parsed, not imported, so that checking parameters needs neither Keras
nor data.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from batchwise.common import signature
from batchwise.common.errors import UserError
from batchwise.common.messages import unknown
from batchwise.common.option_types import FILES, option_types


class Kind(NamedTuple):
    """A kind of plug-in."""

    title: str  # what people call one
    entry_point: str  # what its file offers
    arguments: tuple[str, ...] = ()  # of that, before the options
    largest: int = 0  # whole number that an option may be


# {folder: kind}
KINDS = {
    "datasets": Kind("data set", "prepare", largest=2**32 - 1),  # numbers of rows, and seeds
    "models": Kind("model", "build", ("input_shape", "outputs"), largest=1_000_000),  # sizes of layers
    "tasks": Kind("task", "task", largest=1_000_000),
}


def names(kind: str) -> list[str]:
    """Return the sorted names of the plug-ins of a kind, one of KINDS."""
    return sorted(path.stem for path in _folder(kind).glob("*.py") if path.is_file() and path.name[0] != "_")


def file(kind: str, name: str) -> str:
    """Return the file of a plug-in, relative to the project's root."""
    return f"batchwise/{kind}/{name}.py"


def check(kind: str, name: str) -> None:
    """Raise UserError, with what is allowed, for a name without a file."""
    if name not in names(kind):
        raise UserError(unknown(KINDS[kind].title, name, names(kind)))


def load(kind: str, name: str) -> ModuleType:
    """Import a plug-in. Raises ModuleNotFoundError for a name that `names` does not list."""
    return importlib.import_module(f"batchwise.{kind}.{name}")


def options(kind: str, name: str) -> signature.Options:
    """Return {option: (type, default)} of a plug-in; the default is `...` where the option is required.

    Raises UserError, with the file and its line, for what is not Python in UTF-8, has no such function, or has options
    that params.yaml cannot hold.
    """
    title, entry_point, arguments, largest = KINDS[kind]
    try:
        source = (_folder(kind) / f"{name}.py").read_bytes()
    except OSError as error:
        raise UserError(f"{file(kind, name)} cannot be read: {error.strerror}; each {title} is a file") from None
    types = {**option_types(largest), **(FILES if kind == "datasets" else {})}
    found = signature.read(source, file(kind, name), entry_point, arguments, types)
    if "name" in found:
        raise UserError(f"{file(kind, name)}: an option cannot be `name`, which is the key of the {title}'s own name")
    if kind == "datasets" and "streamed" in found:
        raise UserError(
            f"{file(kind, name)}: an option cannot be `streamed`, which says where rows of any data set are"
        )
    return found


def _folder(kind: str) -> Path:
    return Path(__file__).parents[1] / kind
