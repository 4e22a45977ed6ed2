"""Where files of the user's are: relative to the folder of params.yaml, and never where the pipeline writes."""

import os
import unicodedata
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator

from batchwise.common.messages import cut, shown

MADE = ("data", "reports", ".dvc", ".git", "dvc.lock", "dvc.yaml")  # in this folder, by DVC or by a stage


def _local(path: str) -> str:
    """Return a path in its simplest form. Raises ValueError for one that DVC cannot watch on each machine."""
    plain = str(PurePath(path))
    if not path.strip() or not is_line(path):
        raise ValueError(f"{shown(path)} is no path; give that of a file or folder, in one line of text")
    if "://" in path:
        raise ValueError(f"{_quoted(path)} is an address; copy the file here, and give its path")
    if os.path.isabs(path):
        raise ValueError(f"{_quoted(path)} is no path from here, as it must be; write {_quoted(os.path.relpath(path))}")
    if os.path.normpath(path) != plain:
        raise ValueError(f"{_quoted(path)} has .. in its midst; write {_quoted(os.path.normpath(path))}")
    found = PurePath(os.path.relpath(os.path.realpath(path))).parts
    if not {*found} - {".."}:  # this folder, or one that it is in
        raise ValueError(f"{_quoted(path)} has the whole project in it; put the files into a folder of their own")
    if found[0] in MADE:
        raise ValueError(f"{_quoted(path)} is in {found[0]}, which is made here; put the file elsewhere")
    return plain


def is_line(path: str) -> bool:
    """Return whether a path is text without control characters: what DVC, JSON and a sentence can hold."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)


def _quoted(path: str) -> str:
    return cut(repr(path), 200)


FilePath = Annotated[str, AfterValidator(_local)]
