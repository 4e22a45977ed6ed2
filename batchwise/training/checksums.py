"""Checksums of what training computed, small enough for git: a clone without the run files of others knows its own.

A run file also holds the checksums of the code, so that it changes with an edit that changes no bit; these do not.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.training import run_files
from batchwise.training.run_result import RunResult

DIGITS = 16  # of each SHA-256, in hexadecimal: by chance, two of 2**64 are equal


def of_files(folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return the checksums of the run files `names` of a study and, once, the data and the environment they name.

    Raises ValueError, which names the file, if one is damaged.
    """
    inputs: dict[str, Any] = {}

    def results() -> Iterator[tuple[str, RunResult]]:
        for name in names:
            file = run_files.load(folder, name)
            inputs.update(file.inputs)
            yield name, file.result

    found = of_results(results())
    return {"data": inputs.get("data"), "environment": inputs.get("environment"), **found}


def of_results(results: Iterable[tuple[str, RunResult]]) -> dict[str, Any]:
    """Return a checksum of each of the named results of a study, and of each epoch and each tensor of all of them.

    That of a run covers its status, evaluations and weights. Those of an epoch (0 is before the first update) and of a
    tensor say where results differ of which nothing else is known.
    """
    sums: dict[str, dict[str, Any]] = {kind: defaultdict(hashlib.sha256) for kind in ("runs", "epochs", "tensors")}
    for name, result in results:
        parts = [("epochs", str(epoch), content) for epoch, content in enumerate(_evaluations(result))]
        parts += [("tensors", tensor, _content(tensor, values)) for tensor, values in result.weights.items()]
        sums["runs"][name].update(result.status.encode())
        for kind, part, content in parts:
            sums["runs"][name].update(content)
            sums[kind][part].update(name.encode() + content)
    return {kind: {name: sha256.hexdigest()[:DIGITS] for name, sha256 in of.items()} for kind, of in sums.items()}


def _evaluations(result: RunResult) -> list[bytes]:
    return [
        b"".join(_content(name, values[epoch]) for name, values in result.metrics.items())
        for epoch in range(result.evaluations)
    ]


def _content(name: str, values: np.ndarray) -> bytes:
    return f"{name} {values.dtype.str} {values.shape} ".encode() + values.tobytes()
