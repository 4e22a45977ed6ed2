"""What is written once params.yaml was checked: files of which each changes with what it names alone."""

from pathlib import Path

from batchwise.config import measured_part, study_files
from batchwise.config.params import Params

STUDIES, PARTS = Path("data/studies"), Path("data/measured_parts")


def files(params: Params) -> dict[str, bytes]:
    """Return {file: its bytes}: one that is always the same, the names of the studies, each study, and a part of it.

    The names are in their order; the part is what decides time and memory.
    """
    names = "".join(f"{name}\n" for name in params.studies)
    parts = {name: measured_part.of_study(study) for name, study in params.studies.items()}
    each = [(STUDIES, params.studies), (PARTS, parts)]
    return {
        "data/checked.txt": b"params.yaml is valid\n",
        "data/studies.txt": names.encode(),
        **{
            (folder / f"{name}.json").as_posix(): study_files.as_bytes(study)
            for folder, studies in each
            for name, study in studies.items()
        },
    }
