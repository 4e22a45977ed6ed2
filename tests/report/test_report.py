"""From tables to the page: what it says, and that it is whole, valid, inert, small and the same each time."""

import base64
import contextlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import html5lib
import nbformat
import numpy as np
import pytest
from scipy import special

from batchwise.analysis import recommendation, study_tables
from batchwise.analysis.study_tables import Tables
from batchwise.common import stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.report import html, render
from batchwise.report.pages import study as study_page
from batchwise.report.sentences import answers, captions, limits, phrases, study_facts
from batchwise.training.run_result import RunResult
from stages import report as stage
from tests import chromium
from tests.fabricated import MANIFEST, UNVALIDATED, constant_result, diverged, files, random_result, study

NOTEBOOK, TEMPLATE = ROOT / "reports/study.ipynb", ROOT / "reports/template"
HTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)> $x^2$ & \"'"
ABOUT = {"title": "Made up", "source": "nowhere", "licence": "CC0", "class_names": ["a", "b"], "labels": "classes"}


def write(folder: Path, written: dict[str, bytes], **changes: Any) -> Path:
    """Write the files of tables, with changes to summary.json."""
    summary = json.loads(written["summary.json"]) | changes
    stage_outputs.write(folder, {**written, "summary.json": json.dumps(summary).encode()})
    return folder


def staircase(made: Study) -> Callable[[Run], RunResult]:
    """Return runs of which those with a large learning rate diverge, and of which large m are worse."""

    def result(run: Run) -> RunResult:
        noise = np.random.default_rng([run.effective_batch_size, run.seed]).uniform(-0.004, 0.004)
        fine = constant_result(made, run, 0.95 - 0.0004 * run.effective_batch_size + noise)
        return diverged(fine, 2) if run.learning_rate > 2 else fine

    return result


GRID = study([2, 4, 8, 16, 1000], [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0], seeds=4)
QUESTION = study([1, 8, 40, 10**9], [0.001], seeds=3, scaling="none")
UNSELECTED = {**UNVALIDATED, **ABOUT}


def grid_files() -> dict[str, bytes]:
    """Return the files of a study with a grid, whose data set has hostile names."""
    names = {**ABOUT, "title": HOSTILE, "source": HOSTILE, "licence": HOSTILE, "class_names": [HOSTILE, "b"]}
    return files(GRID, staircase(GRID), {**MANIFEST, **names})


def question_files() -> dict[str, bytes]:
    """Return the files of a study with one learning rate and no validation rows."""
    return files(QUESTION, lambda run: random_result(run, QUESTION, UNSELECTED), UNSELECTED)


def answer(tables: Tables) -> list[str]:
    """Return the answer of a study of which nothing was measured."""
    return answers.answer(tables, recommendation.whole_runs(tables, recommendation.NOTHING_MEASURED))


def project(root: Path) -> Path:
    """Return a folder in which the stage can run, with the tables of two studies."""
    (root / "reports").mkdir(parents=True)
    (root / "batchwise").symlink_to(ROOT / "batchwise")
    (root / "reports/study.ipynb").symlink_to(NOTEBOOK)
    (root / "reports/template").symlink_to(TEMPLATE)
    write(root / "data/tables/grid", grid_files(), study=HOSTILE)
    write(root / "data/tables/question", question_files(), study="question")
    return root


def run_stage(root: Path, name: str) -> str:
    """Run the stage in `root`, and return the page that it wrote."""
    with contextlib.chdir(root):
        stage.main(name)
    return (root / f"reports/html/{name}.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("here") / "project")


@dataclass
class Page:
    """A page as text, as a tree, and as what a reader sees."""

    text: str

    def __post_init__(self) -> None:
        self.tree = html5lib.HTMLParser(strict=True).parse(self.text)  # raises an error for invalid HTML
        body = re.sub(r"<(style|script)>.*?</\1>", "", self.text, flags=re.DOTALL)
        self.prose = unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " ")

    def all(self, tag: str) -> list[ElementTree.Element]:
        return list(self.tree.iter(f"{HTML}{tag}"))

    def images(self) -> list[str]:
        return [base64.b64decode(image.get("src").partition(",")[2]).decode() for image in self.all("img")]


