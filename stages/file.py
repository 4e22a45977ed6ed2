"""Stage file: a file or folder of the user's, so that a change of it is seen. `python -m stages.file <name>`."""

import stages
from batchwise.common.files import write_bytes
from batchwise.config import params
from batchwise.data import local_files


def main(name: str) -> None:
    """Write data/files/<name>.json: its path, SHA-256 and bytes, of a folder those of each of its files."""
    write_bytes(local_files.place(name), local_files.record(name, params.load().files[name]))


if __name__ == "__main__":
    stages.run(main, "file")
