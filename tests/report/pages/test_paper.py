"""The page that compares studies with the paper: whole, valid, inert, the same each time, and true to its verdicts."""

import contextlib
import dataclasses
import io
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
import pandas as pd
import pytest

from batchwise.analysis.seed_values import of_study
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.report import paper_results
from batchwise.report.figures import paper as paper_figures
from batchwise.report.figures import paper_plots
from batchwise.report.pages import paper as paper_page
from batchwise.report.pages.paper import Paper
from batchwise.report.sentences.paper import VERDICTS
from stages import compare
from tests import chromium
from tests.fabricated_paper import FIGURES, NORMALIZATION, as_the_paper_says, folder
from tests.report.test_report import HTML, Page

HERE = [name for name in FIGURES if name not in ("figure_3", "figure_9")] + ["figure_4", *NORMALIZATION[:4]]
FILES = ("reports/html/paper.html", "results.csv", "results.svg")


def run_stage(place: Path) -> dict[str, str]:
    """Run the stage in a folder, and return the files that it wrote."""
    with contextlib.chdir(place), mock.patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        compare.main()
    return {name: (place / name).read_text(encoding="utf-8") for name in FILES}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("here") / "small", HERE, as_the_paper_says)


@pytest.fixture(scope="module")
def written(place: Path) -> dict[str, str]:
    return run_stage(place)


@pytest.fixture(scope="module")
def page(written: dict[str, str]) -> Page:
    return Page(written[FILES[0]])


@pytest.fixture(scope="module")
def read(place: Path) -> Paper:
    return paper_page.read(place, HERE, compare.STATEMENTS)


def test_the_files_are_the_same_in_another_place(written: dict[str, str], tmp_path: Path) -> None:
    other = folder(tmp_path / "there" / "small", HERE, as_the_paper_says)
    (other / "data/tables/figure_3").mkdir()  # the studies are those of params.yaml, not of the disk
    assert run_stage(other) == written


def test_the_page_is_small_and_loads_nothing(page: Page, place: Path) -> None:
    for element in page.tree.iter():
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert element.get(name, "#").startswith(("data:", "#"))
    assert len(page.text.encode()) < 2_000_000
    assert str(place) not in page.text and str(ROOT) not in page.text
    assert not re.search(r"20\d\d-\d\d-\d\d|papermill|\bnan\b|\binf\b|None", page.prose)


def test_every_figure_of_the_paper_has_its_section(page: Page) -> None:
    headings = ["".join(heading.itertext()) for heading in page.all("h2")]
    numbers = [int(found[1]) for heading in headings if (found := re.match(r"Figure (\d+): ", heading))]
    assert numbers == list(range(1, 19))
    assert page.prose.count("has no study in this folder") == 2  # figures 3 and 9; 12 and 14 are ImageNet
    assert page.prose.count("not decided here: ImageNet") == 3
    assert "figure 3: not in this folder" in page.prose


def test_every_figure_says_what_it_found(page: Page) -> None:
    assert len(page.images()) == len(page.all("figcaption")) == 15  # 18 but 3, 9, 12, 14, and the effects
    for image in page.all("img"):
        assert re.search(r"\d", image.get("alt")) and len(image.get("alt")) > 80
    for svg in page.images():
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert not re.search(r"<script|<image|mathdefault|\bnan\b", svg)


def test_the_answer_comes_first_and_counts_the_verdicts(page: Page, written: dict[str, str], read: Paper) -> None:
    table = pd.read_csv(io.StringIO(written["results.csv"]))
    found = table["verdict"].value_counts()
    answer = (
        f"Of {len(table)} statements of the paper, {found['agrees']} agree with what was measured here, "
        f"{found.get('disagrees', 0)} disagree, and of {found['cannot tell']} nothing can be told."
    )
    assert answer in page.prose[: page.prose.index("Every statement")]
    assert table["id"].tolist() == [statement.id for statement in read.judged]
    assert found["agrees"] > 20 and found["cannot tell"] >= 3


def test_the_table_holds_the_verdicts(page: Page, read: Paper) -> None:
    rows = page.all("table")[0].findall(f".//{HTML}tbody/{HTML}tr")
    shown = [["".join(cell.itertext()) for cell in row] for row in rows]
    for (statement, verdict), (_, told, said, effect, *_) in zip(read.judged.items(), shown, strict=True):
        assert (told, said) == (VERDICTS[verdict.verdict], statement.statement)
        value = verdict.decisive.effect.value if verdict.decisive else np.nan
        assert effect == ("–" if np.isnan(value) else f"{value:+.2f}".replace("-", "−"))


