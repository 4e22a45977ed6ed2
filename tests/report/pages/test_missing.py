"""Whatever is missing of a study, its page and the index are whole, and say in words what is not there."""

import base64
import dataclasses
import json
import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import html5lib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from batchwise.analysis import seed_values
from batchwise.analysis.study_results import StudyResults
from batchwise.claims import answers, questions
from batchwise.claims.paper import verdicts as paper_verdicts
from batchwise.common.repository import ROOT
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.report.figures import style
from batchwise.report.pages import comparisons as comparisons_page
from batchwise.report.pages import costs as cost_page
from batchwise.report.pages import index as index_page
from batchwise.report.pages import paper as paper_page
from batchwise.report.pages import study as study_page
from batchwise.report.pages.paper import Paper
from batchwise.report.sentences import costs as cost_sentences
from batchwise.training import run_result
from batchwise.training.run_result import RunResult
from stages import compare
from tests import fabricated, fabricated_paper, fabricated_reports
from tests.fabricated import diverged
from tests.fabricated_reports import SIZES, STUDY, ok, results
from tests.report.test_report import unvalidated

pytestmark = pytest.mark.no_cover  # the same pages again and again: lines are counted where they are whole
QUESTIONS = questions.read(ROOT / "reports/claims.csv")
NO_NUMBER = re.compile(r"\b(nan|NaN|None|inf|NaT)\b|<NA>")
FOLDERS = ("tables", "costs", "profile", "landscape")


