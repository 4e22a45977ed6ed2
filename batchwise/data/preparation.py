"""How the plug-in of a data set is called, and what is said of it: one sentence where it is wrong, or may be."""

import hashlib
import os
import random
import warnings as python_warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from copy import deepcopy
from dataclasses import fields
from itertools import combinations
from typing import Any
from unittest import mock

import numpy as np

from batchwise.common import plugin_errors, plugins
from batchwise.common.errors import UserError
from batchwise.data.conversions import type_name
from batchwise.data.dataset import SPLITS, DataSet


def prepare(name: str, options: dict[str, Any]) -> DataSet:
    """Return the data set that a plug-in prepares. Raises UserError, with its file and line, for one that is wrong."""
    try:
        with _as_it_was():
            _seed()
            plugin = plugins.load("datasets", name)
            _seed()  # again, for an import that others have made already draws nothing
            data = plugin.prepare(**deepcopy(options))
        if not isinstance(data, DataSet):
            raise UserError(f"prepare() returned {type_name(data)}; a DataSet is expected")
        # Checked as it is now: arrays may have been changed in place since it was made.
        return DataSet(**{part.name: getattr(data, part.name) for part in fields(DataSet)})
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() among them: what is not caught here is a traceback, or silence
        where = plugin_errors.place(error) or plugins.file("datasets", name)
        raise UserError(f"data set {name} ({where}): {plugin_errors.first_line(error)}") from None


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Let a plug-in leave nothing behind for the next one, or for what is written."""
    seeded = mock.patch.object(np.random, "default_rng", _default_rng)
    with chdir("."), mock.patch.dict(os.environ), np.errstate(), python_warnings.catch_warnings(), seeded:
        yield


def _seed() -> None:
    """Let a plug-in draw the same numbers each time, as scikit-learn does for one that gives it no random_state."""
    random.seed(0)
    np.random.seed(0)


def _default_rng(seed: Any = None, *, default_rng: Callable[[Any], Any] = np.random.default_rng) -> Any:
    """Return what NumPy does, but without a seed the same each time."""
    return default_rng(0 if seed is None else seed)


def warnings(data: DataSet) -> list[str]:
    """Return a sentence for all that may be meant, but is seldom: classes without training rows, rows in two parts."""
    return [*_without_rows(data), *_in_two_parts(data)]


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
