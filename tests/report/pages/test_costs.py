"""What reports say of costs, and the index page, in this process: on made-up runs, times and landscapes."""

import shutil
from dataclasses import replace
from pathlib import Path

import html5lib
import numpy as np
import pandas as pd
import pytest

from batchwise.analysis import costs, equal_budgets, profile_summary, run_metrics, study_tables
from batchwise.analysis.cost_tables import read_costs
from batchwise.claims import questions
from batchwise.common import stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.measuring.landscape import landscape_files, output
from batchwise.measuring.landscape.columns import tables as landscape_tables
from batchwise.measuring.profiling import profile_files
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.report.pages import costs as cost_page
from batchwise.report.pages import index as index_page
from batchwise.report.sentences import costs as cost_sentences
from tests import fabricated
from tests.fabricated import ACCURACY
from tests.report.test_report import ABOUT, write

SIZES = [2, 4, 8, 16, 40]
HOSTILE = "<script>alert(1)</script>"


def profile() -> Profile:
    """Return a profile in which an update takes 100 µs and 1 µs for each row, and memory ends at 160 rows."""
    points = pd.DataFrame({"batch_size": [*SIZES, 40], "dtype": ["float32"] * 5 + ["float64"]})
    points = points.assign(
        purpose=["grid"] * 5 + ["dtype"],
        status="ok",
        compile_seconds=0.5,
        input_shape=[f"{m} 7" for m in points["batch_size"]],
        updates_per_epoch=-(-40 // points["batch_size"]),
        ragged_rows=40 % points["batch_size"],
        memory_peak_bytes=5e8 + 1e6 * points["batch_size"],
    ).reindex(columns=list(profile_files.POINTS))
    rows = [
        (m, dtype, part, number, process, (1e-4 + 1e-6 * m) * (1 + 0.01 * number))
        for m, dtype in zip(points["batch_size"], points["dtype"], strict=True)
        for part in ("whole", "ragged", "side_by_side")
        for process in range(3)
        for number in range(7)
    ]
    doubling = pd.DataFrame(
        {
            "batch_size": [40, 80, 160],
            "status": ["fits", "fits", "out_of_memory"],
            "memory_peak_bytes": [6e8, 7e8, None],
        }
    ).reindex(columns=list(profile_files.DOUBLING))
    machine = {
        "xla": True,
        "device": HOSTILE,
        "cores": 2,
        "memory_limit_bytes": 1e9,
        "training_rows": 40,
        "has_bfloat16": False,
    }
    return Profile(points, pd.DataFrame(rows, columns=list(profile_files.REPETITIONS)), doubling, machine)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the tables, costs, profile and landscape of one study."""
    folder = tmp_path_factory.mktemp("data")
    made = fabricated.study(SIZES, [0.125, 0.25, 0.5]).model_copy(update={"targets": [0.8, 0.99]})

    def result(run):
        return fabricated.random_result(run, made)

    tables = write(folder / "tables/made_up", fabricated.files(made, result, {**fabricated.MANIFEST, **ABOUT}))
    fabricated.write_runs(folder / "runs", made, result)
    by_run = run_metrics.read(folder / "runs", "made_up", made, fabricated.MANIFEST)
    curves = equal_budgets.of_study(made, 40, fabricated.ACCURACY, by_run)
    measured = profile()
    table = study_tables.read(tables)
    written = {
        "profiles": profile_files.files(measured),
        "costs": costs.files(made, curves, table, measured, profile_summary.summary(measured)),
        "landscapes": output.files("made_up", fabricated.ACCURACY, [2, 40], {}, {}),
    }
    cells = pd.DataFrame({"batch_size": [2, 2, 40, 40], "seed": [0, 1, 0, 1]})
    cells = cells.reindex(columns=list(landscape_tables(fabricated.ACCURACY)["cells"])).fillna(1.5)
    written["landscapes"]["cells.csv"] = cells.to_csv(index=False).encode()
    for kind, files in written.items():
        stage_outputs.write(folder / kind / "made_up", files)
    return folder


def test_the_parts_of_a_report_are_valid_and_say_the_fits(data) -> None:
    of_costs, of_profile, of_landscape = cost_page.read(data, "made_up")
    parts = [
        cost_page.choice(of_costs, ACCURACY),
        cost_page.budgets(of_costs, ACCURACY),
        cost_page.time_and_memory(of_costs, of_profile),
        cost_page.noise_and_shape(of_landscape),
    ]
    text = "\n".join(part.text for part in parts)
    html5lib.HTMLParser(strict=True).parseFragment(text)
    assert HOSTILE not in text and "&lt;script&gt;" in text
    assert "With 16.0&nbsp;GB" in text or "With 16.0 GB of memory and no deadline use m" in text
    assert "By doubling, m&nbsp;=&nbsp;80 still fits; at m&nbsp;=&nbsp;160 it ended" in text
    assert "each batch size in 3 processes of its own" in parts[2].text
    assert text.count("<figure>") == 3
    assert "from the law" in parts[1].text and "R²" not in parts[1].text
    assert "1.50" in parts[3].text


def test_the_engine_is_that_of_the_measurements(data) -> None:
    of_costs, of_profile, _ = cost_page.read(data, "made_up")

    def said(**machine: object) -> str:
        fits = of_costs.fits | {"machine": of_costs.fits["machine"] | machine}
        made = replace(of_costs, fits=fits)
        parts = cost_page.choice(made, ACCURACY), cost_page.time_and_memory(made, of_profile)
        return " ".join(part.text for part in parts).replace("&nbsp;", " ").replace("\u00a0", " ")

    assert "TensorFlow with it." in said() and "lanes" not in said() and "An update takes 1" in said()
    in_lanes = said(engine="jax", lanes=8)
    assert "JAX with it, and of all 8 lanes." in in_lanes and "TensorFlow" not in in_lanes
    assert "An update takes a run, as its share of 8 runs at once, 1" in in_lanes
    assert "for each row of a batch, in all 8 lanes together (M = c + d·m" in in_lanes
    assert in_lanes.count("its share of those of 8 lanes") == 2  # under the table, and under the figure


def test_a_pipeline_that_does_not_measure_says_so(tmp_path) -> None:
    assert cost_page.read(tmp_path, "made_up") == (None, None, None)
    for part in (
        cost_page.choice(None, ACCURACY),
        cost_page.budgets(None, ACCURACY),
        cost_page.time_and_memory(None, None),
        cost_page.noise_and_shape(None),
    ):
        assert "Not measured" in part.text


def test_the_lines_of_advice_have_every_batch_size(data) -> None:
    table = read_costs(data / "costs/made_up").advice
    lines = cost_sentences.lines(table[table["deadline_seconds"].isna()], ACCURACY)
    assert [line.split()[0] for line in lines[1:]] == [str(m) for m in SIZES]
    assert sum("the choice" in line for line in lines) == 2  # in the heading too


def test_the_index_page_has_every_question_with_its_answer(data) -> None:
    page = index_page.read(data, ["made_up"], ROOT / "reports/claims.csv", [])
    sections = [index_page.section(page, letter) for letter in questions.SECTIONS]
    text = "\n".join(part.text for part in (index_page.head(page), index_page.overview(page), *sections))
    text += index_page.studies(page).text + index_page.provenance(page).text
    html5lib.HTMLParser(strict=True).parseFragment(text)
    assert HOSTILE not in text
    for one in page.answers:
        assert text.count(f'id="{one.question.id}"') == 1
        assert f"{one.question.id}, as it is said:" in text
    verdicts = {one.question.id: one.verdict for one in page.answers}
    assert verdicts["B1"] == verdicts["B2"] == "yes"
    assert "No study here measures it: it takes a study of images with boxes" in text


def test_damaged_and_missing_costs_are_told(data, tmp_path) -> None:
    torn = tmp_path / "made_up"
    shutil.copytree(data / "costs/made_up", torn)
    (torn / "fits.json").write_text("{")
    with pytest.raises(UserError, match=r"fits\.json is damaged or was edited.*; run .*costs@made_up"):
        read_costs(torn)
    (torn / "fits.json").unlink()
    with pytest.raises(UserError, match=r"fits\.json cannot be read \(No such file.*\); run .*costs@made_up"):
        read_costs(torn)
    assert landscape_files.read(data / "landscapes/made_up").cells["batch_size"].tolist() == [2, 2, 40, 40]
    assert np.isfinite(profile_files.read(data / "profiles/made_up").repetitions["seconds"]).all()
