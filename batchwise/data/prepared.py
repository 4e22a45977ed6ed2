"""Prepared data sets on disk: the arrays of each, a manifest that says what they are, and one of each study's part.

`data/prepared/<data set>.npz` and `.json`, and `data/prepared/studies/<study>.json`; each holds its own checksum. The
vocabulary of texts is a table, `<data set>.vocabulary.csv`. Of a data set that is streamed, `data/prepared/<data set>/`
has the rows, in files of which the manifest has the checksums.
"""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common import files, plugins, sealed, source_closure
from batchwise.common.errors import UserError
from batchwise.common.files import naming, write, write_bytes
from batchwise.common.repository import rerun_command
from batchwise.config import data_set_entries
from batchwise.data import boxes, folds, shown_objects, stored_arrays, task, texts
from batchwise.data.dataset import ROW_VALUES, SPLITS, STATISTICS, DataSet, Description, Split
from batchwise.data.local_files import LocalFile
from batchwise.data.metric import Metric
from batchwise.data.task import Task

PREPARATION = "batchwise/data/preparation.py"  # which calls the plug-in
STUDIES = "studies"  # the folder of what studies train on
VOCABULARY = ".vocabulary.csv"


def save(data: DataSet, folder: Path, name: str, options: dict[str, Any], code: Mapping[str, str] = {}) -> None:
    """Write `<name>.npz` (arrays) and `<name>.json` (the manifest), each whole or not at all.

    Of a data set that is streamed, what may not fit into memory is in the folder `<name>` (stored_arrays.py).
    `options` are those of params.yaml that the data set was prepared with, `code` is that of the plug-in (`code_of`).
    """
    large = _large(data) if data_set_entries.is_streamed(options) else {}
    shards = _save_shards(folder, name, large)
    small = {key: array for key, array in data.arrays.items() if key not in large}
    write(folder / f"{name}.npz", lambda file: sealed.archive(file, small))
    if data.texts:
        write_bytes(folder / f"{name}{VOCABULARY}", texts.as_csv(data.texts))
    about = {**manifest(data, options), "code": code, **({"shards": shards} if shards else {})}
    write_bytes(folder / f"{name}.json", sealed.as_json(about))


def _large(data: DataSet) -> dict[str, Any]:
    """Return the inputs, and labels that are as large as they are."""
    ends = ("_inputs", "_labels") if data.task.labels.are_tokens else ("_inputs",)
    return {name: array for name, array in data.arrays.items() if name.endswith(ends)}


