"""Stage preprocess: each data set, split and scaled, and what each study takes of it."""

from pathlib import Path

import stages
from batchwise.config import checked
from batchwise.config.recipe import TaskChoice
from batchwise.config.study import Subset
from batchwise.data import lengths, loading, local_files, preparation, prepared
from batchwise.data.asked import Asked
from batchwise.data.dataset import DataSet

FOLDER = Path("data/prepared")


def main() -> None:
    """Write data/prepared/. A data set is kept if it was prepared from the same; all are prepared anew if all are."""
    asked = Asked(**checked.read(checked.DATA_SETS), files=local_files.recorded())
    by_force = _is_all_there(asked)
    for name, entry in asked.data_sets.items():
        data = (None if by_force else asked.kept(FOLDER, name)) or _prepare(asked, name)
        for study, of_study in asked.studies.items():
            if of_study["data_set"] == name:
                subset, task = of_study["subset"], of_study["task"]
                chosen = Subset(**subset) if subset else None, TaskChoice(**task) if task else None
                part = loading.part_of(study, data, *chosen, of_study.get("folds"))
                if of_study.get("of_tokens"):
                    lengths.check(study, part)
                prepared.save_part(part, FOLDER, study, entry, of_study, asked.weights(study))
    prepared.remove_others(FOLDER, asked.data_sets, asked.studies)


def _is_all_there(asked: Asked) -> bool:
    """Return whether DVC had no reason to run this stage: somebody typed `dvc repro --force`, or a file is damaged."""
    data_sets = all(asked.is_there(FOLDER, name) for name in asked.data_sets)
    return data_sets and all(asked.is_part_there(FOLDER, study) for study in asked.studies)


def _prepare(asked: Asked, name: str) -> DataSet:
    data = asked.prepare(name)
    for warning in preparation.warnings(data):
        print(f"warning: data set {name}: {warning}")
    prepared.save(data, FOLDER, name, asked.data_sets[name], prepared.code_of(asked.plugin(name)))
    return data


if __name__ == "__main__":
    stages.run(main)
