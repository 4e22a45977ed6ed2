"""Prepared data sets on disk: the arrays of each, a manifest that says what they are, and one of each study's part.

`data/prepared/<data set>.npz` and `.json`, and `data/prepared/studies/<study>.json`; each holds its own checksum.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common import files, plugins, sealed, source_closure
from batchwise.common.errors import UserError
from batchwise.common.files import write, write_bytes
from batchwise.common.repository import rerun_command
from batchwise.data.dataset import SPLITS, STATISTICS, DataSet, Description, Split

STUDIES = "studies"  # the folder of what studies train on


def save(data: DataSet, folder: Path, name: str, options: dict[str, Any], code: Mapping[str, str] = {}) -> None:
    """Write `<name>.npz` (arrays) and `<name>.json` (the manifest), each whole or not at all.

    `options` are those of params.yaml that the data set was prepared with, `code` is that of the plug-in (`code_of`).
    """
    write(folder / f"{name}.npz", lambda file: sealed.archive(file, data.arrays))
    write_bytes(folder / f"{name}.json", sealed.as_json({**manifest(data, options), "code": code}))


def save_part(part: DataSet, folder: Path, study: str, options: dict[str, Any], asked: dict[str, Any]) -> None:
    """Write the manifest of what a study trains on; `asked` is the data set and the subset that it names."""
    write_bytes(folder / STUDIES / f"{study}.json", sealed.as_json({**manifest(part, options), "asked": asked}))


def remove_others(folder: Path, data_sets: Collection[str], studies: Collection[str]) -> None:
    """Remove the files of data sets and studies that are gone."""
    for path in (*folder.glob("*.npz"), *folder.glob("*.json")):
        if path.stem not in data_sets:
            path.unlink()
    for path in (folder / STUDIES).glob("*.json"):
        if path.stem not in studies:
            path.unlink()


def code_of(name: str) -> dict[str, str]:
    """Return {file: SHA-256} of the source that prepares a data set."""
    return source_closure.hashes(source_closure.closure(plugins.file("datasets", name)))


def manifest(data: DataSet, options: dict[str, Any]) -> dict[str, Any]:
    """Return source, licence, files read, shape, rows and class counts of each part, and the checksum of the arrays."""
    classes = len(data.class_names)
    return {
        **asdict(data.description),
        "files": data.files,
        "options": options,
        "class_names": list(data.class_names),
        "input_shape": list(data.train.inputs.shape[1:]),
        "rows": data.rows,
        "class_counts": {name: np.bincount(getattr(data, name).labels, minlength=classes).tolist() for name in SPLITS},
        "sha256": data.sha256,
    }


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return the manifest of a prepared data set. Raises UserError if it is missing or damaged."""
    return _read(folder / f"{name}.json")


def read_part(folder: Path, study: str) -> dict[str, Any]:
    """Return the manifest of what a study trains on. Raises UserError if it is missing or damaged."""
    return _read(folder / STUDIES / f"{study}.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        return sealed.from_json(files.read(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {_again()}") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); {_again()}") from None


def _again() -> str:
    return f"run {rerun_command('preprocess')}"


def kept(folder: Path, name: str, options: dict[str, Any]) -> DataSet | None:
    """Return a data set that was prepared with these options and today's code, if its files are there and whole."""
    try:
        return load(folder, name) if is_current(read(folder, name), name, options) else None
    except UserError:
        return None


def is_current(about: dict[str, Any], name: str, options: dict[str, Any]) -> bool:
    """Return whether the manifest of a data set is of these options and of today's code."""
    return (about["options"], about["code"]) == (options, code_of(name))


def load(folder: Path, name: str) -> DataSet:
    """Read what `save` wrote. Raises UserError if a file is missing or is not what was written."""
    about, path = read(folder, name), folder / f"{name}.npz"
    try:
        with files.opened(path) as file:
            sealed.check_archive(file)
            with np.load(file, allow_pickle=False) as arrays:
                data = _data_set(about, arrays)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {_again()}") from None
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); {_again()}") from None
    if data.sha256 != about["sha256"]:
        raise UserError(f"{path} is not the file that its manifest describes; {_again()}")
    return data


def _data_set(about: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> DataSet:
    train, validation, test = (Split(arrays[f"{name}_inputs"], arrays[f"{name}_labels"]) for name in SPLITS)
    statistics = {key: arrays[key] for key in STATISTICS if key in arrays}
    description = Description(**{key: about[key] for key in Description.__annotations__})
    return DataSet(
        description, tuple(about["class_names"]), train, validation, test, **statistics, files=about["files"]
    )
