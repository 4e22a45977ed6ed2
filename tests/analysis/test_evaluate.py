"""From run files to the files of the tables: counts, means, differences, and what must leave no trace."""

import ast
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from batchwise.analysis import class_table, run_metrics, study_tables
from batchwise.analysis.columns import columns, quantities
from batchwise.analysis.evaluate import definition, evaluate
from batchwise.common import sealed, stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.common.serialization import as_json
from batchwise.common.source_closure import closure
from batchwise.config import grid, params, study_files
from batchwise.config.grid import Run
from batchwise.training import run_result
from batchwise.training.run_result import RunResult
from stages import evaluate as stage
from tests import shards
from tests.fabricated import (
    MANIFEST,
    METRICS,
    UNVALIDATED,
    diverged,
    files,
    parse,
    random_result,
    study,
    tables,
    write_runs,
)

STUDY = study([8, 2, 40, 1000], [0.5, 0.125, 0.25], seeds=3)
TABLES = ("runs", "cells", "batch_sizes", "confirmed", "curves", "branches", "classes")


def mixed(run: Run, salt: int = 0) -> RunResult:
    """A run of STUDY; those of large rates and seed 1 diverge, others run out of memory or fail."""
    fine = random_result(run, STUDY, salt=salt)
    if run.learning_rate > 10:
        return run_result.without_evaluations("out_of_memory" if run.seed else "failed", "too large")
    return diverged(fine, 2) if run.learning_rate >= 8 and run.seed == 1 else fine


@pytest.fixture(scope="module")
def made() -> dict:
    return tables(STUDY, mixed)


@pytest.mark.parametrize("manifest", [MANIFEST, UNVALIDATED])
def test_every_column_is_documented_and_every_documented_column_exists(manifest: dict) -> None:
    written = tables(STUDY, lambda run: random_result(run, STUDY, manifest), manifest)
    found = {column for name in (*TABLES, "columns") for column in written[name]}
    texts = {**class_table.COLUMNS, **columns(METRICS, STUDY.statistic)}
    assert found == set(texts)
    assert dict(written["columns"].itertuples(index=False)) == texts


def test_there_is_a_row_for_each_cell_as_asked(made: dict) -> None:
    sizes, rates, seeds = sorted(STUDY.grid.batch_sizes), sorted(STUDY.grid.base_learning_rates), range(3)
    keys = ["batch_size", "base_learning_rate", "seed"]
    asked = [(m, rate, seed) for m in sizes for rate in rates for seed in seeds]
    assert list(made["runs"][keys].itertuples(index=False, name=None)) == asked
    assert list(made["cells"][keys[:2]].itertuples(index=False, name=None)) == [key[:2] for key in asked[::3]]
    assert made["batch_sizes"]["batch_size"].tolist() == sizes
    assert (
        made["runs"]["learning_rate"] == made["runs"]["effective_batch_size"] * made["runs"]["base_learning_rate"]
    ).all()


def test_counts_add_up(made: dict) -> None:
    cells, facts = made["cells"], made["summary"]
    assert (cells[["ok", "diverged", "out_of_memory", "failed"]].sum(axis=1) == cells["runs"]).all()
    distinct = made["runs"][made["runs"]["batch_size"] <= 40]
    assert facts["runs_by_status"] == {
        status: (distinct["status"] == status).sum() for status in facts["runs_by_status"]
    }
    assert all(facts["runs_by_status"].values()), "the made-up study has runs of every status"
    assert facts["grid"] == {"batch_sizes": 4, "base_learning_rates": 3, "seeds": 3, "cells": 12, "runs": 27}
    ok = made["runs"][made["runs"]["status"] == "ok"]
    assert (ok["test_correct"] + ok["test_wrong"] == 2000).all()
    assert (ok["generalisation_gap"] == ok["train_accuracy_final"] - ok["test_accuracy_final"]).all()


def test_a_run_that_is_not_ok_has_no_numbers(made: dict) -> None:
    bad = made["runs"][made["runs"]["status"] != "ok"]
    empty = [column for column in bad if "accuracy" in column or "loss" in column or column.startswith("test_")]
    assert len(empty) == 14 and bad[[*empty, "generalisation_gap"]].isna().all(axis=None) and not bad["trained"].any()
    stopped = bad[bad["status"] == "diverged"]
    assert (stopped["diverged_epoch"] == 2).all() and (stopped["epochs"] == 2).all()
    assert (stopped["updates"] == 2 * np.ceil(40 / stopped["effective_batch_size"])).all()


