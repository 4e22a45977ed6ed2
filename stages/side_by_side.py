"""The figure of some studies, side by side. Not a stage, since it is kept in git, for a README."""

from pathlib import Path

import stages
from batchwise.analysis import study_tables
from batchwise.common.files import write_bytes
from batchwise.report.figures import side_by_side


def main(*names: str) -> None:
    """Write reports/side_by_side.svg, the result of each study at every batch size."""
    picture = side_by_side.results([study_tables.read(Path("data/tables") / name) for name in names])
    write_bytes(Path("reports/side_by_side.svg"), picture.encode())


if __name__ == "__main__":
    stages.run(main, "studies")
