"""Stage check: params.yaml, before any other stage runs or passes a name from it to a shell."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.config import checked, params


def main() -> None:
    """Check, and write files that change with what they name alone, so that a change reruns only what it concerns."""
    files = checked.files(params.load())
    for name, content in files.items():
        write_bytes(Path(name), content)
    for folder in (checked.STUDIES, checked.PARTS, checked.MODELS):
        for path in folder.iterdir():
            if path.is_file() and path.as_posix() not in files:  # of a study that is gone
                path.unlink()


if __name__ == "__main__":
    stages.run(main)
