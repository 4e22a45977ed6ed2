"""What is written once params.yaml was checked: files of which each changes with what it names alone."""

from pathlib import Path

from batchwise.config import measured_part
from batchwise.config.params import Params

PARTS = Path("data/measured_parts")


def files(params: Params) -> dict[str, bytes]:
    """Return {file: its bytes}: one that is always the same, the names of the studies, and a part of each study.

    The names are in their order; the part is what decides time and memory.
    """
    names = "".join(f"{name}\n" for name in params.studies)
    parts = {name: measured_part.of_study(study) for name, study in params.studies.items()}
    return {
        "data/checked.txt": b"params.yaml is valid\n",
        "data/studies.txt": names.encode(),
        **{f"{PARTS.as_posix()}/{name}.json": measured_part.as_bytes(part) for name, part in parts.items()},
    }