def on_its_scale(name: str, values: pd.Series) -> list[float]:
    """Return the 95 % interval of a mean by the delta method: of a share by log-odds, of a loss by logarithms."""
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    mean, half = values.mean(), (interval.high - interval.low) / 2
    if name.endswith("accuracy"):
        return special.expit(special.logit(mean) + np.array([-1, 1]) * half / (mean * (1 - mean))).tolist()
    return [mean * np.exp(sign * half / mean) for sign in (-1, 1)] if "loss" in name else [mean - half, mean + half]


def test_cells_hold_the_mean_and_interval_of_their_ok_runs(made: dict) -> None:
    groups = made["runs"][made["runs"]["status"] == "ok"].groupby(["batch_size", "base_learning_rate"])
    cells = made["cells"].set_index(["batch_size", "base_learning_rate"])
    for key, runs in groups:
        for name in quantities(METRICS):
            assert cells.loc[key, f"{name}_mean"] == pytest.approx(runs[name].mean())
            if runs[name].nunique() > 1:  # scipy warns of equal values; test_statistics.py has them
                found = cells.loc[key, [f"{name}_low", f"{name}_high"]].tolist()
                assert found == pytest.approx(on_its_scale(name, runs[name]))
    assert cells.loc[cells["ok"] == 0, [f"{name}_mean" for name in quantities(METRICS)]].isna().all(axis=None)


@settings(max_examples=5)
@given(st.integers(1, 1000))
def test_what_a_diverged_run_held_never_enters_a_mean(salt: int) -> None:
    def other(run: Run) -> RunResult:
        result = mixed(run)
        return diverged(random_result(run, STUDY, salt=salt), 2) if result.status == "diverged" else result

    before, after = files(STUDY, mixed), files(STUDY, other)
    for name in ("runs.csv", "cells.csv", "batch_sizes.csv", "metrics.json"):
        assert before[name] == after[name]


def test_batch_sizes_hold_the_numbers_of_their_chosen_cell(made: dict) -> None:
    cells = made["cells"].set_index(["batch_size", "base_learning_rate"])
    chosen = made["batch_sizes"].dropna(subset="base_learning_rate").set_index(["batch_size", "base_learning_rate"])
    shared = [column for column in chosen if column in cells and not column.startswith("reliable")]
    assert len(chosen) >= 3 and len(shared) > 20
    pd.testing.assert_frame_equal(chosen[shared], cells.loc[chosen.index, shared], check_dtype=False)


def test_differences_are_paired_by_seed() -> None:
    made = tables(STUDY, lambda run: random_result(run, STUDY))
    by_seed = made["runs"].set_index(["batch_size", "base_learning_rate"])["test_accuracy"]
    table = made["batch_sizes"].set_index("batch_size")
    reference = made["summary"]["reference_batch_size"]
    against = by_seed.loc[reference, table.loc[reference, "base_learning_rate"]].to_numpy()
    for m, row in table.iterrows():
        values = by_seed.loc[m, row["base_learning_rate"]].to_numpy()
        assert row["difference_n"] == 3
        if m == reference:
            assert row["difference_mean"] == 0 and row[["difference_low", "difference_high"]].isna().all()
        elif row["effective_batch_size"] != table.loc[reference, "effective_batch_size"]:
            interval = stats.ttest_rel(values, against).confidence_interval(0.95)
            found = row[["difference_mean", "difference_low", "difference_high"]].tolist()
            assert found == pytest.approx([(values - against).mean(), interval.low, interval.high])


def test_more_rows_than_there_are_is_all_of_them(made: dict) -> None:
    for name in TABLES:
        table = made[name]
        all_rows, more = (
            table[table["batch_size"] == m].drop(columns="batch_size").reset_index(drop=True) for m in (40, 1000)
        )
        pd.testing.assert_frame_equal(all_rows, more)
    (note,) = made["summary"]["same_as"]
    assert (note["batch_size"], note["effective_batch_size"], note["identical_to"]) == (1000, 40, 40)
    alone = study([8, 1000], [0.5], seeds=3)
    assert tables(alone, mixed)["summary"]["same_as"][0]["identical_to"] is None


def test_cells_that_left_the_grid_leave_no_trace(tmp_path: Path) -> None:
    small = study([8, 2], [0.125, 0.5], seeds=2)
    write_runs(tmp_path, STUDY, mixed)
    left_over = evaluate("made_up", small, MANIFEST, METRICS, run_metrics.read(tmp_path, "made_up", small, MANIFEST))
    assert left_over == files(small, mixed)


