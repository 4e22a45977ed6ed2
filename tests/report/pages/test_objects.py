"""What a report shows of a detector, from made-up tables: a table, curves, and photographs with boxes."""

import base64
import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.analysis import study_tables
from batchwise.analysis.study_tables import Tables
from batchwise.common.repository import ROOT
from batchwise.report import downloads
from batchwise.report.figures import objects as figures
from batchwise.report.figures.style import BLUE, VERMILION
from batchwise.report.html import Html
from batchwise.report.pages import objects as pages
from batchwise.report.pages import study as study_page
from batchwise.report.sentences import classes, study_facts
from batchwise.report.sentences import objects as sentences
from batchwise.statistics import detections
from tests import fabricated_objects
from tests.fabricated_objects import NAMES, PLACES
from tests.fabricated_studies import study
from tests.report.test_report import Page, run_stage, write

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ("</text><script>1</script>", "\"'&amp;<b>", "白血球 $x^2$", "naïve")


def tables(folder: Path, names: tuple[str, ...] = NAMES, shape: tuple[int, int, int] = (24, 32, 3)) -> Tables:
    made = fabricated_objects.files(fabricated_objects.data_set(names, shape))
    return study_tables.read(write(folder / "made_up", made))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return tables(tmp_path_factory.mktemp("tables"))


def images(html: Html) -> list[tuple[str, ElementTree.Element]]:
    """Return the alternative text and the parsed SVG of each figure."""
    found = re.findall(r'<img alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)"', html.text)
    return [(unescape(alt), ElementTree.fromstring(base64.b64decode(content))) for alt, content in found]


def prose(html: Html) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", html.text)).replace("\u00a0", " ")


def test_there_is_a_table_a_figure_of_curves_and_photographs(made: Tables) -> None:
    shown = pages.what_is_found(made)
    assert shown.text.count("<table") == 1
    curves, *photographs = images(shown)
    assert curves[0].startswith("Precision against recall by class. Mean precision over all recalls, of 2 classes: ")
    assert "100.0 % at m = 4" in curves[0] and "0.0 % at m = 40" in curves[0]
    assert [alt for alt, _ in photographs] == [
        f"Test row {row} at m = {m}: 6 objects, {found}"
        for row in (2, 6, 10)
        for m, found in ((4, "7 boxes found, 6 right"), (40, "1 box found, 0 right"))
    ]


def test_the_table_has_each_class_and_size_in_percent_with_its_objects(made: Tables) -> None:
    text = re.sub(r"\s+", " ", prose(pages.what_is_found(made)))
    found = "100.0 (100 to 100) 50.5 (50 to 50) 0.0 (0 to 0) 100.0 (100 to 100) 0.0 (0 to 0)"
    for name, objects in (("cell", 36), ("ring", 36), *((f"{size} objects", 24) for size in detections.SIZES)):
        assert f"{name} {objects} {found}" in text


def test_a_photograph_has_its_pixels_all_objects_and_what_is_found(made: Tables) -> None:
    _, (_, first), *_ = images(pages.what_is_found(made))
    (image,) = first.iter(f"{SVG}image")
    photograph = made.summary["data"]["objects"]["photographs"][0]
    assert image.get("href") == f"data:image/jpeg;base64,{photograph['jpeg']}"
    assert (first.get("width"), first.get("height")) == ("480", "360") == (image.get("width"), image.get("height"))
    colours = [box.get("stroke") for box in first.iter(f"{SVG}rect")]
    assert colours.count(BLUE) == PLACES and colours.count(VERMILION) == 1
    dashed = [box for box in first.iter(f"{SVG}rect") if box.get("stroke-dasharray")]
    left, top, right, bottom, _ = photograph["boxes"][0]
    sides = [float(dashed[0].get(name, "")) for name in ("x", "y", "width", "height")]
    assert len(dashed) == PLACES
    assert sides == pytest.approx([480 * left, 360 * top, 480 * (right - left), 360 * (bottom - top)], abs=0.06)
    assert [text.text for text in first.iter(f"{SVG}text")] == ["cell 30", *["cell 90", "ring 90"] * 3], (
        "the highest score last"
    )