@pytest.fixture(scope="module", params=["grid", "question"])
def page(request: pytest.FixtureRequest, root: Path) -> Page:
    return Page(pages(root)[request.param])


def pages(root: Path) -> dict[str, str]:
    """Return the pages of the project by study, made once."""
    return {
        name: path.read_text(encoding="utf-8")
        if (path := root / f"reports/html/{name}.html").exists()
        else run_stage(root, name)
        for name in ("grid", "question")
    }


def test_pages_are_the_same_in_another_place(root: Path, tmp_path: Path) -> None:
    assert run_stage(project(tmp_path / "there"), "grid") == pages(root)["grid"]


def test_a_page_loads_nothing(page: Page) -> None:
    for element in page.tree.iter():
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert element.get(name, "#").startswith(("data:", "#")), ElementTree.tostring(element)[:200]
    for content in (*(style.text for style in page.all("style")), *page.images()):
        assert not re.search(r"@import|@font-face|url\((?!#)|<script|<image|<!DOCTYPE|onload", content)
    assert {name for image in page.images() for name in re.findall(r"https?://[^\"' ]+", image)} <= {
        "http://www.w3.org/2000/svg",  # names of namespaces, not addresses
        "http://www.w3.org/1999/xlink",
    }


def test_a_page_states_and_keeps_its_policy(page: Page) -> None:
    (policy,) = [meta.get("content") for meta in page.all("meta") if meta.get("http-equiv")]
    (script,) = page.all("script")
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert policy == render.policy(script.text)
    assert not [element for element in page.tree.iter() if element.get("style")]


def test_names_from_data_are_text(page: Page, root: Path) -> None:
    assert len(page.all("script")) == len(page.all("title")) == 1
    assert not [name for element in page.tree.iter() for name in element.attrib if str(name).startswith("on")]
    assert Page(pages(root)["grid"]).prose.count(HOSTILE) >= 5


def test_every_figure_says_what_it_found(page: Page) -> None:
    assert len(page.images()) == len(page.all("figcaption")) >= 2
    for image in page.all("img"):
        assert re.search(r"\d", image.get("alt")) and len(image.get("alt")) > 80
    for svg in page.images():
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_a_page_is_small_and_has_no_trace_of_where_and_when(page: Page, root: Path) -> None:
    assert len(page.text.encode()) < 500_000
    assert str(root) not in page.text and str(ROOT) not in page.text
    assert not re.search(r"20\d\d-\d\d-\d\d|papermill|\bnan\b|None", page.prose)


def test_a_page_has_one_heading_and_links_to_its_sections(page: Page) -> None:
    assert page.tree.get("lang") == "en"
    assert len(page.all("h1")) == 1
    sections = [heading.get("id") for heading in page.all("h2")]
    links = [link.get("href") for link in page.all("a") if link.get("download") is None]
    assert links == ["#content", *(f"#{section}" for section in sections)]
    assert len(set(sections)) == len(sections) >= 8


def test_the_answer_comes_first(root: Path) -> None:
    for name, text in pages(root).items():
        tables = study_tables.read(root / "data/tables" / name)
        prose = Page(text).prose
        places = [prose.index(sentence) for sentence in answer(tables)]
        assert places == sorted(places) and places[-1] < prose.index("Every cell of the grid")


def test_each_cell_comes_with_its_command(root: Path) -> None:
    prose = Page(pages(root)["question"]).prose
    assert "python -m batchwise reproduce question --batch-size 1 --learning-rate 0.001" in prose
    assert "--batch-size 1000000000 --learning-rate 0.001" in prose
    assert "python -m batchwise reproduce '</title>" in Page(pages(root)["grid"]).prose  # quoted for the shell


