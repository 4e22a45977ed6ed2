"""The stage compare: from the tables of all studies to reports/html/paper.html, what the paper says beside them."""

from pathlib import Path

import stages
from batchwise.analysis.study_results import StudyResults
from batchwise.claims import evidence, questions
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.report import paper_results, render
from batchwise.report.figures import paper as paper_figures
from batchwise.report.pages import index
from batchwise.report.pages import paper as paper_page

STATEMENTS, ASKED = ROOT / "paper/statements.csv", ROOT / "reports/claims.csv"


def main() -> None:
    """Write reports/html/paper.html, and for git results.csv, results.svg and evidence.csv."""
    studies = list(params.load().studies)
    paper = paper_page.read(Path(), studies, STATEMENTS)
    judged = paper.judged
    found = index.measured([StudyResults(tables) for tables in paper.tables.values()], questions.read(ASKED))
    given = {"folder": ".", "studies": studies}
    page = render.page(
        ROOT / "reports/paper.ipynb", given, ROOT / "reports/template", title="Masters & Luschi 2018 · batchwise"
    )
    table = paper_results.table(judged).to_csv(index=False, lineterminator="\n")
    files = {"reports/html/paper.html": page, "results.csv": table, "results.svg": paper_figures.statements(judged)}
    for name, text in files.items():
        write_bytes(Path(name), text.encode())
    write_bytes(Path("evidence.csv"), evidence.as_table(found))


if __name__ == "__main__":
    stages.run(main)
