"""The options of a plug-in, read off the signature of its function: nothing of the plug-in runs."""

import ast
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticKnownError

from batchwise.common import python_source
from batchwise.common.errors import UserError
from batchwise.common.messages import cut, describe

Options = dict[str, tuple[Any, Any]]  # {option: (type, default)}, `...` for the default of one that is required


def read(source: bytes, file: str, name: str, positional: Sequence[str], types: dict[str, Any]) -> Options:
    """Return the options of the function `name`, which takes `positional` arguments and, by keyword only, the options.

    Raises UserError, with the line in `file`, if there is no such function, or an option is not of one of the `types`
    or has a default that is not.
    """
    node = _function(python_source.parse(source, file), file, name, positional)
    arguments = node.args
    given = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if len(given) != len(positional) or arguments.vararg or arguments.kwarg:
        raise _error(file, node, f"{name}({cut(ast.unparse(arguments))}) must be {_form(name, positional)}")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {argument.arg: _option(file, argument, default, types) for argument, default in pairs}


def _function(tree: ast.Module, file: str, name: str, positional: Sequence[str]) -> ast.FunctionDef:
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in reversed(found):  # the last of a name is the one that counts
        if node.name == name:
            if isinstance(node, ast.FunctionDef):
                return node
            raise _error(file, node, f"{name} is async; write {_form(name, positional)}")
    raise UserError(f"{file} has no function {name}; write {_form(name, positional)}")


def _form(name: str, positional: Sequence[str]) -> str:
    return f"`def {name}({', '.join((*positional, '*', 'option: type, ...'))})`"


def _option(file: str, argument: ast.arg, default: ast.expr | None, types: dict[str, Any]) -> tuple[Any, Any]:
    kind = _type(file, argument, types)
    if default is None:
        return kind, ...
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError):
        text = cut(ast.unparse(default))
        problem = f"the default of {argument.arg} is {text}; write a value as in params.yaml, which needs no code"
        raise _error(file, default, problem) from None
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        problem = describe({**details, "loc": (argument.arg, *details["loc"])})
        raise _error(file, default, f"the default of {problem}") from None
    return kind, value


def _type(file: str, argument: ast.arg, types: dict[str, Any]) -> Any:
    annotation = argument.annotation
    text = ast.unparse(annotation) if annotation else "nothing"
    if text in types:
        return types[text]
    if isinstance(annotation, ast.Subscript) and text.startswith("Literal["):
        choices = _choices(annotation.slice)
        if choices:
            return Annotated[Literal[choices], BeforeValidator(partial(_same_type, choices))]
    raise _error(
        file,
        argument,
        f"option {argument.arg} has type {cut(text)}; allowed: {', '.join(types)}, Literal[...] of values",
    )


def _choices(node: ast.expr) -> tuple[Any, ...]:
    """Return the texts and whole numbers of a Literal, none if it has others."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return ()
    choices = value if isinstance(value, tuple) else (value,)
    return choices if all(isinstance(choice, str | int) for choice in choices) else ()


def _same_type(choices: tuple[Any, ...], value: Any) -> Any:
    """Refuse 2.0 and True, which are equal to 2 and 1, and are other values to a plug-in."""
    if type(value) not in map(type, choices):
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, choices))})
    return value


def _error(file: str, node: ast.stmt | ast.expr | ast.arg, problem: str) -> UserError:
    return UserError(f"{file}, line {node.lineno}: {problem}")
