"""An error that a plug-in raises, in a sentence: what it says in its first line, and where in the plug-in."""

import re
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.common.plugins import KINDS
from batchwise.common.repository import ROOT

# Lines in these say nothing to the author of a plug-in.
LIBRARIES = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
INNARDS = re.compile(r"\{\{function_node [^}]*\}\} ?| ?\[Op:\w+\].*")  # which TensorFlow adds to what it says
LENGTH = 200  # of what an error says


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn any error of a plug-in, and its exit, into a UserError that begins with `what`, unless it is a sentence."""
    try:
        yield
    except BaseException as error:  # sys.exit() among them
        if isinstance(error, KeyboardInterrupt) or _is_sentence(error):
            raise
        raise UserError(f"{what}: {sentence(error)}") from None


def sentence(error: BaseException) -> str:
    """Return the first line of an error and, where it is known, the line of the plug-in that raised it."""
    where = place(error)
    return f"{first_line(error)} (at {where})" if where else first_line(error)


def first_line(error: BaseException) -> str:
    """Return what an error says in its first line, with the name of its class where that says more."""
    if isinstance(error, SystemExit):
        return f"it ended the process, by sys.exit({_short(repr(error.code))})"
    return str(error) if _is_sentence(error) else _first_line(_inner(error))


def _is_sentence(error: BaseException) -> bool:
    """Return whether an error is one for people, in one line, which is told as it is."""
    return isinstance(error, UserError) and len(str(error).splitlines()) == 1


def place(error: BaseException) -> str | None:
    """Return the file and the line of the plug-in that raised an error, or None if that cannot be told."""
    return _place(_inner(error)) or _place(error)


def _inner(error: BaseException) -> BaseException:
    """Return the error that others wrap in paragraphs which quote it, as Keras does."""
    wrapped = error.__cause__ or error.__context__
    text = _text(error)
    if wrapped is not None and "\n" in text and (_text(wrapped) or "\n") in text:
        return _inner(wrapped)
    return error


def _first_line(error: BaseException) -> str:
    """Return what an error says; the name of its class too unless it is a ValueError, which speaks for itself."""
    lines = [line for line in INNARDS.sub("", COLOURS.sub("", _text(error))).splitlines() if line.strip()]
    said = _short(lines[0]) if lines else ""
    if type(error) is ValueError and said:
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _short(text: str) -> str:
    """Return the beginning of a text, in a line; textwrap.shorten leaves nothing of a long word."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LENGTH else f"{line[: LENGTH - 1]}…"


def _text(error: BaseException) -> str:
    try:
        return error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # of its own __str__
        return ""


def _place(error: BaseException) -> str | None:
    """Return the last line of a plug-in, or of what it imports from the user, on an error's way."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    for file, line in reversed(places):
        if _is_users(file):
            path = Path(file).resolve()
            return f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}, line {line}"
    return None


def _is_users(file: str) -> bool:
    path = Path(file).resolve()
    if file.startswith("<") or any(path.is_relative_to(folder) for folder in LIBRARIES):
        return False
    inside = path.relative_to(ROOT / "batchwise").parts if path.is_relative_to(ROOT / "batchwise") else None
    return inside is None or inside[0] in KINDS
