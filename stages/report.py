"""The stage report@<study>: from data/tables/<study> to reports/html/<study>.html."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT
from batchwise.report import render


def main(name: str) -> None:
    """Write the report of a study, and print where it is."""
    text = render.page(
        ROOT / "reports/study.ipynb", {"study": name}, ROOT / "reports/template", title=f"{name} · batchwise"
    )
    path = Path("reports/html") / f"{name}.html"
    write_bytes(path, text.encode())
    print(f"the report of {name} is {path.absolute()}")


if __name__ == "__main__":
    stages.run(main, "study")
