"""The two files of a prepared data set: its arrays, and the manifest that says what they are."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common.damaged_archive import DAMAGES
from batchwise.common.errors import UserError
from batchwise.common.files import write, write_bytes
from batchwise.common.repository import rerun_command
from batchwise.data.dataset import SPLITS, STATISTICS, DataSet, Description, Split


def save(data: DataSet, folder: Path, name: str, options: dict[str, Any]) -> None:
    """Write `<name>.npz` (arrays) and `<name>.json` (the manifest), each whole or not at all.

    `options` are those of params.yaml that the data set was prepared with.
    """
    arrays: dict[str, Any] = data.arrays
    write(folder / f"{name}.npz", lambda file: np.savez(file, **arrays))
    text = json.dumps(manifest(data, options), indent=2, ensure_ascii=False) + "\n"
    write_bytes(folder / f"{name}.json", text.encode())


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
    path = folder / f"{name}.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        missing = {"task", "rows", "class_counts", "sha256"} - set(about)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {_again(name)}") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); {_again(name)}") from None
    if missing:
        raise UserError(f"{path} is damaged (it lacks {', '.join(sorted(missing))}); {_again(name)}")
    return about


def _again(name: str) -> str:
    return f"run {rerun_command(f'preprocess@{name}')}"


def options(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the options that a data set was prepared with, or None if there is no readable manifest."""
    try:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["options"]
    except (FileNotFoundError, *DAMAGES):
        return None


def load(folder: Path, name: str) -> DataSet:
    """Read what `save` wrote. Raises UserError if a file is missing or is not what was written."""
    about, again = read(folder, name), _again(name)
    try:
        with (folder / f"{name}.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            train, validation, test = (Split(arrays[f"{name}_inputs"], arrays[f"{name}_labels"]) for name in SPLITS)
            statistics = {key: arrays[key] for key in STATISTICS if key in arrays}
        description = Description(**{key: about[key] for key in Description.__annotations__})
        data = DataSet(
            description, tuple(about["class_names"]), train, validation, test, **statistics, files=about["files"]
        )
    except UserError as error:
        raise UserError(f"{folder / name}.json: {error}; {again}") from None
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; {again}") from None
    except DAMAGES as error:
        raise UserError(f"{folder / name}.npz or .json is damaged ({error}); {again}") from None
    if data.sha256 != about["sha256"]:
        raise UserError(f"{folder / name}.npz is not the file that its manifest describes; {again}")
    return data
