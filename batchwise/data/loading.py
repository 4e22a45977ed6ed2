"""The data of a study: its data set as it was prepared, or the part of it that the study asks for."""

from pathlib import Path
from typing import Any

from batchwise.config.params import Study
from batchwise.data import prepared
from batchwise.data.dataset import DataSet
from batchwise.data.subset import subset


def load(folder: Path, study: Study) -> DataSet:
    """Return what a study trains on. Raises UserError as manifest.load does, or if there are too few rows."""
    return part(prepared.load(folder, study.data_set), study)


def part(data: DataSet, study: Study) -> DataSet:
    """Return the part of a data set that a study asks for. Raises UserError if there are too few rows."""
    return subset(data, **study.subset.model_dump()) if study.subset else data


def describe(folder: Path, study: Study) -> dict[str, Any]:
    """Return the manifest of what a study trains on. Raises UserError if files are missing or damaged."""
    whole = prepared.read(folder, study.data_set)
    if not study.subset:
        return whole
    return prepared.manifest(load(folder, study), whole["options"])
