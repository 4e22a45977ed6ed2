"""Stage check: params.yaml, before any other stage runs or passes a name from it to a shell."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.config import params


def main() -> None:
    """Check, and write a file that is always the same, so that a change of parameters reruns only what it concerns.

    The other has the names of the studies, in their order, for what is of all of them.
    """
    names = params.load().studies
    write_bytes(Path("data/checked.txt"), b"params.yaml is valid\n")
    write_bytes(Path("data/studies.txt"), "".join(f"{name}\n" for name in names).encode())


if __name__ == "__main__":
    stages.run(main)
