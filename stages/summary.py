"""The stage summary: from the tables of all studies to every question with its answer, and studies side by side."""

from pathlib import Path

import stages
from batchwise.analysis import overview, study_results
from batchwise.claims import evidence, questions
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT, folder
from batchwise.config import checked
from batchwise.report import render
from batchwise.report.pages import index

ASKED = ROOT / "reports/claims.csv"
# Of other pipelines, for the root's page.
RECORDED = [
    "paper/small/evidence.csv",
    "gallery/detection/reports/evidence.csv",
    "gallery/text/reports/evidence.csv",
]


def main() -> None:
    """Write index.html and comparisons.html in reports/html, and for git evidence.csv and results.csv in reports."""
    studies = checked.read(checked.NAMES)["studies"]
    _write("index", "Batch size", studies=studies, recorded=[] if folder() else RECORDED)
    _write("comparisons", "Studies side by side", studies=studies)
    read = study_results.read(Path("data"), studies)
    table = overview.results(read).to_csv(index=False, lineterminator="\n", float_format="%.6g")
    write_bytes(Path("reports/evidence.csv"), evidence.as_table(index.measured(read, questions.read(ASKED))))
    write_bytes(Path("reports/results.csv"), table.encode())


def _write(name: str, title: str, **given: list[str]) -> None:
    page = render.page(ROOT / f"reports/{name}.ipynb", given, ROOT / "reports/template", title=f"{title} · batchwise")
    write_bytes(Path(f"reports/html/{name}.html"), page.encode())


if __name__ == "__main__":
    stages.run(main)
