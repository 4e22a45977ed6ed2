"""Checksums of what training computed, small enough for git: a clone without the run files of others knows its own.

A run file also holds the checksums of the code, so that it changes with an edit that changes no bit; these do not.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.training import run_files
from batchwise.training.run_files import RunFile
from batchwise.training.run_result import RunResult

DIGITS = 16  # of each SHA-256, in hexadecimal: by chance, two of 2**64 are equal


class Checksums:
    """A checksum of each run of a study, and of each epoch and each tensor of all of them, while their files are read.

    That of a run covers its status, evaluations and weights. Those of an epoch (0 is before the first update) and of a
    tensor say where results differ of which nothing else is known.
    """

    def __init__(self) -> None:
        self.sums: dict[str, dict[str, Any]] = {
            kind: defaultdict(hashlib.sha256) for kind in ("runs", "epochs", "tensors")
        }
        self.inputs: dict[str, Any] = {}  # of the last one: the data and the environment are those of all

    def add(self, name: str, file: RunFile) -> None:
        """Add a run, whose file was read with its weights."""
        self.inputs = file.shared
        parts = [("epochs", str(epoch), content) for epoch, content in enumerate(_evaluations(file.result))]
        parts += [("tensors", tensor, _content(tensor, values)) for tensor, values in file.result.weights.items()]
        whole = b"".join([file.result.status.encode(), *(content for _, _, content in parts)])
        self.sums["runs"][name].update(whole)
        for kind, part, content in parts:
            self.sums[kind][part].update(name.encode() + content)

    def as_facts(self) -> dict[str, Any]:
        """Return {runs, epochs, tensors: {name: checksum}} with the data and the environment that the files name."""
        facts = {name: self.inputs.get(name) for name in ("data", "environment")}
        sums = {kind: {name: sum.hexdigest()[:DIGITS] for name, sum in of.items()} for kind, of in self.sums.items()}
        return facts | sums


def of_files(folders: Mapping[str, Path]) -> dict[str, Any]:
    """Return the checksums of run files, {name: its folder}. Raises ValueError, which names a damaged one."""
    sums = Checksums()
    for folder, names in groupby(folders, folders.__getitem__):
        for name, file in run_files.load_all(folder, names):
            sums.add(name, file)
    return sums.as_facts()


def _evaluations(result: RunResult) -> list[bytes]:
    """Return the content of each evaluation: of a row of each metric."""
    columns = [_rows(name, values) for name, values in result.metrics.items()]
    return [b"".join(row) for row in zip(*columns, strict=True)]


def _rows(name: str, values: np.ndarray) -> list[bytes]:
    about, content = _about(name, values.dtype, values.shape[1:]), values.tobytes()
    size = len(content) // max(1, len(values))
    return [about + content[row * size : (row + 1) * size] for row in range(len(values))]


def _content(name: str, values: np.ndarray) -> bytes:
    return _about(name, values.dtype, values.shape) + values.tobytes()


@cache
def _about(name: str, dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    return f"{name} {dtype.str} {shape} ".encode()
