"""How the plug-in of a data set is called, and what is said of it: one sentence where it is wrong, or may be."""

import hashlib
import traceback
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.data.conversions import type_name
from batchwise.data.dataset import SPLITS, DataSet


def prepare(name: str, options: dict[str, Any]) -> DataSet:
    """Return the data set that a plug-in prepares. Raises UserError, with its file and line, for one that is wrong."""
    try:
        data = plugins.load("datasets", name).prepare(**options)
        if not isinstance(data, DataSet):
            raise UserError(f"prepare() returned {type_name(data)}; a DataSet is expected")
        return data
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() among them: what is not caught here is a traceback, or silence
        raise UserError(f"data set {name} ({_place(name, error)}): {_said(error)}") from None


def warnings(data: DataSet) -> list[str]:
    """Return a sentence for all that may be meant, but is seldom: classes without training rows, rows in two parts."""
    return [*_without_rows(data), *_in_two_parts(data)]


def _place(name: str, error: BaseException) -> str:
    """Return the file of a plug-in, with the line where it went wrong if that can be told."""
    file = plugins.file("datasets", name)
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    lines = [line for path, line in places if Path(path).resolve() == ROOT / file and line]
    return f"{file}, line {lines[-1]}" if lines else file


def _said(error: BaseException) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"it ended the process, by sys.exit({error.code!r}); it must return a DataSet"
    said = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    hint = "; install it, or mend the import" if isinstance(error, ModuleNotFoundError) else ""
    return f"{type(error).__name__}{f': {said[:300]}' if said else ''}{hint}"


def _without_rows(data: DataSet) -> Iterator[str]:
    counts = np.bincount(data.train.labels, minlength=len(data.class_names))
    missing = [name for name, count in zip(data.class_names, counts, strict=True) if not count]
    if missing:
        some = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
        yield (
            f"{len(missing)} of {len(data.class_names)} classes have no training row ({some}): no run can learn them"
        )


def _in_two_parts(data: DataSet) -> Iterator[str]:
    hashed = {name: _hashes(getattr(data, name).inputs) for name in SPLITS}
    for one, other in combinations(SPLITS, 2):
        known = set(hashed[one])
        if shared := sum(row in known for row in hashed[other]):
            same = f"{shared} of {len(hashed[other])} {other} rows have the inputs of a row of {one}"
            yield f"{same}: what is known of them is no measure of new rows"


def _hashes(inputs: np.ndarray) -> list[bytes]:
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in inputs]
