"""The stage compare: from the tables of all studies to reports/html/paper.html, what the paper says beside them."""

from pathlib import Path

import stages
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.report import paper_results, render
from batchwise.report.figures import paper as paper_figures
from batchwise.report.pages import paper as paper_page

STATEMENTS = ROOT / "paper/statements.csv"


def main() -> None:
    """Write reports/html/paper.html, and for git results.csv and results.svg."""
    studies = list(params.load().studies)
    judged = paper_page.read(Path(), studies, STATEMENTS).judged
    given = {"folder": ".", "studies": studies}
    page = render.page(
        ROOT / "reports/paper.ipynb", given, ROOT / "reports/template", title="Masters & Luschi 2018 · batchwise"
    )
    table = paper_results.table(judged).to_csv(index=False, lineterminator="\n")
    files = {"reports/html/paper.html": page, "results.csv": table, "results.svg": paper_figures.statements(judged)}
    for name, text in files.items():
        write_bytes(Path(name), text.encode())


if __name__ == "__main__":
    stages.run(main)
