"""Data sets, models and tasks are found by file name; options are read off the signature of the function they offer.

`batchwise/datasets/<name>.py` offers `prepare(*, ...)`, `batchwise/models/<name>.py` offers
`build(input_shape, outputs, *, ...)`, and `batchwise/tasks/<name>.py` offers `TASK`. The keyword-only arguments are the
options in params.yaml. Their source is parsed, not imported, so that checking parameters needs neither Keras nor data.
"""

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

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

    Raises TypeError if the plug-in lacks its function or annotates an option with a type that params.yaml cannot hold.
    """
    path = _folder(kind) / f"{name}.py"
    wanted = KINDS[kind].entry_point
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == wanted:
            arguments = node.args
            return {
                argument.arg: (_type(path, argument), ... if default is None else ast.literal_eval(default))
                for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            }
    raise TypeError(f"{path} has no function {wanted}()")


def _folder(kind: str) -> Path:
    return Path(__file__).parents[1] / kind


def _type(path: Path, argument: ast.arg) -> Any:
    annotation = argument.annotation
    text = ast.unparse(annotation) if annotation else "nothing"
    if text in OPTION_TYPES:
        return OPTION_TYPES[text]
    if isinstance(annotation, ast.Subscript) and text.startswith("Literal["):
        return Literal[ast.literal_eval(annotation.slice)]
    raise TypeError(f"{path}: option {argument.arg} has type {text}; allowed: {', '.join(OPTION_TYPES)}, Literal[...]")