def test_the_setting_of_the_paper_stands_beside_ours(page: Page) -> None:
    text = page.prose.partition("Figure 1: the setting")[2].partition("Figure 2")[0]
    assert "reduced AlexNet without batch normalisation; CIFAR-10 without augmentation; 82 epochs" in text
    assert "mlp, hidden units [2]; Made up, 4,096 training, 20,000 validation and 20,000 test rows; 7 epochs" in text
    assert "m 2 to 256 (8), η̃ 2⁻¹⁰ to 2⁻² (5); 3 seeds a cell" in text


def test_the_results_are_those_of_the_verdicts(read: Paper) -> None:
    table = paper_results.table(read.judged).set_index("id")
    for statement, verdict in read.judged.items():
        row = table.loc[statement.id]
        assert row["verdict"] == VERDICTS[verdict.verdict]
        value, n = (verdict.decisive.effect.value, verdict.decisive.n) if verdict.decisive else (np.nan, 0)
        assert row["effect"] == pytest.approx(value, abs=1e-4, nan_ok=True) and row["n"] == n


def test_missing_tables_and_foreign_studies_are_told_in_a_line(place: Path, tmp_path: Path) -> None:
    torn = folder(tmp_path / "torn", ["figure_1"], as_the_paper_says)
    shutil.rmtree(torn / "data/tables/figure_1")
    with pytest.raises(UserError, match=r"figure_1/SHA256SUMS cannot be read \(No such file"):
        run_stage(torn)
    foreign = folder(tmp_path / "foreign", ["figure_12"], as_the_paper_says)
    with pytest.raises(UserError, match=r"no study in .* measures a statement"):
        run_stage(foreign)
    with pytest.raises(UserError, match=r"there is no params.yaml"):
        run_stage(tmp_path)
    assert not [path for name in FILES for path in tmp_path.rglob(name)]


def test_lines_of_a_family_differ_in_more_than_colour() -> None:
    looks = paper_plots.looks(13)
    assert len({look["color"] for look in looks}) == 13
    for one, other in pairwise(looks):
        assert one["marker"] != other["marker"] and one["dashes"] != other["dashes"]


def test_what_diverged_everywhere_or_failed_is_still_a_page(read: Paper) -> None:
    tables = read.tables["figure_1"]
    runs = tables.runs.assign(status="diverged", test_accuracy=np.nan, validation_accuracy=np.nan)
    for status, sentence in (("diverged", "mean test accuracy of 10.0 %"), ("failed", "has no study in this folder")):
        study = of_study(dataclasses.replace(tables, runs=runs.assign(status=status)))
        changed = dataclasses.replace(read, studies={**read.studies, "figure_1": study})
        assert sentence in paper_page.by_rate(changed, "1").text
        assert ("1: mlp" in paper_page.best(changed, "15").text) == (status == "diverged")


def test_the_effects_are_drawn_the_same_each_time(read: Paper) -> None:
    first = paper_figures.statements(read.judged)
    assert {paper_figures.statements(read.judged) for _ in range(4)} == {first}
    drawn = [one for one in read.judged.values() if one.decisive and not np.isnan(one.decisive.effect.value)]
    assert len(re.findall(r"\(fig\. [\d, ]+\)", first)) == len(drawn)


def test_the_notebook_holds_prose_and_calls_only() -> None:
    notebook = nbformat.read(ROOT / "reports/paper.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count is not None]
    assert not [cell for cell in code if re.search(r"^\s*(def|class|for|if|while)\b|lambda", cell.source, re.MULTILINE)]
    assert max(len(cell.source.splitlines()) for cell in code) <= 6


def test_a_browser_opens_the_page_without_complaint(
    browser: chromium.Browser, place: Path, written: dict[str, str]
) -> None:
    for width in (1280, 390, 360):
        browser.open(place / FILES[0], width, 844)
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert browser.run("[...document.images].every((image) => image.complete && image.naturalWidth > 300)")
    browser.open(place / FILES[0], 1280, 844)
    wide = "document.querySelector('.statements').offsetWidth"
    assert 500 < browser.run(wide) <= browser.run("document.querySelector('main').offsetWidth")
    assert not browser.errors()
    assert browser.requests() == [(place / FILES[0]).absolute().as_uri()]
