"""The front page: the answer before the questions, what is recorded beside what was measured, and marks."""

import re
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest

from batchwise.analysis.study_results import StudyResults
from batchwise.claims import evidence as evidence_files
from batchwise.claims import questions
from batchwise.common.repository import ROOT
from batchwise.report.pages import index as page
from tests import fabricated_reports
from tests.claims.pages import evidence
from tests.fabricated_reports import ok, results

ASKED = ROOT / "reports/claims.csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResults]:
    folder = tmp_path_factory.mktemp("data")
    return folder, results(folder, ok, fabricated_reports.profile())


def seen(text: str) -> str:
    return re.sub("<[^>]*>", " ", text).replace("&nbsp;", " ")


def test_the_answer_comes_first_with_a_picture_of_each_study(data) -> None:
    made = page.read(data[0], ["made_up"], ASKED, [])
    head = page.head(made).text
    html5lib.HTMLParser(strict=True).parseFragment(head)
    assert head.index("Does the batch size matter?") < head.index('class="headline"') < head.index('class="multiples"')
    assert head.count("<figure") == 1 and re.search('alt="made_up by batch size. [^"]*at m = 2', head)


def test_without_studies_there_is_no_answer() -> None:
    made = page.Index([], page.answers.answer(questions.read(ASKED), []))
    assert "headline" not in page.head(made).text and "not measured here" in page.overview(made).text


def test_exact_facts_have_no_figure(data) -> None:
    made = page.read(data[0], ["made_up"], ASKED, [])
    assert "<figure" not in page.section(made, "B").text and "so it is exact" in page.section(made, "B").text


def test_what_is_recorded_counts_and_is_marked(data, tmp_path: Path) -> None:
    file = tmp_path / "paper/evidence.csv"
    file.parent.mkdir()
    file.write_bytes(evidence_files.as_table([replace(evidence(5.0, study="cifar"), data="CIFAR-10")]))
    made = page.read(data[0], ["made_up"], ASKED, [file])
    text = seen(page.section(made, "G").text)
    pipeline = file.parent.as_posix()
    assert f"cifar (recorded, {pipeline})" in text and f"recorded in {pipeline}, not measured here" in text
    assert "ahead by 5 points" in text
    assert 'href="cifar.html"' not in page.section(made, "G").text  # it has no page here
    assert "Shown by: ." not in seen(page.section(page.read(tmp_path, [], ASKED, [file]), "G").text)


def test_every_answer_has_a_mark_with_a_look_of_its_own(data) -> None:
    style = (ROOT / "reports/template/style.css").read_text(encoding="utf-8")
    kinds = {*re.findall('class="mark ([a-z]+)"', page.overview(page.read(data[0], ["made_up"], ASKED, [])).text)}
    looks = {kind: re.findall(rf"^\.{kind} {{(.*)}}$", style, re.MULTILINE) for kind in {*kinds, *page.MARKS.values()}}
    assert all(len(found) == 1 for found in looks.values())
    assert len({found[0] for found in looks.values()}) == len(looks)
