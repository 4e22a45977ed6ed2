"""Stage check: params.yaml, before any other stage runs or passes a name from it to a shell."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.config import params
from batchwise.config.params import Params


def main() -> None:
    """Check, and write files of which each changes with what it names alone, so that no more is run again."""
    for name, content in outputs(params.load()).items():
        write_bytes(Path(name), content)


def outputs(checked: Params) -> dict[str, bytes]:
    """Return {file: its bytes}: one that is always the same, and the names of the studies, in their order."""
    names = "".join(f"{name}\n" for name in checked.studies)
    return {"data/checked.txt": b"params.yaml is valid\n", "data/studies.txt": names.encode()}


if __name__ == "__main__":
    stages.run(main)
