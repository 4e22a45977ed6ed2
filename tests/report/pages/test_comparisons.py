"""The page that compares studies: each pair with a figure and all numbers, valid, and the same each time."""

import base64
import dataclasses
import re
import xml.etree.ElementTree as ElementTree

import html5lib
import pytest

from batchwise.analysis.study_results import StudyResults
from batchwise.report.pages import comparisons as page
from tests import fabricated_reports
from tests.fabricated_reports import ok, results

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    return results(tmp_path_factory.mktemp("data"), ok, fabricated_reports.profile())


def other(study: StudyResults, by: float, name: str = "other") -> StudyResults:
    """Return a study with another optimiser, whose test accuracy is higher by some points."""
    summary, runs = study.tables.summary, study.tables.runs.copy()
    runs["test_accuracy"] += by / 100
    recipe = study.recipe | {"optimizer": {"name": "adam"}}
    tables = dataclasses.replace(study.tables, summary=summary | {"study": name, "recipe": recipe}, runs=runs)
    return dataclasses.replace(study, tables=tables)


def whole(comparisons: page.Comparisons) -> str:
    return "\n".join(part(comparisons).text for part in (page.head, page.pairs, page.provenance))


def test_a_pair_has_its_answer_a_figure_and_every_number(base: StudyResults) -> None:
    text = whole(page.compare([base, other(base, 3.0)])).replace("\u00a0", " ").replace("&nbsp;", " ")
    html5lib.HTMLParser(strict=True).parseFragment(text)
    assert "the test accuracy is better at m = 2, 16 and 40 (+3.00, +3.00 and +3.00 points)" in text
    assert text.count('<span class="mark yes">better</span>') == 2 and text.count('id="made_up-other"') == 1
    assert text.count("<td>+3.00</td>") == 3 and "made_up (n = 2)" in text
    (image,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', text)
    assert ElementTree.fromstring(base64.b64decode(image)).tag.endswith("svg")
    assert not re.search(r"\bnan\b", re.sub('base64,[^"]*|data:text[^"]*', "", text))


def test_engines_are_told_apart_with_what_costs_are_of(base: StudyResults) -> None:
    recipe = base.recipe | {"engine": "jax", "lanes": 8}
    summary = base.tables.summary | {"study": "lanes", "recipe": recipe}
    lanes = dataclasses.replace(base, tables=dataclasses.replace(base.tables, summary=summary))
    text = whole(page.compare([base, lanes])).replace("\u00a0", " ").replace("&nbsp;", " ")
    assert "JAX with 8 runs at once instead of TensorFlow (lanes beside made_up)" in text
    assert "In lanes an epoch is a run's share of the time of all lanes" in text.replace("&#x27;", "'").replace(
        "’", "'"
    )


def test_equal_studies_are_said_to_be(base: StudyResults) -> None:
    text = whole(page.compare([base, other(base, 0.0)]))
    assert "the same, to within 1 point," in text and "the same in every seed" in text


def test_a_name_is_text(base: StudyResults) -> None:
    text = whole(page.compare([base, other(base, 1.0, HOSTILE)]))
    assert HOSTILE not in text and "alert(1)" in text


def test_without_a_pair_the_page_says_what_it_takes(base: StudyResults) -> None:
    text = whole(page.compare([base]))
    assert "It takes a second study in params.yaml" in text and "<figure" not in text


def test_equal_tables_give_equal_bytes(base: StudyResults) -> None:
    assert whole(page.compare([base, other(base, 1.0)])) == whole(page.compare([base, other(base, 1.0)]))
