"""What the links of a page download: tables as CSV that programs read and no spreadsheet runs, figures as SVG."""

import base64
import csv
import io
import re
from html import unescape
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import unquote_to_bytes

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.analysis import study_tables
from batchwise.claims import answers, questions
from batchwise.common.repository import ROOT
from batchwise.report import downloads, html
from batchwise.report.figures import claims as claim_figures
from batchwise.report.number_format import MISSING, digits, number, power, rate, signed, size
from batchwise.report.pages import index as index_page
from tests import chromium, fabricated_reports
from tests.project import HANG
from tests.report.test_report import HOSTILE, HTML, Page, grid_files, page_of, question_files, write

LINK = re.compile(r'<a class="download" download="([^"]*)" href="([^"]*)" aria-label="([^"]*)"')


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return two pages by the files that they are of."""
    place = tmp_path_factory.mktemp("tables")
    made = {"grid": grid_files(), "question": question_files()}
    return {name: page_of(study_tables.read(write(place / name, files))).text for name, files in made.items()}


@pytest.fixture
def opened(browser: chromium.Browser, pages: dict[str, str], tmp_path: Path) -> chromium.Browser:
    """Return a browser with a page."""
    (tmp_path / "grid.html").write_text(pages["grid"], encoding="utf-8")
    browser.open(tmp_path / "grid.html", 1280, 800)
    return browser


def content(address: str) -> bytes:
    """Return the bytes of a data address."""
    kind, _, data = address.partition(",")
    return base64.b64decode(data) if kind.endswith(";base64") else unquote_to_bytes(data)


def table(link: str) -> list[list[str]]:
    """Return the cells of the CSV file that a link downloads, its headings first."""
    ((_, address, _),) = LINK.findall(link)
    text = content(unescape(address)).decode("utf-8-sig")
    return [*csv.reader(io.StringIO(text, newline=""))]


def cell(text: str) -> str:
    return table(downloads.table("caption", ["heading"], [[text]]))[1][0]


letters = st.characters(exclude_categories=["C"])  # which HTML may hold
texts = st.text(letters, max_size=20) | st.sampled_from(
    [HOSTILE, MISSING, "=1+1", " @x", "＝1", "-2+3", 'a,"b"\r\nc', "é η̃"]
)
words = st.text(min_size=1, max_size=20).filter(lambda text: not re.match(r"\s*[=+\-@＝＋－＠0-9−–]", text))


@given(st.lists(st.lists(words, min_size=2, max_size=2), min_size=1, max_size=4))
def test_texts_are_what_they_were(rows: list[list[str]]) -> None:
    assert table(downloads.table("caption", ["a", "η̃"], rows)) == [["a", "η̃"], *rows]


@given(texts, texts, texts)
def test_no_cell_is_a_formula_and_no_link_is_more_than_a_link(caption: str, heading: str, entry: str) -> None:
    link = downloads.table(caption, [heading], [[entry]])
    for text in (text for row in table(link) for text in row):
        assert not re.match(r"\s*[=+\-@＝＋－＠]", text) or float(text) <= 0
    page = Page(f"<!DOCTYPE html><html lang=en><title>x</title><body>{link}</body></html>")
    assert [element.tag for element in page.tree.find(f"{HTML}body")] == [f"{HTML}a"]
    assert re.fullmatch(r"[a-z0-9-]{1,60}\.csv", page.all("a")[0].get("download"))
    assert page.all("a")[0].get("aria-label").startswith("Download as CSV: ")


@given(st.floats(-1e12, 1e12))
def test_numbers_are_numbers_to_the_digits_that_are_shown(value: float) -> None:
    for shown in (number(value), signed(value), digits(value)):
        assert float(cell(shown)) == float(shown.replace(",", "").replace("−", "-"))
        assert float(cell(shown)) == pytest.approx(value, abs=0.005001, rel=0.006)


@given(st.floats(1e-20, 1e20), st.integers(-60, 60), st.integers(1, 2**40), st.integers(5, 15))
def test_rates_and_sizes_are_numbers(value: float, exponent: int, m: int, ten: int) -> None:
    assert float(cell(rate(value))) == pytest.approx(value, rel=1e-3)
    assert float(cell(rate(2.0**exponent))) == 2.0**exponent
    assert int(cell(size(m))) == m and int(cell(size(10**ten))) == 10**ten and power(10**ten, 10) is not None
    assert cell(MISSING) == ""


def test_below_each_table_and_figure_of_a_page_is_its_link(pages: dict[str, str]) -> None:
    for text in pages.values():
        page, links = Page(text), [[*map(unescape, found)] for found in LINK.findall(text)]
        files = [file for file, _, _ in links]
        assert len({*files}) == len(files) == len(page.all("table")) + len(page.all("img"))
        assert all(re.fullmatch(r"made-up-[a-z0-9-]+\.(csv|svg)", file) for file in files)
        assert len({label for _, _, label in links}) == len(links)
        for figure in page.all("figure"):
            (link,) = figure.iter(f"{HTML}a")
            assert link.get("href") == next(figure.iter(f"{HTML}img")).get("src")
        of_tables = [content(address) for file, address, _ in links if file.endswith("csv")]
        for found, written in zip(page.all("table"), of_tables, strict=True):
            head, *rows = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""))
            assert head == ["".join(heading.itertext()) for heading in found.findall(f"{HTML}thead/{HTML}tr/{HTML}th")]
            assert len(rows) == len(found.findall(f"{HTML}tbody/{HTML}tr")) and {*map(len, rows)} == {len(head)}


def test_pandas_reads_the_numbers_of_every_cell(pages: dict[str, str]) -> None:
    (address,) = [unescape(href) for file, href, _ in LINK.findall(pages["grid"]) if "-cells-" in file]
    read = pd.read_csv(io.BytesIO(content(address)))
    assert [*read.columns[:3]] == ["m", "η̃", "η"] and read["m"].tolist()[-1] == 1000
    assert {str(read[name].dtype) for name in ("η̃", "η", "test accuracy (%)")} == {"float64"}
    assert read["η̃"].drop_duplicates().tolist() == [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0]


def test_a_page_that_its_links_would_make_too_large_has_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    figure, rows = html.figure("<svg/>", "What it shows. 1", "caption").text, html.table("rows", ["a"], [["b"]]).text
    page = f"{figure}\n{rows}"
    for largest, kinds in {len(page): ["csv", "svg"], len(page) - 1: ["csv"], 10: []}.items():
        monkeypatch.setattr(downloads, "LARGEST", largest)
        left = downloads.fitting(page)
        assert sorted(file.rpartition(".")[2] for file, _, _ in LINK.findall(left)) == kinds
        assert "<img" in left and "<table" in left


def test_on_the_index_page_files_have_the_names_of_claims(tmp_path: Path) -> None:
    studies = [fabricated_reports.results(tmp_path, fabricated_reports.ok, fabricated_reports.profile())]
    asked = questions.read(ROOT / "reports/claims.csv")
    index = index_page.Index(studies, answers.answer(asked, index_page.measured(studies, asked)))
    tables = [f"{one.question.id}.csv" for one in index.answers if one.judged]
    drawn = [f"{one.question.id}.svg" for one in index.answers if claim_figures.drawn(one.judged)]
    text = "".join(index_page.section(index, letter).text for letter in questions.SECTIONS)
    files = [file for file, _, _ in LINK.findall(text)]
    assert sorted(files) == sorted(tables + drawn) and len(tables) > 5 and drawn


# In a browser.


def test_a_key_downloads_what_the_page_holds(opened: chromium.Browser, pages: dict[str, str], tmp_path: Path) -> None:
    opened.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for ending in ("csv", "svg"):
        file, address, _ = next(link for link in LINK.findall(pages["grid"]) if link[0].endswith(ending))
        opened.run(f"document.querySelector('a[download=\"{file}\"]').focus()")
        opened.press("Enter")
        assert downloaded(tmp_path / file) == content(unescape(address))
    assert not opened.errors()


def downloaded(file: Path) -> bytes:
    """Return the content of a file once it is there."""
    end = monotonic() + HANG
    while not file.exists() and monotonic() < end:
        sleep(0.02)
    return file.read_bytes()


def test_on_paper_there_is_nothing_to_click(opened: chromium.Browser) -> None:
    shown = "[...document.querySelectorAll('.download')].filter((link) => link.offsetParent !== null).length"
    assert opened.run(shown) > 5
    opened.call("Emulation.setEmulatedMedia", media="print")
    assert opened.run(shown) == 0
    opened.call("Emulation.setEmulatedMedia", media="")
