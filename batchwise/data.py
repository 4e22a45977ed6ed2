"""A prepared data set: its parts, how they are split and scaled, and the two files that hold it."""

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.model_selection import train_test_split

from batchwise.errors import UserError
from batchwise.files import write

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Description:
    """Where a data set comes from and what its labels mean."""

    title: str
    task: Literal["binary_classification", "multiclass_classification"]
    source: str
    licence: str


@dataclass(frozen=True)
class Part:
    """One part of a data set: inputs [N, ...] and labels [N], whole numbers from 0 up."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """A data set as the engine takes it; `validation` has no rows where none are held out."""

    description: Description
    class_names: tuple[str, ...]
    train: Part
    validation: Part
    test: Part

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows of each part."""
        return {name: len(getattr(self, name).labels) for name in SPLITS}

    @property
    def sha256(self) -> str:
        """The checksum of everything that decides a result: task, shapes, types and values of all parts."""
        digest = hashlib.sha256(self.description.task.encode())
        for key, array in _arrays(self).items():
            digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def split(
    inputs: np.ndarray, labels: np.ndarray, *, validation_rows: int, test_rows: int, seed: int
) -> tuple[Part, Part, Part]:
    """Return (train, validation, test), stratified by label, without a row in two of them.

    The test rows depend on `test_rows` and `seed` alone. Raises UserError if the parts do not fit the data.
    """
    classes = len(np.unique(labels))
    for name, rows, least in (("test_rows", test_rows, classes), ("validation_rows", validation_rows, 0)):
        if rows < least or 0 < rows < classes:
            raise UserError(f"{name} is {rows}; with {classes} classes at least {classes} rows are needed")
    if test_rows + validation_rows + classes > len(labels):
        raise UserError(f"test_rows {test_rows} + validation_rows {validation_rows} leave too few of {len(labels)} rows")
    if seed < 0:
        raise UserError(f"seed is {seed}; allowed are whole numbers from 0 up")
    rest, test = train_test_split(np.arange(len(labels)), test_size=test_rows, stratify=labels, random_state=seed)
    train, validation = rest, rest[:0]
    if validation_rows:
        train, validation = train_test_split(
            rest, test_size=validation_rows, stratify=labels[rest], random_state=seed
        )
    return tuple(Part(inputs[rows], labels[rows]) for rows in (train, validation, test))


def standardise(parts: tuple[Part, Part, Part], *, by_column: bool = True) -> tuple[Part, Part, Part]:
    """Return the parts with mean 0 and standard deviation 1 over the training rows, as float32.

    The mean and deviation are of each column (columns that do not vary stay 0), or of all values together.
    """
    axis = 0 if by_column else None
    mean, deviation = parts[0].inputs.mean(axis), parts[0].inputs.std(axis)
    deviation = np.where(deviation > 0, deviation, 1)
    return tuple(
        Part(((part.inputs - mean) / deviation).astype("float32"), part.labels.astype("int32")) for part in parts
    )


def save(data: DataSet, folder: Path, name: str) -> None:
    """Write `<name>.npz` (arrays) and `<name>.json` (the manifest), each whole or not at all."""
    write(folder / f"{name}.npz", lambda file: np.savez(file, **_arrays(data)))
    text = json.dumps(manifest(data), indent=2, ensure_ascii=False) + "\n"
    write(folder / f"{name}.json", lambda file: file.write(text.encode()))


def manifest(data: DataSet) -> dict:
    """Return source, licence, shapes, rows and class counts of each part, and the checksum of the arrays."""
    classes = len(data.class_names)
    return {
        **asdict(data.description),
        "class_names": list(data.class_names),
        "input_shape": list(data.train.inputs.shape[1:]),
        "rows": data.rows,
        "class_counts": {
            name: np.bincount(getattr(data, name).labels, minlength=classes).tolist() for name in SPLITS
        },
        "sha256": data.sha256,
    }


def load(folder: Path, name: str) -> DataSet:
    """Read what `save` wrote. Raises UserError if a file is missing or is not what was written."""
    again = f"run `dvc repro --force preprocess@{name}`"
    try:
        about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            parts = [Part(arrays[f"{split}_inputs"], arrays[f"{split}_labels"]) for split in SPLITS]
        description = Description(**{key: about[key] for key in Description.__annotations__})
        data = DataSet(description, tuple(about["class_names"]), *parts)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; {again}") from None
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{folder / name}.npz or .json is damaged ({error}); {again}") from None
    if data.sha256 != about["sha256"]:
        raise UserError(f"{folder / name}.npz is not the file that its manifest describes; {again}")
    return data


def _arrays(data: DataSet) -> dict[str, np.ndarray]:
    parts = {name: getattr(data, name) for name in SPLITS}
    return {f"{name}_{key}": getattr(part, key) for name, part in parts.items() for key in ("inputs", "labels")}
