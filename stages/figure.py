"""The figure and the numbers of the README: `make figure`. Not a stage, since they are kept in git."""

import shutil
from pathlib import Path

import stages
from batchwise.analysis import study_tables
from batchwise.common.files import write_bytes
from batchwise.report.figures import study as study_figures


def main(name: str) -> None:
    """Write reports/<study>.svg, the heat map, and reports/<study>.json, the metrics."""
    picture = study_figures.heat_map(study_tables.read(Path("data/tables") / name))
    write_bytes(Path(f"reports/{name}.svg"), picture.encode())
    shutil.copyfile(f"data/metrics/{name}.json", f"reports/{name}.json")


if __name__ == "__main__":
    stages.run(main, "study")
