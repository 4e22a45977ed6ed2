"""Stage code: what each stage consists of, so that an edit reruns the stages that it concerns, and no others."""

from pathlib import Path

import stages
from batchwise.common.files import replace
from batchwise.common.repository import ROOT
from batchwise.common.stage_code import listing


def main() -> None:
    """Write data/code/<stage>.txt: of each file of a stage its name, and the SHA-256 of what in it decides."""
    names = [path.stem for path in sorted((ROOT / "stages").glob("*.py")) if path.stem != "__init__"]
    replace(Path("data/code"), {f"{name}.txt": listing(name) for name in names})


if __name__ == "__main__":
    stages.run(main)
