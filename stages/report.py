"""The stage report@<study>: from data/tables/<study> to reports/html/<study>.html."""

import argparse
from pathlib import Path

from batchwise.common.files import write
from batchwise.common.messages import exit_with
from batchwise.common.repository import ROOT
from batchwise.report import render


def main() -> None:
    """Write the report of the study named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="a study of params.yaml")
    study = parser.parse_args().study
    text = render.page(
        ROOT / "reports/study.ipynb", {"study": study}, ROOT / "reports/template", title=f"{study} · batchwise"
    )
    write(Path("reports/html") / f"{study}.html", lambda file: file.write(text.encode()))


if __name__ == "__main__":
    exit_with(main)