def _save_shards(folder: Path, name: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Make `<name>` the folder of arrays, whole or not at all, and return what reads it; without any there is none."""
    new, place = folder / f".{name}.new", folder / name
    shutil.rmtree(new, ignore_errors=True)
    try:
        with naming(new):
            new.mkdir(parents=True)
            about = stored_arrays.write(new, arrays, _sum_of)
        shutil.rmtree(place, ignore_errors=True)
        if arrays:
            new.rename(place)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return about


def _sum_of(path: Path) -> str:
    with files.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_part(
    part: DataSet,
    folder: Path,
    study: str,
    options: dict[str, Any],
    asked: dict[str, Any],
    weights: LocalFile | None = None,
) -> None:
    """Write the manifest of what a study trains on, with the metrics of its task there; with folds, seed 0 of it.

    `asked` is what it names of its data: the data set, the subset, the task, the weights and the folds; `weights` is
    the file from which its seeds start.
    """
    options_of_task = {name: value for name, value in (asked.get("task") or {}).items() if name != "name"}
    of_task = task.load(part.description.task, options_of_task)
    facts: dict[str, Any] = {"metrics": [asdict(metric) for metric in metrics_on(of_task, part)], "asked": asked}
    if part.folds:
        facts |= {"sha256": part.sha256, "folds": folds.facts(part)}
    if part.task.labels.are_boxes and not part.folds:
        facts["objects"] = shown_objects.facts(part)
    if weights:
        facts["weights"] = {**asdict(weights), "path": str(weights.path)}
    write_bytes(
        folder / STUDIES / f"{study}.json", sealed.as_json({**manifest(folds.of_seed(part, 0), options), **facts})
    )


def metrics_on(of_task: Task, data: DataSet) -> list[Metric]:
    """Return the metrics of a task that a study can choose by, on its training rows; with folds, on all rows."""
    training = folds.joined(data) if data.folds else data.train
    scale = of_task.labels.scale(training.labels)
    labels = of_task.labels.inside(training.labels, scale)
    return [metric.on(labels, scale, data.description.unit) for metric in of_task.metrics if not metric.by_class]


def remove_others(folder: Path, data_sets: Collection[str], studies: Collection[str]) -> None:
    """Remove the files of data sets and studies that are gone."""
    for path in (*folder.glob("*.npz"), *folder.glob("*.json"), *folder.glob(f"*{VOCABULARY}")):
        if path.name.partition(".")[0] not in data_sets:
            path.unlink()
    for path in folder.glob("*/"):
        if path.name not in (*data_sets, STUDIES):
            shutil.rmtree(path)
    for path in (folder / STUDIES).glob("*.json"):
        if path.stem not in studies:
            path.unlink()


def code_of(plugin: str) -> dict[str, str]:
    """Return {file: SHA-256} of the source that prepares a data set."""
    return source_closure.hashes(source_closure.closure(plugins.file("datasets", plugin), PREPARATION))


def manifest(data: DataSet, options: dict[str, Any]) -> dict[str, Any]:
    """Return source, licence, files read, shape, rows and class counts of each part, and the checksum of the arrays."""
    return {
        **asdict(data.description),
        "files": data.files,
        "options": options,
        "labels": data.task.labels.kind,
        "class_names": list(data.class_names),
        "target_range": _range(data),
        "input_shape": list(data.train.inputs.shape[1:]),
        "rows": data.rows,
        **({"texts": data.texts.facts} if data.texts else {}),
        **({"notes": list(data.notes)} if data.notes else {}),
        "class_counts": {name: class_counts(data, getattr(data, name).labels) for name in SPLITS},
        "sha256": data.sha256,
    }


def _range(data: DataSet) -> list[float]:
    """Return the lowest and the highest training label that is a number or a count; nothing for others."""
    numbers = data.task.labels.kind in ("numbers", "counts")
    return [float(data.train.labels.min()), float(data.train.labels.max())] if numbers else []


def class_counts(data: DataSet, labels: np.ndarray) -> list[int]:
    """Return how many rows, or objects, have each class, or each flag; nothing where labels are numbers."""
    kind, classes = data.task.labels.kind, len(data.class_names)
    if kind == "boxes":
        return boxes.of_classes(labels, classes)
    if kind == "classes":
        return np.bincount(labels, minlength=classes).tolist()
    return labels.sum(axis=0, dtype="int64").tolist() if kind == "flags" else []


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return the manifest of a prepared data set. Raises UserError if it is missing or damaged."""
    return _read(folder / f"{name}.json")


def names(folder: Path, name: str) -> list[str]:
    """Return the names of the files of a prepared data set in its folder. Raises UserError as `read` does."""
    about = read(folder, name)
    vocabulary = [f"{name}{VOCABULARY}"] if "texts" in about else []
    shards = [path.as_posix() for path, _ in _shards(about, Path(name))]
    return [f"{name}.json", f"{name}.npz", *vocabulary, *shards]


def read_part(folder: Path, study: str) -> dict[str, Any]:
    """Return the manifest of what a study trains on. Raises UserError if it is missing or damaged."""
    return _read(folder / STUDIES / f"{study}.json")


def weights_of(about: dict[str, Any]) -> LocalFile | None:
    """Return the file from which the seeds of a study start, as preprocess saw it, of its manifest; None without."""
    given = about.get("weights")
    return LocalFile(given["name"], Path(given["path"]), given["sha256"]) if given else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return sealed.from_json(files.read(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {_again()}") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); {_again()}") from None


def _again() -> str:
    return f"run {rerun_command('preprocess')}"


def kept(
    folder: Path, name: str, options: dict[str, Any], plugin: str = "", files: Mapping[str, str] = {}
) -> DataSet | None:
    """Return a data set that is current, as is_current says, if its files are there and whole.

    `plugin` is the plug-in that prepares it, if that has another name.
    """
    try:
        return load(folder, name) if is_current(read(folder, name), plugin or name, options, files) else None
    except UserError:
        return None


def is_current(about: dict[str, Any], plugin: str, options: dict[str, Any], files: Mapping[str, str] = {}) -> bool:
    """Return whether the manifest of a data set is of these options, of today's code and of these {file: SHA-256}."""
    return (about["options"], about["code"]) == (options, code_of(plugin)) and files.items() <= about["files"].items()


def load(folder: Path, name: str) -> DataSet:
    """Read what `save` wrote. Raises UserError if a file is missing or is not what was written."""
    about, path = read(folder, name), folder / f"{name}.npz"
    try:
        with files.opened(path) as file:
            sealed.check_archive(file)
            with np.load(file, allow_pickle=False) as arrays:
                everything = {**arrays, **stored_arrays.read(folder / name, about.get("shards", {}))}
                data = _data_set(about, everything, _texts(about, folder / f"{name}{VOCABULARY}"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {_again()}") from None
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); {_again()}") from None
    _check_sum(data, about, folder / name, path)
    return data


def _texts(about: dict[str, Any], path: Path) -> texts.Texts | None:
    """Return what is known of texts, with the vocabulary of a file; None for other data."""
    try:
        return texts.from_csv(files.read(path), about["texts"]) if "texts" in about else None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {_again()}") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); {_again()}") from None


def _check_sum(data: DataSet, about: dict[str, Any], shards: Path, archive: Path) -> None:
    """Raise UserError if the arrays of a data set are not those of its manifest."""
    try:
        if data.sha256 == about["sha256"]:
            return
        damaged = next(path for path, sha256 in _shards(about, shards) if _sum_of(path) != sha256)
    except StopIteration:
        damaged = archive
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); {_again()}") from None
    except ValueError as error:
        raise UserError(f"{shards} is damaged ({error}); {_again()}") from None
    raise UserError(f"{damaged} is not the file that its manifest describes; {_again()}")


def _shards(about: dict[str, Any], folder: Path) -> Iterator[tuple[Path, str]]:
    for array in about.get("shards", {}).values():
        for name, sha256 in array["files"].items():
            yield folder / name, sha256


def _data_set(about: dict[str, Any], arrays: Mapping[str, Any], of_texts: texts.Texts | None) -> DataSet:
    train, validation, test = (_split(arrays, name) for name in SPLITS)
    statistics: dict[str, Any] = {key: arrays[key] for key in STATISTICS if key in arrays}
    description = Description(**{key: about[key] for key in Description.__annotations__})
    statistics |= {"files": about["files"], "texts": of_texts, "notes": tuple(about.get("notes", ()))}
    return DataSet(description, tuple(about["class_names"]), train, validation, test, **statistics)


def _split(arrays: Mapping[str, Any], name: str) -> Split:
    values = {key: arrays.get(f"{name}_{key}") for key in ROW_VALUES}
    return Split(arrays[f"{name}_inputs"], arrays[f"{name}_labels"], **values)
