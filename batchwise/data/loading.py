"""The data of a study: its data set as it was prepared, or the part of it that the study asks for."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batchwise.common.errors import UserError
from batchwise.common.messages import unknown
from batchwise.common.repository import ROOT
from batchwise.config.recipe import TaskChoice
from batchwise.config.study import Study, Subset
from batchwise.data import folds, prepared, received, task
from batchwise.data.dataset import DataSet
from batchwise.data.local_files import LocalFile
from batchwise.data.metric import Metric, from_facts
from batchwise.data.received import FileList
from batchwise.data.subset import subset


def load(folder: Path, study: Study) -> DataSet:
    """Return what a study trains on. Raises UserError as prepared.load does, or if there are too few rows."""
    return part(prepared.load(folder, study.data_set), study.subset, study.task, study.folds)


def part(data: DataSet, asked: Subset | None, of_task: TaskChoice | None = None, count: int | None = None) -> DataSet:
    """Return the part of a data set that a study asks for, or all, for its task, with its rows dealt to `count` folds.

    Raises UserError if there are too few rows, or if the labels are not those of the task.
    """
    if of_task:
        _check_kind(data, of_task.name)
        data = replace(data, description=replace(data.description, task=of_task.name))
    taken = subset(data, **asked.model_dump()) if asked else data
    return folds.deal(taken, count, whole=data) if count else taken


def _check_kind(data: DataSet, name: str) -> None:
    """Raise UserError for a task whose labels are of another kind; counts and numbers may stand for each other."""
    wanted, found = task.load(name).labels.kind, data.task.labels.kind
    if wanted != found and {wanted, found} != {"numbers", "counts"}:
        instead = f"leave task out, or prepare the data set for {name}"
        raise UserError(f"the task {name} is for {wanted}; labels of the data set are {found}: {instead}")


def part_of(
    name: str, data: DataSet, asked: Subset | None, of_task: TaskChoice | None = None, count: int | None = None
) -> DataSet:
    """Return the part that the study of this name asks for. Raises UserError, with the name, as `part` does, and if the
    rows of a seed are no data set."""
    where = f"studies.{name}"
    try:
        data = part(data, None, of_task)
        where = f"studies.{name}.subset" if asked else where
        taken = part(data, asked)
        where = f"studies.{name}.folds" if count else where
        taken = folds.deal(taken, count, whole=data) if count else taken
        folds.check(taken)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return taken


def metrics(study: Study, about: dict[str, Any]) -> tuple[Metric, ...]:
    """Return the metrics of a study whose data have this manifest: the one that chooses first, then the others.

    Raises UserError for a metric that the task does not have, and for a target that is no value of it.
    """
    known = {facts["name"]: from_facts(facts) for facts in about["metrics"]}
    name = study.metric or next(iter(known))
    if name not in known:
        raise UserError(f"metric: {unknown('metric of the task', name, list(known))}")
    chosen = known.pop(name)
    for target in study.targets:
        if chosen.clip(target) != target:
            raise UserError(f"targets: {target} is no {chosen.title}; allowed: {chosen.description}")
    return (chosen, *(other for other in known.values() if not other.if_named))


@dataclass(frozen=True)
class StudyData:
    """What is known of the data of a study, and where they are: it is sent to workers, which read them there.

    A worker elsewhere is sent what it lacks of `files`.
    """

    study: Study
    folder: str  # of the prepared files, seen from the root of the project, which is another path on another machine
    rows: dict[str, int]  # of each split
    task: str
    sha256: str
    weights: LocalFile | None = None  # from which seeds start, seen from the root too

    def start(self) -> Path | None:
        """Return the file from which seeds start, if there is one. Raises UserError if it is another, or missing."""
        if self.weights is None:
            return None
        file = replace(self.weights, path=ROOT / self.weights.path)
        file.check_unchanged()
        return file.path

    def load(self) -> DataSet:
        """Return the data. Raises UserError as `load` does, or if they are others."""
        data = load(ROOT / self.folder, self.study)
        if data.sha256 != self.sha256:
            raise UserError(
                f"{self.study.data_set} has other data in {ROOT / self.folder}; use the same files everywhere"
            )
        return data

    def files(self) -> tuple[FileList, ...]:
        """Return the lists of the prepared files, and of the file from which seeds start if there is one.

        Raises UserError if one cannot be read.
        """
        folder, name = ROOT / self.folder, self.study.data_set
        try:
            lists = received.listed(folder, prepared.names(folder, name))
            if self.weights is None:
                return (lists,)
            path = ROOT / self.weights.path
            return lists, received.listed(path.parent, [path.name])
        except OSError as error:
            raise UserError(f"{error.filename} cannot be read ({error.strerror})") from None

    def found(self, files: Sequence[FileList]) -> "StudyData | None":
        """Return it with the folders of this machine that have these files of it; None if it lacks some."""
        folders = [of.found() for of in files]
        if not folders:  # its files are where they are listed
            return self
        if None in folders:
            return None
        weights = self.weights and replace(self.weights, path=Path(str(folders[-1]), self.weights.path.name))
        return replace(self, folder=str(folders[0]), weights=weights)


def locate(folder: Path, name: str, study: Study) -> StudyData:
    """Return what is known of the data of a study. Raises UserError as read_part, `metrics` and check_inputs do."""
    about = prepared.read_part(folder, name)
    metrics(study, about)
    study.check_inputs(tuple(about["input_shape"]))
    weights = prepared.weights_of(about)
    if weights:
        weights = replace(weights, path=Path(os.path.relpath(weights.path, ROOT)))
    return StudyData(study, os.path.relpath(folder, ROOT), about["rows"], about["task"], about["sha256"], weights)
