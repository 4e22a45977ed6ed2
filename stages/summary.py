"""The stage summary: from the tables of all studies to reports/html/index.html, every question with its answer."""

from pathlib import Path

import stages
from batchwise.analysis import study_results
from batchwise.claims import evidence, questions
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT
from batchwise.config import checked
from batchwise.report import render
from batchwise.report.pages import index

ASKED = ROOT / "reports/claims.csv"
RECORDED = ["paper/small/evidence.csv"]  # of other pipelines


def main() -> None:
    """Write reports/html/index.html, and for git reports/evidence.csv."""
    studies = checked.read(checked.NAMES)["studies"]
    given = {"studies": studies, "recorded": RECORDED}
    page = render.page(ROOT / "reports/index.ipynb", given, ROOT / "reports/template", title="Batch size · batchwise")
    found = index.measured(study_results.read(Path("data"), studies), questions.read(ASKED))
    write_bytes(Path("reports/html/index.html"), page.encode())
    write_bytes(Path("reports/evidence.csv"), evidence.as_table(found))


if __name__ == "__main__":
    stages.run(main)