@given(
    st.sampled_from([(24, 32), (32, 24), (4000, 300), (7, 7)]),
    st.lists(st.floats(-0.2, 1.2), min_size=4, max_size=4),
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40),
)
def test_any_photograph_box_and_name_is_an_image_whose_words_lie_in_it(shape, sides, name) -> None:
    (left, right), (top, bottom) = sorted(sides[::2]), sorted(sides[1::2])
    box = {"left": left, "top": top, "right": right, "bottom": bottom}
    found = pd.DataFrame([{**box, "class": 0, "score": 0.5, "is_object": False}])
    shown = {"height": shape[0], "width": shape[1], "jpeg": "", "boxes": [[0.1, 0.1, 0.2, 0.2, 0]]}
    svg = ElementTree.fromstring(figures.photograph(shown, found, [name]))
    width, height = (float(svg.get(side, "")) for side in ("width", "height"))
    assert max(width, height) == figures.SHOWN and width / height == pytest.approx(shape[1] / shape[0], rel=0.03)
    (text,) = svg.iter(f"{SVG}text")
    assert text.text == f"{name} 50"
    assert 0 <= float(text.get("x", "")) <= width and figures.TEXT <= float(text.get("y", "")) <= max(
        height, figures.TEXT
    )


def test_hostile_names_are_words_and_nothing_else(tmp_path: Path) -> None:
    shown = pages.what_is_found(tables(tmp_path, HOSTILE))
    assert "<script" not in shown.text and "<b>" not in shown.text
    text = prose(shown)
    for name in HOSTILE:
        assert name in text
    (_, curves), (_, photograph), *_ = images(shown)
    for svg in (curves, photograph):
        written = {text.text for text in svg.iter(f"{SVG}text")}
        assert not [*svg.iter(f"{SVG}script")]
        assert all(any(name in one for one in written if one) for name in HOSTILE)


def test_of_many_classes_the_rest_are_said_to_be_in_the_files(tmp_path: Path) -> None:
    made = tables(tmp_path, tuple(f"class {number}" for number in range(80)))
    text = prose(pages.what_is_found(made))
    assert "50 classes more are in data/tables/made_up/objects.csv." in text
    assert "The curves of 71 other classes are in precision.csv." in text and "of 72 classes:" not in text
    assert "class 29" in text and "class 30 " not in text


