"""A data set as the engine takes it."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import (
    conversions,
    input_checks,
    label_checks,
    large_arrays,
    refusals,
    task,
    token_checks,
    weight_checks,
)
from batchwise.data.stored_arrays import StoredArray
from batchwise.data.task import Task
from batchwise.data.texts import Texts

SPLITS = ("train", "validation", "test")
STATISTICS = ("mean", "std")
ROW_VALUES = ("weights", "groups", "order")  # of a part, beside inputs and labels; None where there are none


@dataclass(frozen=True)
class Description:
    """Where a data set comes from and what its labels mean. Raises UserError for a task that is no plug-in."""

    title: str
    task: str  # batchwise/tasks/<task>.py
    source: str
    licence: str
    unit: str = ""  # of labels that are numbers or counts: `mg/l`

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not conversions.is_text(value):
                raise UserError(f"{name} is {conversions.type_name(value)}, {value!r}; a text is expected")
        plugins.check("tasks", self.task)


@dataclass(frozen=True)
class Split:
    """One part of a data set: inputs [N, …], and labels [N, …] as the task has them.

    Of a data set that is streamed, inputs are a StoredArray, and so are labels that are texts.
    """

    inputs: np.ndarray
    labels: np.ndarray
    # [N], how much a row counts in training, on any scale; None: all the same
    weights: np.ndarray | None = field(default=None, kw_only=True)
    # [N] whole numbers: rows of one group stay together when rows are dealt to folds; the same numbers in all parts
    groups: np.ndarray | None = field(default=None, kw_only=True)
    # [N] whole numbers: when a row was, where the parts are one after the other in time
    order: np.ndarray | None = field(default=None, kw_only=True)

    def take(self, rows: np.ndarray) -> "Split":
        """Return some rows."""
        values = {name: None if (of := getattr(self, name)) is None else of[rows] for name in ROW_VALUES}
        return Split(_taken(self.inputs, rows), _taken(self.labels, rows), **values)


def _taken(array: Any, rows: np.ndarray) -> Any:
    return array.take(rows) if isinstance(array, StoredArray) else large_arrays.take(array, rows)


@dataclass(frozen=True)
class Folds:
    """Which rows each seed tests on, and how its inputs are scaled (folds.py, rescaling.py)."""

    of_rows: np.ndarray  # [rows of all parts, one after the other], the fold of each, from 0; −1: always trained on
    spreads: np.ndarray  # [columns] float64, of rescaling.spreads

    @property
    def count(self) -> int:
        """The number of folds."""
        return int(self.of_rows.max()) + 1

    @property
    def rows(self) -> dict[str, int]:
        """The rows of each part, which are as many for each seed; with two folds there are none to choose by."""
        sizes = np.bincount(self.of_rows[self.of_rows >= 0])
        apart = sizes + np.roll(sizes, -1) if self.count > 2 else sizes
        least = int(sizes.min())
        validation = least if self.count > 2 else 0
        return {"train": len(self.of_rows) - int(apart.max()), "validation": validation, "test": least}


@dataclass(frozen=True)
class DataSet:
    """A data set as the engine takes it; `validation` has no rows where none are held out.

    Raises UserError, in one sentence, for one that is wrong: labels without a class, inputs that are not finite, …

    Images are uint8 [N, height, width, channels], four times smaller than the numbers that a model takes, which are
    (x − mean) / std. Texts are ids of tokens, int32 [N, T]. Other inputs are scaled already, and have no `mean` and
    `std`.
    """

    description: Description
    class_names: tuple[str, ...]  # of classes, flags or tokens; none where labels are numbers
    train: Split
    validation: Split
    test: Split
    mean: np.ndarray | None = None  # [channels] float32, of the training images
    std: np.ndarray | None = None  # [channels] float32, more than 0
    files: dict[str, str] = field(default_factory=dict)  # {archive: SHA-256 of the bytes that were read}
    folds: Folds | None = None  # of a study that has some: each seed has rows of its own, `folds.of_seed`
    texts: Texts | None = None  # of a data set of texts: what its ids mean
    notes: tuple[str, ...] = ()  # what was mended, or left out, of what its files hold: a sentence each

    def __post_init__(self) -> None:
        self._check_fields()
        kind = self.task.labels.kind
        parts = {name: getattr(self, name) for name in SPLITS}
        for name, part in parts.items():
            if not self.is_streamed:
                input_checks.check_form(f"{name} inputs", part.inputs, refusals.length(part.labels))
                input_checks.check_range(f"{name} inputs", part.inputs)
            if not isinstance(part.labels, StoredArray):
                label_checks.check(kind, f"{name} labels", part.labels, len(part.inputs), self.class_names)
            weight_checks.check(f"{name} weights", part.weights, len(part.inputs))
            weight_checks.check_numbers(f"{name} groups", part.groups, len(part.inputs))
            weight_checks.check_numbers(f"{name} order", part.order, len(part.inputs))
            if name != "validation" and not len(part.labels):
                raise UserError(f"{name} has no rows; only validation may have none")
            if self.texts and not self.is_streamed:
                self.texts.check(name, part.inputs)
        labels = {name: part.labels for name, part in parts.items()}
        if not self.is_streamed:
            input_checks.check_alike({name: part.inputs for name, part in parts.items()})
            input_checks.check_images(self.train.inputs, self.mean, self.std)
            if self.task.labels.are_tokens:
                token_checks.check_places({name: part.inputs for name, part in parts.items()}, labels)
        if not isinstance(self.train.labels, StoredArray):
            label_checks.check_together(kind, labels, self.class_names)

    def _check_fields(self) -> None:
        for name, kind in {"description": Description, **dict.fromkeys(SPLITS, Split), "files": dict}.items():
            if not isinstance(value := getattr(self, name), kind):
                todo = refusals.of_split(value) if kind is Split else ""
                raise UserError(f"{name} is {conversions.type_name(value)}; a {kind.__name__} is expected{todo}")
        if not all(map(conversions.is_text, [*self.files, *self.files.values()])):
            raise UserError(f"files is {self.files}; each file's name and SHA-256 are expected, which are texts")
        if not (isinstance(self.notes, tuple) and all(map(conversions.is_text, self.notes))):
            raise UserError(f"notes is {self.notes!r}; a tuple of sentences is expected")
        label_checks.check_names(self.task.labels.kind, self.class_names)
        self.task.check_classes(self.description.task, len(self.class_names))

    @property
    def is_streamed(self) -> bool:
        """Whether its inputs are in files, and were checked before they were written."""
        return isinstance(self.train.inputs, StoredArray)

    @property
    def task(self) -> Task:
        """The task of its labels, with the default options."""
        return task.load(self.description.task)

    @property
    def strata(self) -> int:
        """Of how many kinds rows are drawn, so that none may be missing: of the classes, or of one."""
        return len(self.class_names) if self.task.labels.kind == "classes" else 1

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows of each part; with folds, those of a seed."""
        return self.folds.rows if self.folds else {name: len(getattr(self, name).labels) for name in SPLITS}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The inputs and labels of all parts, {"train_inputs": …, …}, and what else of theirs there is."""
        parts = {name: getattr(self, name) for name in SPLITS}
        arrays = {f"{name}_{key}": getattr(part, key) for name, part in parts.items() for key in ("inputs", "labels")}
        others = {f"{name}_{key}": getattr(part, key) for name, part in parts.items() for key in ROW_VALUES}
        others |= {name: getattr(self, name) for name in STATISTICS}
        others |= {f"folds_{key}": values for key, values in vars(self.folds).items()} if self.folds else {}
        return arrays | {name: value for name, value in others.items() if value is not None}

    @cached_property
    def sha256(self) -> str:
        """The checksum of everything that decides a result: task, classes, shapes, types and values of all arrays."""
        digest = hashlib.sha256(f"{self.description.task} {self.class_names}".encode())
        for key, array in self.arrays.items():
            digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
            for rows in large_arrays.chunks(array):
                digest.update(np.ascontiguousarray(rows).data)
        return digest.hexdigest()