def test_missing_or_damaged_tables_are_told_in_a_line(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dvc repro --force evaluate@absent"):
        run_stage(root, "absent")
    damaged = write(tmp_path / "damaged", question_files())
    (damaged / "summary.json").write_text("{")
    with pytest.raises(UserError, match=r"summary\.json is damaged .* run `dvc repro --force evaluate@damaged`"):
        study_tables.read(damaged)


DEATHS = {"at once": "os.kill(os.getpid(), signal.SIGKILL)", "at its end": "sys.stdout.flush(); os._exit(0)"}
RENDER = "import sys, pathlib; from batchwise.report import render; render.execute(pathlib.Path(sys.argv[1]), {})"


@pytest.mark.parametrize("death", DEATHS)
def test_a_process_that_dies_is_told_in_a_line(death: str, tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell(f"import os, signal, sys\n{DEATHS[death]}", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "dying.ipynb")
    script = f"from batchwise.common.exits import exit_with; exit_with(lambda: exec({RENDER!r}))"
    command = [sys.executable, "-c", script, tmp_path / "dying.ipynb"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(
        r"error: the process that runs dying\.ipynb for the report ended too early \(Kernel died\); .*\n", ended.stderr
    )


def test_the_notebook_holds_prose_and_calls_only() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count is not None]
    assert not [cell for cell in code if re.search(r"^\s*(def|class|for|if|while)\b|lambda", cell.source, re.MULTILINE)]
    assert [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])] == ['study = "digits_mlp"']
    assert max(len(cell.source.splitlines()) for cell in code) <= 6


# Other studies, without a kernel: what the notebook calls, on their tables.


