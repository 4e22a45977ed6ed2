"""What an array is in words, and the line of NumPy that makes it what a data set holds."""

from collections.abc import Callable
from typing import Any

import numpy as np

Step = tuple[str, Any]  # a statement of NumPy, and the array that it gives
KINDS = {
    "U": "strings",
    "T": "strings",
    "S": "bytes",
    "O": "objects",
    "M": "dates",
    "m": "durations",
    "V": "records",
    "c": "complex numbers",
}
MISSING = ("None", "nan", "NaT", "<NA>")  # as they are printed: Python, NumPy and pandas have one each
DROP = "inputs, labels = inputs[keep], labels[keep]"


def is_plain(array: Any) -> bool:
    """Return whether it is an array of NumPy's: not masked, no matrix, nothing of another library."""
    return type(array) in (np.ndarray, np.memmap)


def in_words(array: Any, example: int = 0) -> str:
    """Return what something is that should be an array: its type, or kind of values, shape and one of its values."""
    if not is_plain(array):
        return type_name(array)
    kind = KINDS.get(array.dtype.kind, array.dtype.name)
    such_as = f", such as {_value(array.flat[example])}" if array.size else ""
    return f"{kind} of the shape {shape_of(array)}{such_as}"


def _value(value: Any) -> str:
    """Return a value in a line of 40 characters at most; NumPy's own repr would name NumPy."""
    if isinstance(value, np.str_ | np.bytes_):
        value = value.item()
    text = " ".join((str(value) if isinstance(value, np.generic) else repr(value)).split())
    return text if len(text) <= 40 else f"{text[:39]}…"


def shape_of(array: np.ndarray) -> str:
    """Return a shape: [150, 4]."""
    return str(list(array.shape))


def type_name(value: Any) -> str:
    """Return what people call a type: None, a list, a pandas.DataFrame."""
    if value is None:
        return "None"
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}."
    article = "an" if f"{module}{kind.__name__}"[0].lower() in "aeio" else "a"
    return f"{article} {module}{kind.__name__}"


def is_text(value: Any) -> bool:
    """Return whether it is a string that a file can hold: not half of a character, as \\ud800 is."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def line(array: Any, next_step: Callable[[Any], Step | None]) -> str:
    """Return ": `…`", the statements that convert an array, each the next step of what the one before gives.

    It is empty where a step fails, as for what is no array at all: the others would lead nowhere.
    """
    steps: list[str] = []
    try:
        while len(steps) < 5 and (step := next_step(array)):
            steps.append(step[0])
            array = step[1]
    except Exception:  # the values of other libraries may raise anything, and the sentence is true without a line
        return ""
    return f": `{'; '.join(steps)}`" if steps else ""


def plain(name: str, array: Any) -> Step | None:
    """Return the step to an array of NumPy's, if it is none; `name` is that of the variable."""
    if is_plain(array):
        return None
    if isinstance(array, np.ma.MaskedArray):
        return _unmasked(name, array)
    for method in ("toarray", "to_numpy"):  # sparse matrices, pandas
        if hasattr(array, method):
            return f"{name} = {name}.{method}()", getattr(array, method)()
    converted = np.asarray(array)
    return (f"{name} = np.asarray({name})", converted) if converted.ndim else None


def _unmasked(name: str, array: np.ma.MaskedArray) -> Step:
    mask = np.ma.getmaskarray(array)
    if not mask.any():
        return f"{name} = {name}.data", array.data
    rows = mask.reshape(len(mask), -1).any(axis=1)
    text = f"keep = ~np.ma.getmaskarray({name}).reshape(len({name}), -1).any(axis=1); {DROP}"
    return f"{text}; {name} = {name}.data", array[~rows].data
