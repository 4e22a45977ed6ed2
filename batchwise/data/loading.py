"""The data of a study: its data set as it was prepared, or the part of it that the study asks for."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config.params import Study, Subset
from batchwise.data import prepared, task
from batchwise.data.dataset import DataSet
from batchwise.data.metric import Metric
from batchwise.data.subset import subset


def load(folder: Path, study: Study) -> DataSet:
    """Return what a study trains on.

    Raises UserError as prepared.load and metrics do, or if there are too few rows.
    """
    metrics(study, prepared.read(folder, study.data_set))
    return part(prepared.load(folder, study.data_set), study.subset)


def part(data: DataSet, asked: Subset | None) -> DataSet:
    """Return the part of a data set that a study asks for, or all. Raises UserError if there are too few rows."""
    return subset(data, **asked.model_dump()) if asked else data


def part_of(name: str, data: DataSet, asked: Subset | None) -> DataSet:
    """Return the part that the study of this name asks for. Raises UserError, with the name, as `part` does."""
    try:
        return part(data, asked)
    except UserError as error:
        raise UserError(f"studies.{name}.subset: {error}") from None


def metrics(study: Study, about: dict[str, Any]) -> tuple[Metric, ...]:
    """Return the metrics of a study whose data have this manifest: the one that chooses first, then the others.

    Raises UserError for a metric that the task does not have, and for a target that is no value of it.
    """
    of_task = task.load(about["task"])
    first = of_task.metric(study.metric)
    found = (first, *(other for other in of_task.metrics if other is not first))
    chosen, *others = (metric.on(about["class_counts"]["train"]) for metric in found)
    for target in study.targets:
        if chosen.clip(target) != target:
            raise UserError(f"targets: {target} is no {chosen.name}; allowed: {chosen.description}")
    return (chosen, *others)


@dataclass(frozen=True)
class StudyData:
    """What is known of the data of a study, and where they are: it is sent to workers, which read them there."""

    study: Study
    folder: str  # of the prepared files, seen from the root of the project, which is another path on another machine
    rows: dict[str, int]  # of each split
    task: str
    sha256: str

    def load(self) -> DataSet:
        """Return the data. Raises UserError as `load` does, or if they are others."""
        data = load(ROOT / self.folder, self.study)
        if data.sha256 != self.sha256:
            raise UserError(
                f"{self.study.data_set} has other data in {ROOT / self.folder}; use the same files everywhere"
            )
        return data


def locate(folder: Path, name: str, study: Study) -> StudyData:
    """Return what is known of the data of a study. Raises UserError as read_part, `metrics` and check_inputs do."""
    about = prepared.read_part(folder, name)
    metrics(study, about)
    study.check_inputs(tuple(about["input_shape"]))
    return StudyData(study, os.path.relpath(folder, ROOT), about["rows"], about["task"], about["sha256"])
