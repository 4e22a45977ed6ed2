"""How the plug-in of a data set is called, and what is said of it: one sentence where it is wrong, or may be."""

import hashlib
import os
import random
import warnings as python_warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from copy import deepcopy
from dataclasses import fields
from itertools import combinations
from typing import Any
from unittest import mock

import numpy as np

from batchwise.common import plugin_errors, plugins
from batchwise.common.errors import UserError
from batchwise.config import data_set_entries
from batchwise.data import boxes, large_arrays, reads, refusals
from batchwise.data.conversions import type_name
from batchwise.data.dataset import SPLITS, DataSet
from batchwise.data.large_arrays import chunks
from batchwise.data.local_files import LocalFile


def prepare(name: str, entry: dict[str, Any], given: Mapping[str, LocalFile] = {}) -> DataSet:
    """Return the data set that an entry of `data_sets` asks for, with what it was made from.

    `given` are {option: file} of the options that are files. Raises UserError, with the file and line of the plug-in,
    for one that is wrong or reads other files, and if a file is another than it was.
    """
    plugin_name = data_set_entries.plugin(name, entry)
    try:
        with large_arrays.streamed(data_set_entries.is_streamed(entry)):
            data = _prepared(plugin_name, data_set_entries.options(entry), given)
        if not isinstance(data, DataSet):
            todo = refusals.of_data_set(data)
            raise UserError(f"prepare() returned {type_name(data)}; a DataSet is expected{todo}")
        # Checked as it is now: arrays may have been changed in place since it was made.
        made = DataSet(**{part.name: getattr(data, part.name) for part in fields(DataSet)} | _files(data, given))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() among them: what is not caught here is a traceback, or silence
        _check_unchanged(given)  # half of a file may be the reason
        where = plugin_errors.place(error) or plugins.file("datasets", plugin_name)
        raise UserError(f"data set {name} ({where}): {plugin_errors.first_line(error)}") from None
    _check_unchanged(given)
    return made


def _prepared(plugin_name: str, options: dict[str, Any], given: Mapping[str, LocalFile]) -> Any:
    """Return what a plug-in returns, whatever that is."""
    paths = {option: file.path for option, file in given.items()}
    with _as_it_was(), reads.watched(paths.values()):
        _seed()
        plugin = plugins.load("datasets", plugin_name)
        _seed()  # again, for an import that others have made already draws nothing
        return plugin.prepare(**deepcopy(options) | paths)


def _files(data: DataSet, given: Mapping[str, LocalFile]) -> dict[str, Any]:
    """Return the field `files` of a data set, with the files that were given; what is no mapping is as it was."""
    sums = {file.label: file.sha256 for file in given.values()}
    return {"files": data.files | sums if isinstance(data.files, dict) else data.files}


def _check_unchanged(given: Mapping[str, LocalFile]) -> None:
    for file in given.values():
        file.check_unchanged()


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
    """Return a sentence for all that may be meant, but is seldom: classes without training rows, rows in two parts.

    And for what was mended, or left out.
    """
    return [*data.notes, *_without_rows(data), *_in_two_parts(data)]


def _without_rows(data: DataSet) -> Iterator[str]:
    if data.task.labels.kind == "classes":
        counts = np.bincount(data.train.labels, minlength=len(data.class_names))
    elif data.task.labels.are_boxes:
        counts = np.array(boxes.of_classes(data.train.labels, len(data.class_names)))
    else:
        return
    missing = [name for name, count in zip(data.class_names, counts, strict=True) if not count]
    if missing:
        some = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
        yield (
            f"{len(missing)} of {len(data.class_names)} classes have no training row ({some}): no run can learn them"
        )


def _in_two_parts(data: DataSet) -> Iterator[str]:
    hashed = {name: _hashes(getattr(data, name).inputs) for name in SPLITS}
    for one, other in combinations(SPLITS, 2):
        if shared := int(np.isin(hashed[other], hashed[one]).sum()):
            same = f"{shared} of {len(hashed[other])} {other} rows have the inputs of a row of {one}"
            yield f"{same}: what is known of them is no measure of new rows"


def _hashes(inputs: Any) -> np.ndarray:
    """Return a number for each row, [N] uint64: the same of equal rows, and of others once in 10¹⁹ pairs."""
    hashes = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for some in chunks(inputs) for row in some)
    return np.frombuffer(b"".join(hashes), "uint64")
