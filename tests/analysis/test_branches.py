"""Branches: which runs they are, their table, and the batch size at which they fall behind."""

import dataclasses
import re

import html5lib
import numpy as np
import pandas as pd
import pytest

from batchwise.analysis import branches
from batchwise.analysis.branches import BEHIND, KEEPS_UP, UNKNOWN
from batchwise.config import grid
from batchwise.report.pages import branches as page
from batchwise.report.sentences.branches import NONE
from tests import fabricated, fabricated_reports
from tests.fabricated import LOSS

GIVEN = {"batch_size": 4, "base_learning_rate": 0.25, "moments": [0.1, 0.5], "batch_sizes": [2, 8, 64], "length": 0.2}
STUDY = fabricated.study([4, 16], [0.25, 0.5], seeds=2, budget={"epochs": 10}, scaling="sqrt", branches=GIVEN)


def test_each_seed_has_a_branch_at_each_moment_for_each_batch_size_and_the_one_that_is_kept() -> None:
    runs = grid.branch_runs(STUDY, 40)
    assert [run.seed for run in runs] == [0] * 8 + [1] * 8
    assert {(run.effective_batch_size, run.learning_rate) for run in runs} == {(4, 0.5)}
    assert [run.branch[:3] for run in runs[:8]] == [
        *((1, 3, m) for m in (2, 4, 8, 40)),
        *((5, 7, m) for m in (2, 4, 8, 40)),
    ]
    np.testing.assert_allclose([run.branch[3] for run in runs[:4]], np.sqrt([0.5, 1, 2, 10]))
    assert len({run.name for run in grid.all_runs(STUDY, 40)}) == len(grid.runs(STUDY, 40)) + 16


def test_the_table_has_what_the_runs_files_hold() -> None:
    table = fabricated.tables(STUDY, lambda run: fabricated.random_result(run, STUDY))["branches"]
    run = grid.branch_runs(STUDY, 40)[-1]
    expected, row = fabricated.random_result(run, STUDY).metrics, table.iloc[-1]
    assert len(table) == 16 and row["moment"] == 0.5 and row["batch_size"] == 40 and row["updates"] == 2
    np.testing.assert_allclose(row["learning_rate"], 0.25 * np.sqrt(40))
    np.testing.assert_allclose(row["train_loss_final"], expected["loss"][7, 0])
    np.testing.assert_allclose(row["test_accuracy_final"], expected["accuracy"][7, 2])


def made(losses: dict[float, dict[int, list[float]]], status: str = "ok") -> pd.DataFrame:
    """Return a table of branches from runs with m = 4, of {moment: {m: losses of seeds}}."""
    rows = [
        (moment, 1, 3, m, 4, 0.5, seed, status if np.isnan(loss) else "ok", 2, loss)
        for moment, by_size in losses.items()
        for m, values in by_size.items()
        for seed, loss in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=[*branches.CELL, *OTHERS])


OTHERS = ["kept_batch_size", "learning_rate", "seed", "status", "updates", LOSS.column("train", "final")]
MARGIN = LOSS.least_margin / LOSS.scale
NEAR, FAR = np.array([0.1, 0.2, 0.15]) * MARGIN, np.array([3.1, 3.2, 3.15]) * MARGIN
LOSSES = {
    0.1: {4: np.ones(3), 8: 1 + FAR, 16: 1 + 2 * FAR},
    0.5: {4: np.ones(3), 8: 1 + NEAR, 16: 1 + FAR},
    0.9: {4: np.ones(3), 8: 1 + NEAR, 16: 1 - FAR},
}


def test_the_critical_batch_size_is_where_the_loss_crosses_the_margin() -> None:
    found = branches.critical(made(LOSSES), LOSS).set_index("moment")
    assert found["at_least"].tolist() == [4, 8, 16]
    np.testing.assert_array_equal(found["below"], [8, 16, np.nan])
    crossing = [[2 + 1 / far for far in FAR / MARGIN], 3 + (MARGIN - NEAR) / (FAR - NEAR), [4, 4, 4]]
    np.testing.assert_allclose(np.log2(found["critical"]), np.mean(crossing, axis=1), atol=1e-6)
    assert found["beyond"].tolist() == [False, False, True]


def test_one_that_cannot_be_told_keeps_the_larger_ones_from_being_said_to_keep_up() -> None:
    unclear = np.array([-5.0, 0.0, 5.0]) * MARGIN
    table = made({0.5: {4: np.ones(3), 8: 1 + unclear, 16: 1 + NEAR, 32: 1 + FAR}})
    assert branches.by_batch_size(table, LOSS)["says"].tolist() == ["", UNKNOWN, KEEPS_UP, BEHIND]
    (row,) = branches.critical(table, LOSS).to_dict("records")
    assert (row["at_least"], row["below"]) == (4, 32)


@pytest.mark.parametrize(("status", "n"), [("diverged", 3), ("out_of_memory", 2)])
def test_a_branch_that_diverged_falls_behind_and_one_without_memory_says_nothing(status, n) -> None:
    table = made({0.5: {4: 0.1 * np.ones(3), 8: [0.1, 0.1, np.nan]}}, status)
    (row,) = branches.critical(table, LOSS).to_dict("records")
    assert row["n"] == n and row["beyond"]


def test_a_report_shows_each_branch_and_says_where_there_is_none(tmp_path) -> None:
    tables = fabricated_reports.results(tmp_path, fabricated_reports.ok, fabricated_reports.profile()).tables
    assert NONE in page.section(tables).text
    with_branches = dataclasses.replace(tables, branches=made(LOSSES), summary=tables.summary | {"branches": GIVEN})
    text = page.section(with_branches).text.replace("&nbsp;", " ").replace("\u00a0", " ")
    html5lib.HTMLParser(strict=True).parseFragment(text)
    assert "The critical batch size is about 5 after 10 %" in text
    assert "above 16 after 90 % of the epochs" in text and "<td>at least 8, below 16</td>" in text
    assert text.count(f"<td>{BEHIND}</td>") == 3 and text.count("<figure") == 1
    assert not re.search(r"\bnan\b", re.sub('base64,[^"]*|data:text[^"]*', "", text))
    empty = dataclasses.replace(with_branches, branches=made(LOSSES).iloc[:0])
    assert "the table of the branches is empty" in page.section(empty).text
