"""The stage summary: from the tables of all studies to reports/html/index.html, every claim with its verdict."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT
from batchwise.config import checked
from batchwise.report import render


def main() -> None:
    """Write reports/html/index.html."""
    studies = checked.read(checked.NAMES)["studies"]
    page = render.page(
        ROOT / "reports/index.ipynb", {"studies": studies}, ROOT / "reports/template", title="Batch size · batchwise"
    )
    write_bytes(Path("reports/html/index.html"), page.encode())


if __name__ == "__main__":
    stages.run(main)
