"""Data sets, models and tasks are found by file name; options are read off the signature of the function they offer.

`batchwise/datasets/<name>.py` offers `prepare(*, ...)`, `batchwise/models/<name>.py` offers
`build(input_shape, outputs, *, ...)`, and `batchwise/tasks/<name>.py` offers `TASK`. The keyword-only arguments are the
options in params.yaml. Their source is parsed, not imported, so that checking parameters needs neither Keras nor data.
"""

import ast
import importlib
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from batchwise.common import source_text
from batchwise.common.errors import UserError
from batchwise.common.messages import unknown


class Kind(NamedTuple):
    """A kind of plug-in."""

    title: str  # what people call one
    entry_point: str  # what its file offers


# {folder: kind}
KINDS = {
    "datasets": Kind("data set", "prepare"),
    "models": Kind("model", "build"),
    "tasks": Kind("task", "TASK"),
}
# What params.yaml can hold and a signature can say; the bounded ones are pydantic's.
OPTION_TYPES = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "PositiveInt": PositiveInt,
    "NonNegativeInt": NonNegativeInt,
    "PositiveFloat": PositiveFloat,
    "NonNegativeFloat": NonNegativeFloat,
    "list[int]": list[int],
    "list[float]": list[float],
    "list[PositiveInt]": list[PositiveInt],
}


def names(kind: str) -> list[str]:
    """Return the sorted names of the plug-ins of a kind, one of KINDS."""
    return sorted(path.stem for path in _folder(kind).glob("*.py") if not path.stem.startswith("_"))


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


def options(kind: str, name: str) -> dict[str, tuple[Any, Any]]:
    """Return {option: (type, default)} of a plug-in; the default is `...` where the option is required.

    Raises UserError if the plug-in is not Python, lacks its function or has an option that params.yaml cannot hold.
    """
    path, wanted = file(kind, name), KINDS[kind].entry_point
    for node in source_text.parse(path, (_folder(kind) / f"{name}.py").read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name == wanted:
            arguments = node.args
            return {
                argument.arg: (_type(path, argument), ... if default is None else _default(path, argument, default))
                for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            }
    raise UserError(f"{path} has no function {wanted}()")


def _folder(kind: str) -> Path:
    return Path(__file__).parents[1] / kind


def _type(path: str, argument: ast.arg) -> Any:
    annotation = argument.annotation
    text = ast.unparse(annotation) if annotation else "nothing"
    if text in OPTION_TYPES:
        return OPTION_TYPES[text]
    if isinstance(annotation, ast.Subscript) and text.startswith("Literal["):
        with suppress(ValueError):
            return Literal[ast.literal_eval(annotation.slice)]
    allowed = f"{', '.join(OPTION_TYPES)}, Literal[...]"
    raise UserError(f"{path}, line {argument.lineno}: option {argument.arg} has type {text}; allowed: {allowed}")


def _default(path: str, argument: ast.arg, default: ast.expr) -> Any:
    try:
        return ast.literal_eval(default)
    except ValueError:
        found = f"option {argument.arg} has the default {ast.unparse(default)}"
        raise UserError(
            f"{path}, line {default.lineno}: {found}; allowed: a number, a text, a list of numbers"
        ) from None