def calls(name: str) -> list[str]:
    """Return what a notebook calls for its parts."""
    cells = json.loads((ROOT / f"reports/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [
        source
        for source in sources
        if re.match(r"(study|cost|index|comparisons|paper)_page(?!.read)\.\w+\([^)]*\)$", source)
    ]


CALLS = {name: calls(name) for name in ("study", "index", "comparisons", "paper")}


def page(study: StudyResults, *folders: str) -> str:
    """Return what a reader sees of a study's report: of the parts that show what is in the named folders, or of all."""
    names = {"study_page": study_page, "cost_page": cost_page, **{name: getattr(study, name) for name in FOLDERS}}
    shown = [call for call in CALLS["study"] if not folders or any(name in call for name in folders)]
    return read("\n".join(eval(call, names).text for call in shown))


def index(study: StudyResults) -> str:
    """Return what a reader sees of the index page of one study."""
    made = index_page.Index([study], answers.answer(QUESTIONS, index_page.measured([study], QUESTIONS)))
    return read("\n".join(eval(call, {"index_page": index_page, "index": made}).text for call in CALLS["index"]))


def comparisons(study: StudyResults) -> str:
    """Return what a reader sees of the page that compares a study with one that has another optimiser."""
    summary = study.tables.summary
    recipe = summary["recipe"] | {"optimizer": {"name": "adam"}}
    tables = dataclasses.replace(study.tables, summary=summary | {"study": "other", "recipe": recipe})
    made = comparisons_page.compare([study, dataclasses.replace(study, tables=tables)])
    names = {"comparisons_page": comparisons_page, "comparisons": made}
    return read("\n".join(eval(call, names).text for call in CALLS["comparisons"]))


def read(text: str) -> str:
    """Return what a reader sees of HTML, which has no number that is none."""
    told = " ".join([re.sub("<[^>]*>", " ", text), *re.findall('alt="([^"]*)"', text)])
    prose = unescape(told).replace("\u00a0", " ")
    assert not (found := NO_NUMBER.search(prose)), prose[max(0, found.start() - 80) : found.end() + 40]
    return prose


def looked_at(figure: Figure) -> str:
    """Return a picture of a figure, or nothing, where style.svg does; what has no value says so."""
    if not style.has_values(figure):
        return ""
    for ax in figure.axes:
        assert not ax.axison or ax.texts or np.isfinite(ax.dataLim.extents).all()
        for scale, least in ((ax.get_xscale(), ax.dataLim.minposx), (ax.get_yscale(), ax.dataLim.minposy)):
            assert scale != "log" or np.isfinite(least)
    return "<svg/>"


undrawn = mock.patch.object(style, "svg", looked_at)  # it takes a tenth of the time


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    return results(tmp_path_factory.mktemp("data"), ok, fabricated_reports.profile())


TABLES = [
    (folder, name)
    for folder, names in {
        "tables": ("runs", "cells", "batch_sizes", "curves", "columns"),
        "costs": ("budgets", "target_runs", "targets", "advice", "measured", "columns"),
        "profile": ("points", "repetitions", "doubling"),
        "landscape": ("cells", "updates", "steps", "columns"),
    }.items()
    for name in names
]


def table_of(study: StudyResults, folder: str, name: str) -> pd.DataFrame:
    return getattr(getattr(study, folder), name)


def changed(study: StudyResults, folder: str, name: str, table: pd.DataFrame) -> StudyResults:
    """Return a study in which one table is another."""
    part = dataclasses.replace(getattr(study, folder), **{name: table})
    return dataclasses.replace(study, **{folder: part})


def test_the_complete_study_lacks_nothing(complete: StudyResults) -> None:
    assert not re.search(r"tables lack|Not measured: m|no value to draw|There is no figure", page(complete))
    assert "No study here measures it" in index(complete)  # one study cannot measure all
    assert "With adam instead of sgd" in comparisons(complete)


TOLD = {
    ("tables", "runs"): "The tables lack 18 runs of 18",
    ("tables", "cells"): "The tables lack every cell.",
    ("tables", "batch_sizes"): "The tables lack 3 batch sizes of 3",
    ("tables", "curves"): "the tables lack every curve",
    ("tables", "columns"): "Columns of the files: nothing is known.",
    ("costs", "budgets"): "Not known: the table of the budgets is empty.",
    ("costs", "targets"): "at the η that is fastest; censored runs count: nothing is known.",
    ("costs", "advice"): "trained as long as the study trains: nothing is known.",
    ("costs", "measured"): "Each measured batch size and number type: nothing is known.",
    ("profile", "points"): "Not measured: m = 2, 16 and 40.",
    ("profile", "doubling"): "what lies beyond was not measured",
    ("landscape", "cells"): "Not measured at m = 2 and 40",
}  # the page does not show the others


@pytest.mark.parametrize(("folder", "name"), TABLES)
@undrawn
def test_a_page_without_a_table(folder: str, name: str, complete: StudyResults) -> None:
    empty = changed(complete, folder, name, table_of(complete, folder, name).iloc[:0])
    assert TOLD.get((folder, name), "") in page(empty, folder)
    if (folder, name) == ("landscape", "cells") or name not in ("columns", "cells", "budgets"):  # which no claim reads
        index(empty)
        comparisons(empty)


# In `make test` two rows of each table; ROWS=1000 leaves out each in turn.
ROWS = int(os.environ.get("ROWS", "2"))


@pytest.mark.parametrize(("folder", "name"), [one for one in TABLES if one[1] != "columns"])
@undrawn
def test_a_page_without_a_row(folder: str, name: str, complete: StudyResults) -> None:
    table = table_of(complete, folder, name)
    for row in np.unique(np.linspace(0, len(table) - 1, min(len(table), ROWS)).round().astype(int)):
        fewer = changed(complete, folder, name, table.drop(index=row))
        page(fewer, folder)
    alone = changed(complete, folder, name, table.iloc[[row]])
    page(alone, folder)
    index_page.measured([alone], QUESTIONS)
    comparisons(alone)


STUDIES = ["figure_1", "figure_4", "figure_13a_normalization_2", "figure_13a_normalization_4"]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    place = fabricated_paper.folder(
        tmp_path_factory.mktemp("here") / "small", STUDIES, fabricated_paper.as_the_paper_says
    )
    return paper_page.read(place, STUDIES, compare.STATEMENTS)


@pytest.mark.parametrize("study", STUDIES[:3])
@pytest.mark.parametrize("name", ["runs", "cells", "batch_sizes", "curves"])
@undrawn
def test_the_page_of_the_paper_without_a_table(study: str, name: str, paper: Paper) -> None:
    lacking = dataclasses.replace(paper.tables[study], **{name: getattr(paper.tables[study], name).iloc[:0]})
    studies = {**paper.studies, study: seed_values.of_study(lacking)}
    judged = {statement: paper_verdicts.judge(statement, studies) for statement in paper.judged}
    less = Paper(paper.folder, {**paper.tables, study: lacking}, studies, judged)
    read("\n".join(eval(call, {"paper_page": paper_page, "paper": less}).text for call in CALLS["paper"]))


def test_what_is_left_is_drawn(complete: StudyResults) -> None:
    """A panel without a value says so beside one that has some, and no figure is of such panels alone."""
    points = complete.profile.points
    untimed = changed(complete, "costs", "measured", complete.costs.measured.assign(step_seconds=np.nan))
    assert "no value to draw" in svgs(cost_page.time_and_memory(untimed.costs, untimed.profile).text)
    none = changed(untimed, "costs", "measured", untimed.costs.measured.iloc[:0])
    none = changed(none, "profile", "doubling", none.profile.doubling.iloc[:0])
    told = page(changed(none, "profile", "points", points.iloc[:1]), "profile")
    assert "There is no figure: nothing that it would show was measured." in told
    assert "Not measured: m = 16 and 40." in told
    assert "Each measured batch size and number type: nothing is known." in told
    html5lib.HTMLParser(strict=True).parseFragment(cost_page.time_and_memory(none.costs, none.profile).text)


def svgs(text: str) -> str:
    """Return the figures in HTML as text."""
    return "".join(base64.b64decode(found).decode() for found in re.findall(r"svg\+xml;base64,([^\"]*)", text))


def test_a_point_without_memory_where_more_fits_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    profile = fabricated_reports.profile(["out_of_memory", "ok", "failed", "ok", "out_of_memory"])
    study = results(tmp_path, ok, profile)
    told = page(study, "costs")
    assert "m = 2 in float32, out of memory (more fits, so it is a fault of the machine; measure again)." in told
    assert "Not measured: m = 40 in float32, failed (why)." in told
    assert "Not measured: m = 40 in float64, out of memory (why)." in told
    assert "m = 80 still fits; at m = 160 it ended" in told
    assert study.costs.fits["largest_batch_size"] == {"fits": 80, "out_of_memory": 160}


@undrawn
@settings(max_examples=3)
@given(data=st.data())
def test_a_page_of_any_rows_and_numbers(data: st.DataObject, complete: StudyResults) -> None:
    study = complete
    for folder, name in data.draw(st.lists(st.sampled_from(TABLES), min_size=1, max_size=4, unique=True)):
        table = table_of(complete, folder, name)
        random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        table = table[random.random(len(table)) < data.draw(st.sampled_from([0.1, 0.5, 0.9, 1]))]
        numbers = [column for column in table if pd.api.types.is_numeric_dtype(table[column])]
        if numbers and (share := data.draw(st.sampled_from([0, 0.1, 0.5, 1]))):
            column = data.draw(st.sampled_from(numbers))
            table = table.assign(**{column: table[column].astype(float).mask(random.random(len(table)) < share)})
        study = changed(study, folder, name, table)
    page(study)
    index(study)
    comparisons(study)


def lost(status: str) -> Callable[[Run], RunResult]:
    """Return runs that end with a status."""
    return lambda run: diverged(ok(run), 2) if status == "diverged" else run_result.without_evaluations(status, "why")


@undrawn
@settings(max_examples=3)
@given(
    ends=st.lists(st.sampled_from(["ok", *run_result.STATUSES]), min_size=18, max_size=18),
    points=st.lists(st.sampled_from(["ok", "ok", "out_of_memory", "failed"]), min_size=5, max_size=5),
    doubled=st.sets(st.sampled_from([0, 1])),
    validated=st.booleans(),
)
def test_a_page_of_any_ends(ends: list[str], points: list[str], doubled: set[int], validated: bool) -> None:
    runs = dict(zip(grid.runs(STUDY, 40), ends, strict=True))

    def result(run: Run) -> RunResult:
        fine = ok(run) if validated else unvalidated(ok(run))
        return fine if runs[run] == "ok" else lost(runs[run])(run)

    profile = fabricated_reports.profile(points)
    profile = dataclasses.replace(profile, doubling=profile.doubling.iloc[sorted(doubled)])
    manifest = fabricated.MANIFEST if validated else fabricated.UNVALIDATED
    with TemporaryDirectory() as folder:
        study = results(Path(folder), result, profile, manifest=manifest)
    told = page(study)
    for m, status in zip(profile.points["batch_size"], points, strict=True):
        assert status == "ok" or f"Not measured: m = {m} in" in told
    for _, advice in study.costs.advice.groupby("deadline_seconds", dropna=False):
        lines = cost_sentences.lines(advice, study.metric)
        assert len(lines) == 1 + len(SIZES) and not NO_NUMBER.search("\n".join(lines))
    index(study)
