"""Stage check: params.yaml, before any other stage runs or passes a name from it to a shell."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.config import checked, params
from batchwise.data import local_files


def main() -> None:
    """Check, and write files that change with what they name alone, so that a change reruns only what it concerns."""
    given = params.load()
    local_files.check(given.files)
    files = checked.files(given)
    for name, content in files.items():
        write_bytes(Path(name), content)
    of_files = {local_files.place(name) for name in given.files}  # which stage file writes
    for folder in (checked.STUDIES, checked.PARTS, checked.MODELS, local_files.FOLDER):
        for path in folder.iterdir():
            if path.is_file() and path.as_posix() not in files and path not in of_files:  # of what is gone
                path.unlink()


if __name__ == "__main__":
    stages.run(main)
