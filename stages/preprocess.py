"""Stage preprocess: each data set, split and scaled, and what each study takes of it."""

from pathlib import Path
from typing import Any

import stages
from batchwise.config import checked
from batchwise.config.params import Subset
from batchwise.data import loading, preparation, prepared
from batchwise.data.dataset import DataSet

FOLDER = Path("data/prepared")


def main() -> None:
    """Write data/prepared/."""
    asked = checked.read(checked.DATA_SETS)
    for name, options in asked["data_sets"].items():
        data = _prepare(name, options)
        for study, of_study in asked["studies"].items():
            if of_study["data_set"] == name:
                subset = of_study["subset"]
                part = loading.part_of(study, data, Subset(**subset) if subset else None)
                prepared.save_part(part, FOLDER, study, options, of_study)
    prepared.remove_others(FOLDER, asked["data_sets"], asked["studies"])


def _prepare(name: str, options: dict[str, Any]) -> DataSet:
    data = preparation.prepare(name, options)
    for warning in preparation.warnings(data):
        print(f"warning: data set {name}: {warning}")
    prepared.save(data, FOLDER, name, options, prepared.code_of(name))
    return data


if __name__ == "__main__":
    stages.run(main)