def test_the_order_of_the_parameters_changes_no_table() -> None:
    turned = study([1000, 40, 2, 8], [0.25, 0.5, 0.125], seeds=3)
    before, after = files(STUDY, mixed), files(turned, mixed)
    assert {name for name in before if before[name] != after[name]} == {"study.json", "summary.json"}  # its checksum


def test_files_are_plain(made: dict) -> None:
    written = files(STUDY, mixed)
    assert written == files(STUDY, mixed)
    for name, content in written.items():
        assert b"\r" not in content and content.endswith(b"\n") and not content.endswith(b"\n\n")
        if name.endswith(".json"):
            json.loads(content, parse_constant=pytest.fail)
        else:
            assert not {"nan", "inf", "-inf", "<NA>", "NaN"} & set(content.decode().replace("\n", ",").split(","))
    line = pd.read_csv(io.BytesIO(written["runs.csv"]), dtype=str)["train_accuracy"].dropna()
    assert all(repr(float(text)) == text for text in line)


def test_curves_are_those_of_the_chosen_cells(made: dict) -> None:
    chosen = made["batch_sizes"].dropna(subset="base_learning_rate")
    keys = ["batch_size", "base_learning_rate"]
    assert made["curves"][keys].drop_duplicates().to_numpy().tolist() == chosen[keys].to_numpy().tolist()
    assert (made["curves"].groupby([*keys, "seed"])["epoch"].apply(list).map(lambda e: e == list(range(8)))).all()
    last = made["curves"][made["curves"]["epoch"] == 7].set_index([*keys, "seed"])
    final = made["runs"].set_index([*keys, "seed"]).loc[last.index]
    np.testing.assert_allclose(last["test_loss"], final["test_loss_final"], rtol=1e-6)
    np.testing.assert_allclose(last["train_accuracy"], final["train_accuracy_final"], rtol=1e-6)


def test_a_budget_of_updates_is_counted() -> None:
    fixed = study([1, 16, 40], [0.25], seeds=2, budget={"updates": 100})
    made = tables(fixed, lambda run: random_result(run, fixed))
    assert made["batch_sizes"]["updates"].tolist() == [100] * 3 and set(made["runs"]["updates"]) == {100}
    assert made["runs"]["epochs"].tolist() == [3, 3, 34, 34, 100, 100]  # ceil(100 / ceil(40 / m))


def test_provenance_lists_the_environments_that_differ(tmp_path: Path, made: dict) -> None:
    assert made["summary"]["provenance"]["environment"] == {"tensorflow": "2.21.0", "device": "cpu"}
    assert made["summary"]["provenance"]["xla"] is True
    write_runs(tmp_path, STUDY, mixed)
    run = grid.runs(STUDY, 40)[0]
    shards.change_inputs(tmp_path, run.name, lambda shared: shared.update(environment={"device": "gpu"}))
    by_run = run_metrics.read(tmp_path, "made_up", STUDY, MANIFEST)
    parsed = parse(evaluate("made_up", STUDY, MANIFEST, METRICS, by_run))
    provenance = parsed["summary"]["provenance"]
    assert provenance["environment"] == [{"device": "cpu", "tensorflow": "2.21.0"}, {"device": "gpu"}]
    assert provenance["results"] == made["summary"]["provenance"]["results"]
    assert provenance["parameters"] == made["summary"]["provenance"]["parameters"]


@pytest.mark.parametrize("name", sorted(params.load(ROOT / "params.yaml").studies))
def test_the_tables_hold_their_study(tmp_path: Path, name: str) -> None:
    """Stages that read the tables need no params.yaml."""
    asked = params.load(ROOT / "params.yaml").studies[name]
    stage_outputs.write(tmp_path, {"study.json": as_json(definition(asked))})
    assert study_tables.read_study(tmp_path) == asked
    stage_outputs.write(tmp_path, {"study.json": b'{"budget": 3}'})
    with pytest.raises(UserError, match=r"study\.json is damaged; run .*evaluate@"):
        study_tables.read_study(tmp_path)
    (tmp_path / "study.json").unlink()
    with pytest.raises(UserError, match=r"study\.json cannot be read \(No such file.*\); run .*evaluate@"):
        study_tables.read_study(tmp_path)


def test_the_answer_is_told_with_its_spread(made: dict) -> None:
    facts, table = made["summary"], made["batch_sizes"].set_index("batch_size")
    best = table.loc[facts["best_batch_size"]]
    assert best["validation_accuracy_mean"] == table["validation_accuracy_mean"].max()
    accuracy = facts["test_accuracy"]
    assert [accuracy["mean"], accuracy["low"], accuracy["high"]] == [
        best[f"test_accuracy_{bound}"] for bound in ("mean", "low", "high")
    ]
    assert accuracy["n"] == 3
    for end in ("low", "high"):
        assert accuracy[f"new_rows_{end}"] == best[f"test_accuracy_new_rows_{end}"]


