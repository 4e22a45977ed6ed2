"""A data set as the engine takes it."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import conversions, input_checks, label_checks, task

SPLITS = ("train", "validation", "test")
STATISTICS = ("mean", "std")


@dataclass(frozen=True)
class Description:
    """Where a data set comes from and what its labels mean. Raises UserError for a task that is no plug-in."""

    title: str
    task: str  # batchwise/tasks/<task>.py
    source: str
    licence: str

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not conversions.is_text(value):
                raise UserError(f"{name} is {conversions.type_name(value)}, {value!r}; a text is expected")
        plugins.check("tasks", self.task)


@dataclass(frozen=True)
class Split:
    """One part of a data set: inputs [N, ...] and labels [N], whole numbers from 0 up."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """A data set as the engine takes it; `validation` has no rows where none are held out.

    Raises UserError, in one sentence, for one that is wrong: labels without a class, inputs that are not finite, …

    Images are uint8 [N, height, width, channels], four times smaller than the numbers that a model takes, which are
    (x − mean) / std. Other inputs are scaled already, and have no `mean` and `std`.
    """

    description: Description
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    mean: np.ndarray | None = None  # [channels] float32, of the training images
    std: np.ndarray | None = None  # [channels] float32, more than 0
    files: dict[str, str] = field(default_factory=dict)  # {archive: SHA-256 of the bytes that were read}

    def __post_init__(self) -> None:
        self._check_fields()
        parts = {name: getattr(self, name) for name in SPLITS}
        for name, part in parts.items():
            input_checks.check_form(f"{name} inputs", part.inputs)
            input_checks.check_range(f"{name} inputs", part.inputs)
            label_checks.check_form(f"{name} labels", part.labels, len(part.inputs), self.class_names)
            if name != "validation" and not len(part.labels):
                raise UserError(f"{name} has no rows; only validation may have none")
        input_checks.check_alike({name: part.inputs for name, part in parts.items()})
        input_checks.check_images(self.train.inputs, self.mean, self.std)
        label_checks.check_classes({name: part.labels for name, part in parts.items()}, self.class_names)

    def _check_fields(self) -> None:
        for name, kind in {"description": Description, **dict.fromkeys(SPLITS, Split), "files": dict}.items():
            if not isinstance(value := getattr(self, name), kind):
                raise UserError(f"{name} is {conversions.type_name(value)}; a {kind.__name__} is expected")
        if not all(map(conversions.is_text, [*self.files, *self.files.values()])):
            raise UserError(f"files is {self.files}; each file's name and SHA-256 are expected, which are texts")
        label_checks.check_names(self.class_names)
        task.load(self.description.task).check_classes(self.description.task, len(self.class_names))

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows of each part."""
        return {name: len(getattr(self, name).labels) for name in SPLITS}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The inputs and labels of all parts, and the statistics, if any: {"train_inputs": …, "train_labels": …, …}."""
        parts = {name: getattr(self, name) for name in SPLITS}
        arrays = {f"{name}_{key}": getattr(part, key) for name, part in parts.items() for key in ("inputs", "labels")}
        statistics = {name: getattr(self, name) for name in STATISTICS}
        return arrays | {name: value for name, value in statistics.items() if value is not None}

    @cached_property
    def sha256(self) -> str:
        """The checksum of everything that decides a result: task, classes, shapes, types and values of all arrays."""
        digest = hashlib.sha256(f"{self.description.task} {self.class_names}".encode())
        for key, array in self.arrays.items():
            digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
