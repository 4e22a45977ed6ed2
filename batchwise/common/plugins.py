"""Data sets and models are found by file name; their options are read off the signature of the function they offer.

`batchwise/datasets/<name>.py` offers `prepare(*, ...)`, and `batchwise/models/<name>.py` offers
`build(input_shape, outputs, *, ...)`. The keyword-only arguments are the options in params.yaml. The source is parsed,
not imported, so that checking parameters needs neither Keras nor the data.
"""

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

ENTRY_POINTS = {"datasets": "prepare", "models": "build"}
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
    """Return the sorted names of the plug-ins of a kind, `datasets` or `models`."""
    return sorted(path.stem for path in _folder(kind).glob("*.py") if not path.stem.startswith("_"))


def load(kind: str, name: str) -> ModuleType:
    """Import a plug-in. Raises ModuleNotFoundError for a name that `names` does not list."""
    return importlib.import_module(f"batchwise.{kind}.{name}")


def options(kind: str, name: str) -> dict[str, tuple[Any, Any]]:
    """Return {option: (type, default)} of a plug-in; the default is `...` where the option is required.

    Raises TypeError if the plug-in lacks its function or annotates an option with a type that params.yaml cannot hold.
    """
    path = _folder(kind) / f"{name}.py"
    wanted = ENTRY_POINTS[kind]
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