def test_of_many_batch_sizes_the_rest_are_said_to_be_in_the_files(made: Tables, monkeypatch) -> None:
    monkeypatch.setattr(pages, "MOST_BATCH_SIZES", 2)
    text = prose(pages.what_is_found(made))
    assert "1 batch size more is in data/tables/made_up/objects.csv." in text and "AP50, m = 40" not in text


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The whole report of a study with 80 classes, hostile ones among them, and large photographs of noise."""
    root = tmp_path_factory.mktemp("here")
    (root / "reports").mkdir()
    for name in ("batchwise", "reports/study.ipynb", "reports/template"):
        (root / name).symlink_to(ROOT / name)
    names = (*HOSTILE, *(f"class {number}" for number in range(80 - len(HOSTILE))))
    made = fabricated_objects.files(fabricated_objects.data_set(names, (480, 480, 3), rows=48))
    write(root / "data/tables/objects", made, study="objects")
    return Page(run_stage(root, "objects"))


def test_the_whole_report_is_small_and_runs_nothing_of_a_name(page: Page) -> None:
    assert len(page.text.encode()) <= downloads.LARGEST
    assert len(page.all("script")) == 1 and not page.all("b")
    assert len(page.images()) >= 7 and all(ElementTree.fromstring(image) is not None for image in page.images())


def test_the_whole_report_says_what_is_a_row_and_what_an_object(page: Page) -> None:
    assert "80 classes of objects, 240 objects in the training rows" in page.prose
    assert "Too few test objects to judge by: 80 classes have fewer than 20" in page.prose
    assert not re.search(r"\b(nan|None)\b", page.prose)


def test_a_study_without_boxes_has_no_such_part() -> None:
    assert pages.what_is_found(study().tables).text == ""


def test_where_no_run_ended_ok_there_are_neither_curves_nor_photographs(made: Tables) -> None:
    nothing = {name: getattr(made, name).iloc[:0] for name in ("precision", "photographs")}
    unknown = made.objects.assign(**{name: np.nan for name in made.objects if name.startswith("ap")})
    shown = pages.what_is_found(dataclasses.replace(made, objects=unknown, **nothing))
    assert images(shown) == [] and "nan" not in prose(shown) and "–" in prose(shown)


def test_words_of_one_and_of_several() -> None:
    found = pd.DataFrame({"is_object": [True, False]})
    one = {"row": 3, "boxes": [[0, 0, 1, 1, 0]]}
    assert sentences.photograph(one, found, 4096) == "Test row 3 at m = 4,096: 1 object, 2 boxes found, 1 right"
    assert sentences.photograph(one, found[:1], 8) == "Test row 3 at m = 8: 1 object, 1 box found, 1 right"
    assert (
        sentences.photograph({"row": 3, "boxes": []}, found[:0], 8) == "Test row 3 at m = 8: 0 objects, 0 boxes found"
    )


def about(train: list[int], test: list[int], **more: object) -> Tables:
    """Return tables of a study with so many objects of each class in its rows."""
    made = study(data={"labels": "boxes", "class_names": ["cell", "ring"], "input_shape": [24, 32, 3], **more}).tables
    data = {**made.summary["data"], "class_counts": {"train": train, "test": test}}
    return dataclasses.replace(made, summary=made.summary | {"data": data})


def test_unequal_classes_are_told_in_objects() -> None:
    unequal, few = classes.unequal(about([500, 20], [60, 10]))
    assert unequal.startswith(
        "Classes are unequal: of 70 objects in 400 test rows 60 are cell and 10 are ring. The best"
    )
    assert few == "Too few test objects to judge by: 10 are ring; at least 20 of a class are needed."
    assert classes.unequal(about([500, 400], [60, 50])) == []
    (of_train,) = classes.unequal(about([500, 20], [30, 30]))
    assert of_train.startswith(
        "Classes are unequal: of 520 objects in 1,000 training rows 500 are cell and 20 are ring."
    )


def test_facts_count_objects_and_say_what_was_mended() -> None:
    made = about([500, 20], [60, 10])
    assert study_facts.labels(made.summary["data"]) == "2 classes of objects, 520 objects in the training rows"
    one = made.summary["data"] | {"class_names": ["cell"], "class_counts": {"train": [1]}}
    assert study_facts.labels(one) == "1 class of objects, 1 object in the training rows"


def test_facts_say_when_scores_are_taken(made: Tables) -> None:
    def options(**recipe: object) -> dict[str, str]:
        return dict(study_facts.options(made.summary | {"recipe": made.summary["recipe"] | recipe}))

    assert "Scores" not in options()
    assert options(scores_every="doubling")["Scores"] == "after 1, 2, 4, … epochs, and the last"
    assert options(scores_every=5)["Scores"] == "after every 5 epochs, and the last"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"flip": True}, "random flips"),
        ({"flip_vertically": True}, "random flips, top to bottom"),
        ({"flip": True, "flip_vertically": True}, "random flips, left to right and top to bottom"),
        ({"pad": 1, "flip": True}, "random crops after padding by 1 pixel and random flips"),
        ({"zoom": 1.15}, "resized by 1/1.15 to 1.15"),
        ({"pad": 4, "zoom": 2.0}, "random crops after padding by 4 pixels and resized by 1/2 to 2"),
    ],
)
def test_facts_say_how_images_are_changed(changes: dict, says: str) -> None:
    none = {"pad": 0, "flip": False, "flip_vertically": False, "zoom": 1.0}
    assert study_facts.augmentation({"augmentation": none | changes}) == says


def test_mended_files_are_among_the_facts(made: Tables, tmp_path: Path) -> None:
    data = dataclasses.replace(fabricated_objects.data_set(), notes=("2 boxes had no area", "1 image was turned"))
    mended = study_tables.read(write(tmp_path / "made_up", fabricated_objects.files(data)))
    assert dict(study_facts.facts(mended))["Mended"] == "2 boxes had no area; 1 image was turned"
    assert "Mended" not in dict(study_facts.facts(made))


def test_the_part_stands_with_the_results_of_each_batch_size(made: Tables) -> None:
    assert pages.what_is_found(made).text in study_page.by_batch_size(made).text