def page_of(tables: Tables) -> Page:
    """Return the page that the notebook makes of tables."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("study_page."):
            part = eval(cell.source, {"study_page": study_page, "tables": tables, "costs": None})
            data = {"text/html": part._repr_html_(), "text/plain": repr(part)}
            cell.outputs = [nbformat.v4.new_output("execute_result", data)]
    return Page(render.html(notebook, TEMPLATE, "made up"))


def made(
    root: Path, content: Study, result: Callable[[Run], RunResult], manifest: dict = MANIFEST, **changes: Any
) -> Tables:
    """Return the tables of a study, written and read again."""
    return study_tables.read(write(root / "made_up", files(content, result, {**manifest, **ABOUT}), **changes))


def test_a_grid_is_answered_from_its_tables(tmp_path: Path) -> None:
    tables = made(tmp_path, GRID, staircase(GRID))
    choice, best, compared, edge = answer(tables)
    assert choice.startswith("Batch size") or choice.startswith("No other batch size is as good as m = 2")
    row = tables.batch_sizes[tables.batch_sizes["batch_size"] == tables.summary["best_batch_size"]].iloc[0]
    assert best.startswith(f"Batch size {row['batch_size']} with base learning rate η̃ = ")
    assert f"{100 * row['test_accuracy_mean']:.1f} % (95 % interval {100 * row['test_accuracy_low']:.1f} to" in best
    last = tables.batch_sizes.iloc[-1]
    assert f"the largest, 1,000, is worse by {-100 * last['difference_mean']:.2f} points" in compared
    fit = tables.summary["reliable_upper_edge"]["2"]
    assert f"slope {fit['slope']:.2f}".replace("-", "−") in edge and f"{fit['points']} batch sizes" in edge


def test_where_the_largest_is_the_best_the_largest_of_the_others_is_compared(tmp_path: Path) -> None:
    def result(run: Run) -> RunResult:
        return constant_result(GRID, run, 0.9 + 0.001 * run.effective_batch_size + 0.001 * run.seed)

    _, _, compared, *_ = answer(made(tmp_path, GRID, result))
    assert compared.endswith("; the largest of the others, 16, is worse by 2.40 points (2.40 to 2.40, n = 4).")


def test_a_question_without_a_difference_claims_none(tmp_path: Path) -> None:
    seeds = {1: (0.95, 0.96, 0.97), 8: (0.96, 0.97, 0.95), 40: (0.97, 0.95, 0.96)}  # the same values in another order

    def result(run: Run) -> RunResult:
        return unvalidated(constant_result(QUESTION, run, seeds[run.effective_batch_size][run.seed]))

    text = " ".join(answer(made(tmp_path, QUESTION, result, UNVALIDATED)))
    assert text.startswith("Not measurably here: no batch size can be told apart from 1.")
    assert "includes 0, so the two cannot be told apart" in text
    low, high = 2000 * special.expit(special.logit(0.96) + np.array([-1, 1]) * 4.303 * 0.01 / 3**0.5 / (0.96 * 0.04))
    assert f"1,920.0 ({low:,.1f} to {high:,.1f}) at m = 1" in text  # 2,000 test rows; t of 2 degrees, by log-odds
    assert "m = 10⁹ is treated as m = 40, all training rows: the two are the same bit for bit" in text
    assert text.endswith("Nothing was selected: one learning rate and no validation rows.")


def unvalidated(result: RunResult) -> RunResult:
    """Return a result as of a data set without validation rows."""
    metrics = {name: np.where([True, False, True], values, np.nan) for name, values in result.metrics.items()}
    return RunResult(result.status, metrics, {}, result.parameters, result.diverged_epoch)


def all_lost(content: Study) -> Callable[[Run], RunResult]:
    return lambda run: diverged(random_result(run, content), 1)


def smallest_lost(content: Study) -> Callable[[Run], RunResult]:
    """Return runs of which those at m = 1, the reference, all diverge, and one at m = 8."""

    def result(run: Run) -> RunResult:
        fine = unvalidated(random_result(run, content))
        return (
            diverged(fine, 1)
            if run.effective_batch_size == 1 or (run.effective_batch_size, run.seed) == (8, 0)
            else fine
        )

    return result


ONE = study([8], [0.5, 1.0, 2.0], seeds=3)
SEED = study([2, 8, 1000], [0.25, 0.5], seeds=1)
UPDATES = study([2, 8, 40], [0.125, 0.25, 0.5, 1.0], seeds=2, budget={"updates": 9}, scaling="sqrt")
UNSEEN = study([2, 8], [0.25, 0.5], seeds=2)
CASES = {
    "one batch size": (ONE, lambda run: random_result(run, ONE), MANIFEST, "There is no other batch size"),
    "one seed": (SEED, lambda run: random_result(run, SEED), MANIFEST, "With 1 seed there are no intervals"),
    "updates": (UPDATES, lambda run: random_result(run, UPDATES), MANIFEST, "Every run makes 9 updates"),
    "no validation": (
        UNSEEN,
        lambda run: unvalidated(random_result(run, UNSEEN)),
        UNVALIDATED,
        "No batch size or learning rate was selected: no validation rows",
    ),
    "all diverged": (GRID, all_lost(GRID), MANIFEST, "No run ended well"),
    "one rate, all diverged": (QUESTION, all_lost(QUESTION), UNVALIDATED, "No run ended well"),
    "reference lost": (QUESTION, smallest_lost(QUESTION), UNVALIDATED, "there is no difference to measure"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_study_has_a_page(case: str, tmp_path: Path) -> None:
    content, result, manifest, sentence = CASES[case]
    page = page_of(made(tmp_path, content, result, manifest))
    assert sentence in page.prose
    assert not re.search(r"\bnan\b|None|inf\b", page.prose)


def of_statistic(content: Study, statistic: str) -> Study:
    return Study.model_validate(content.model_dump() | {"statistic": statistic})


@pytest.mark.parametrize(
    ("content", "statistic", "result"),
    [
        (GRID, "last_epoch", "value at the last epoch"),
        (UPDATES, "last_epoch", "value at the last epoch"),
        (GRID, "median_of_last_5_epochs", "median of the last 5 epochs"),
        (
            UPDATES,
            "median_of_last_5_epochs",
            "median of the last 5 epochs; of all where a run has fewer: 1 at m = 2 and 2 at m = 8",
        ),
    ],
)
def test_a_page_says_what_the_result_of_a_run_is(content: Study, statistic: str, result: str, tmp_path: Path) -> None:
    content = of_statistic(content, statistic)
    tables = made(tmp_path, content, lambda run: random_result(run, content))
    assert dict(study_facts.facts(tables))["Result"] == result
    other = {"last_epoch": "median of the last", "median_of_last_5_epochs": "at the last epoch"}[statistic]
    prose = page_of(tables).prose
    assert f"The result of a run is the {result.partition(';')[0]}" in prose and other not in prose


BY_LOSS = study([2, 4, 8, 16, 1000], [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0], seeds=4, metric="loss")


def test_a_study_that_chooses_by_loss_has_a_page_in_its_words(tmp_path: Path) -> None:
    def result(run: Run) -> RunResult:
        noise = np.random.default_rng([run.effective_batch_size, run.seed]).uniform(-0.0004, 0.0004)
        fine = constant_result(BY_LOSS, run, 0.9, 0.2 + 0.001 * run.effective_batch_size + noise)
        return diverged(fine, 2) if run.learning_rate > 2 else fine

    tables = made(tmp_path, BY_LOSS, result)
    _, best, compared, edge = answer(tables)
    assert tables.summary["best_batch_size"] == 2 and tables.metric.name == "loss"
    assert "has the lowest validation loss and reaches 0.2" in best and "nats (95 % interval 0.2" in best
    assert "the largest, 1,000, is worse by 0.03" in compared and "nats (" in compared
    assert f"slope {tables.summary['reliable_upper_edge']['0.05']['slope']:.2f}".replace("-", "−") in edge
    page = page_of(tables)
    assert "Test loss is lowest at m = 2" in page.prose and "within 0.02, 0.05 or 0.1 nats" in page.prose
    assert "nats behind the best cell" in "".join(page.images()) and "test loss (nats)" in "".join(page.images())
    body = page.prose.split("What the columns mean")[-2]  # the table of columns names all metrics of the task
    assert not re.search(r"accurac|points|%\)|\bnan\b|None|inf\b", body)


def test_a_study_of_2000_cells_fits_into_a_page(tmp_path: Path) -> None:
    large = study(list(range(1, 41)), [2.0**-power for power in range(50)], seeds=1, budget={"epochs": 1})
    page = page_of(made(tmp_path, large, lambda run: random_result(run, large)))
    assert len(page.text.encode()) < 2_000_000
    assert len(page.all("tr")) > 2000


def test_batch_sizes_are_named_in_stretches(tmp_path: Path) -> None:
    tables = made(tmp_path, GRID, staircase(GRID))
    rows = tables.batch_sizes
    assert phrases.sizes(rows, rows) == "2 to 1,000"
    assert phrases.sizes(rows.iloc[[0, 2, 3]], rows) == "2, 8 and 16"


@pytest.mark.parametrize("groups", [False, True])
def test_seeds_with_rows_of_their_own_are_told(groups: bool, tmp_path: Path) -> None:
    about = {"count": 5, "rows": 2000 * GRID.grid.seeds + 7, "groups": groups, "rescaled": True}
    content = GRID.model_copy(update={"folds": 5})
    tables = made(tmp_path, content, staircase(content), {**MANIFEST, "folds": about})
    facts = [": ".join(fact) for fact in study_facts.facts(tables)]
    text = " ".join([*answer(tables), captions.intervals(tables), *facts, *limits.limits(tables)])
    assert tables.test_value["new_rows_low"] is None and "new rows" not in text
    assert "others for each seed" in text and "seed s tests on fold s, chooses by the next" in text
    assert ("of whole groups" if groups else "with the share of each class") in text
    assert "over seeds, each with test rows of its own" in text
    assert "the same training and test rows" not in text and "so that intervals over seeds include the choice" in text
    assert "7 rows of" in text and "are tested by no seed" in text
    assert ("Groups make folds unequal: of each seed" in text) == groups


def test_edges_of_the_grid_are_told(tmp_path: Path) -> None:
    tables = made(tmp_path, GRID, staircase(GRID))
    rows = tables.batch_sizes.assign(grid_edge=["highest", np.nan, np.nan, "lowest", np.nan])
    summary = {**tables.summary, "best_batch_size": 2}
    text = " ".join(limits.limits(replace(tables, batch_sizes=rows, summary=summary)))
    assert "At m = 2 the chosen rate is the highest of the grid" in text
    assert "At m = 16 the chosen rate is the lowest of the grid" in text
    assert "The chosen batch size, 2, is the smallest that was tried" in text
    assert text.count("a better one may lie beyond: python -m batchwise suggest ") == 2


def test_a_rate_at_the_edge_comes_with_the_command_that_looks_beyond(tmp_path: Path) -> None:
    tables = made(tmp_path, GRID, staircase(GRID))
    inside, edge = (
        study_page.by_batch_size(replace(tables, batch_sizes=tables.batch_sizes.assign(grid_edge=edges))).text
        for edges in (np.array([np.nan] * 5, "O"), [np.nan] * 4 + ["lowest"])
    )
    assert "suggest" not in inside
    assert f"<code>python -m batchwise suggest {tables.study}</code>" in edge


@pytest.mark.parametrize("content", [GRID, QUESTION], ids=["rates", "one rate"])
def test_where_every_rate_diverges_the_command_that_finds_one_is_named(content: Study, tmp_path: Path) -> None:
    found = study_page.by_batch_size(made(tmp_path / "lost", content, all_lost(content))).text
    assert "a lower one may" in found and "<code>python -m batchwise suggest made_up</code>" in found
    failed = made(tmp_path / "failed", content, lambda run: RunResult("failed", {}, {}, 12))
    assert "suggest" not in study_page.by_batch_size(failed).text


def test_markup_escapes() -> None:
    parts = [
        html.paragraph(HOSTILE),
        html.heading(HOSTILE),
        html.items([HOSTILE]),
        html.command(HOSTILE),
        html.facts([(HOSTILE, HOSTILE)]),
        html.figure("<svg/>", HOSTILE, HOSTILE),
        html.table(HOSTILE, [HOSTILE], [[html.Code(HOSTILE), HOSTILE, html.Sorted(HOSTILE, 1.0)]], "sortable"),
    ]
    page = Page(f"<!DOCTYPE html><html lang=en><title>x</title><body>{html.join(*parts).text}</body></html>")
    assert not page.all("script") and len(page.all("img")) == 1


def test_colours_of_text_have_contrast() -> None:
    style = (TEMPLATE / "style.css").read_text()
    for name in ("ink", "soft", "link", "mark"):
        (colour,) = re.findall(rf"--{name}: #(\w{{6}});", style)
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        luminance = np.dot(linear, [0.2126, 0.7152, 0.0722])
        assert 0.91 / (luminance + 0.05) >= 4.5  # on the wash #f6f8fa, which is darker than white


# In a browser.


def test_a_browser_opens_a_page_without_complaint(browser: chromium.Browser, root: Path) -> None:
    pages(root)
    for name in ("grid", "question"):
        file = root / f"reports/html/{name}.html"
        for width in (1280, 390, 360):
            browser.open(file, width, 844)
            assert browser.run("document.documentElement.scrollWidth") <= width
            assert browser.run("[...document.images].every((image) => image.complete && image.naturalWidth > 300)")
        assert not browser.errors()
        assert browser.requests() == [file.absolute().as_uri()]


def test_a_table_can_be_sorted_by_mouse_and_keyboard(browser: chromium.Browser, root: Path) -> None:
    pages(root)
    browser.open(root / "reports/html/grid.html", 1280, 800)
    column = "[...document.querySelectorAll('table.sortable tbody tr')].map((row) => row.cells[{}].textContent)"
    before = browser.run(column.format(0))
    assert before[0] == "2" and before[-1] == "1,000"
    browser.run("document.querySelector('table.sortable th button').focus()")
    browser.press("Enter")
    browser.press("Enter")
    assert browser.run("document.querySelector('table.sortable th').ariaSort") == "descending"
    after = browser.run(column.format(0))
    assert after == sorted(before, key=lambda text: -int(text.replace(",", "")))
    browser.run("document.querySelectorAll('table.sortable th button')[4].click()")
    accuracy = browser.run(column.format(4))
    numbers = [float(text) for text in accuracy if text != "–"]
    assert numbers == sorted(numbers) and accuracy[len(numbers) :] == ["–"] * (len(accuracy) - len(numbers))
    assert browser.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_a_page_can_be_read_without_script(browser: chromium.Browser, root: Path) -> None:
    pages(root)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(root / "reports/html/grid.html", 1280, 800)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("document.querySelectorAll('button').length") == 0
    assert browser.run("document.querySelectorAll('table.sortable tbody tr').length") == 30