def test_dvc_compares_six_numbers(made: dict) -> None:
    facts, table = made["summary"], made["batch_sizes"]
    assert made["metrics"] == {
        "batch_size": facts["best_batch_size"],
        "base_learning_rate": facts["best_base_learning_rate"],
        "test_accuracy": facts["test_accuracy"]["mean"],
        "test_accuracy_low": facts["test_accuracy"]["low"],
        "test_accuracy_high": facts["test_accuracy"]["high"],
        "largest_batch_size_difference": pytest.approx(table["difference_mean"].iloc[-1]),
    }


def test_dvc_compares_the_reference_where_nothing_is_selected() -> None:
    single = study([8, 2], [0.25])
    made = tables(single, lambda run: random_result(run, single, UNVALIDATED), UNVALIDATED)
    cells = made["cells"].set_index("batch_size")["test_accuracy_mean"]
    found = made["metrics"]
    assert (found["batch_size"], found["base_learning_rate"], found["test_accuracy"]) == (2, 0.25, cells[2])
    assert found["largest_batch_size_difference"] == pytest.approx(cells[8] - cells[2])


def test_one_seed_has_no_interval() -> None:
    single = study([2, 8], [0.125, 0.5], seeds=1)
    made = tables(single, lambda run: random_result(run, single))
    assert made["cells"]["test_accuracy_mean"].notna().all()
    assert made["cells"][["test_accuracy_low", "test_accuracy_high"]].isna().all(axis=None)


def test_the_stage_writes_the_folder_and_nothing_else_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data/studies").mkdir(parents=True)
    Path("data/studies/made_up.json").write_bytes(study_files.as_bytes(STUDY))
    write_runs(Path("data/runs/made_up"), STUDY, mixed)
    Path("data/prepared/studies").mkdir(parents=True)
    Path("data/prepared/studies/made_up.json").write_bytes(sealed.as_json(MANIFEST))
    folder = Path("data/tables/made_up")
    folder.mkdir(parents=True)
    (folder / "left_over.csv").write_text("old")
    stage.main("made_up")
    expected = files(STUDY, mixed)
    assert Path("data/metrics/made_up.json").read_bytes() == expected.pop("metrics.json")
    assert Path("data/plots/made_up.csv").read_bytes() == expected.pop("plot.csv")
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written.pop(stage_outputs.SUMS).count(b"\n") == len(expected)
    assert written == expected


def test_evaluation_needs_no_training_framework() -> None:
    for file in closure("stages/evaluate.py"):
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
            )
            assert not any((name or "").split(".")[0] in ("tensorflow", "keras", "sklearn") for name in names), file


def test_the_recall_of_each_class_is_that_of_the_chosen_runs_that_ended_ok(made: dict) -> None:
    chosen = made["batch_sizes"].dropna(subset="base_learning_rate")
    assert made["classes"]["batch_size"].tolist() == np.repeat(chosen["batch_size"], 2).tolist()
    for row in made["classes"].to_dict("records"):
        base = chosen.loc[chosen["batch_size"].eq(row["batch_size"]), "base_learning_rate"].item()
        [cell] = [
            cell
            for cell in grid.cells(STUDY, MANIFEST["rows"]["train"])
            if (cell.batch_size, cell.base_learning_rate) == (row["batch_size"], base)
        ]
        ended = [mixed(run) for run in grid.runs_of(cell, STUDY)]
        recalls = [found.by_class["recall"][2, row["class"]] for found in ended if found.status == "ok"]
        assert row["n"] == len(recalls) and row["test_rows"] == MANIFEST["class_counts"]["test"][row["class"]]
        assert row["recall_mean"] == pytest.approx(np.mean(recalls))


def test_a_seed_without_test_rows_of_a_class_counts_for_the_others_alone() -> None:
    [cell, *_] = grid.cells(STUDY, MANIFEST["rows"]["train"])
    recalls = ([0.5, np.nan], [0.7, 0.2], [0.6, 0.4])  # of each seed: with folds, each has test rows of its own
    runs = [SimpleNamespace(by_class={"recall": np.array([[0, 0], [0, 0], values])}) for values in recalls]
    results = [(cell, run, found) for run, found in zip(grid.runs_of(cell, STUDY), runs, strict=True)]
    found = class_table.table(MANIFEST, results)
    assert found["n"].tolist() == [3, 2]
    assert found["recall_mean"].tolist() == pytest.approx([0.6, 0.3])
