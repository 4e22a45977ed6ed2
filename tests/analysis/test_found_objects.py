"""What detectors find: tables of known detections, and of any against the metrics and an overlap of one's own."""

import dataclasses
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.analysis import found_objects
from batchwise.config import grid
from batchwise.data import task
from batchwise.training import run_result
from batchwise.training.run_result import RunResult
from stages import evaluate as stage
from tests import fabricated, fabricated_objects, shards
from tests.fabricated_objects import NAMES, PLACES, RECALL, ROWS, SIZES, STUDY, found, labels

CELL = grid.cells(STUDY, fabricated.ROWS["train"])[0]
OBJECTS = ROWS * PLACES
POINTS = [f"{name}_{end}" for name in ("ap50", "ap") for end in ("mean", "low", "high")]
DATA = fabricated_objects.data_set()


@cache
def made() -> dict[str, Any]:
    return fabricated.parse(fabricated_objects.files(DATA))


def tables(
    truth: np.ndarray, *predictions: np.ndarray | None, photographs: tuple[int, ...] = ()
) -> dict[str, pd.DataFrame]:
    """Return the tables of an m whose seeds made such predictions; None is a run that did not end ok."""
    runs = grid.with_seeds(CELL, range(len(predictions)))
    statuses = ["diverged" if one is None else "ok" for one in predictions]
    results: Any = [(CELL, run, SimpleNamespace(status=status)) for run, status in zip(runs, statuses, strict=True)]
    boxes = [[box.tolist() for box in row if box[4] >= 0] for row in truth]
    about = {"objects": {"test": boxes, "photographs": [{"row": row} for row in photographs]}, "class_names": NAMES}
    by_run = {run: one for run, one in zip(runs, predictions, strict=True) if one is not None}
    return found_objects.tables(about, results, [CELL.batch_size], by_run.__getitem__)


def overlap(box: list[float], other: list[float]) -> float:
    """Return the intersection over union of two boxes."""
    sides = [max(0.0, min(box[2 + k], other[2 + k]) - max(box[k], other[k])) for k in (0, 1)]
    areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (box, other)]
    return sides[0] * sides[1] / (sum(areas) - sides[0] * sides[1])


def precise_until(recall: float) -> float:
    """Return the average precision of one that finds a share of the objects before anything else (101 recalls)."""
    return (1 + np.floor(100 * recall)) / 101 if recall else 0.0


def test_precision_is_that_of_the_share_that_is_found_of_each_class_and_size() -> None:
    objects = made()["objects"]
    assert objects["batch_size"].unique().tolist() == SIZES
    for m, every in RECALL.items():
        of_m = objects[objects["batch_size"].eq(m)]
        expected = precise_until(1 / every if every else 0)
        np.testing.assert_allclose(of_m[POINTS], expected, rtol=1e-12)
        assert of_m["ap_n"].eq(2).all()


def test_each_class_and_size_has_a_row_at_each_m_with_its_objects() -> None:
    (numbers,) = {tuple(of_m["objects"]) for _, of_m in made()["objects"].groupby("batch_size")}
    assert numbers == (OBJECTS // 2,) * 2 + (OBJECTS // 3,) * 3
    kinds = made()["objects"].groupby("kind")["number"].unique()
    assert {kind: of.tolist() for kind, of in kinds.items()} == {"class": [0, 1], "size": [0, 1, 2]}


def test_curves_are_of_the_ends_and_the_cell_to_use_and_fall_where_no_more_is_found() -> None:
    precision = made()["precision"]
    reference = made()["summary"]["reference_batch_size"]
    assert precision["batch_size"].unique().tolist() == sorted({min(SIZES), reference, max(SIZES)})
    for (m, _), curve in precision.groupby(["batch_size", "class"]):
        assert curve["recall"].tolist() == pytest.approx(np.linspace(0, 1, 51))
        assert curve["precision"].tolist() == [1.0 if RECALL[m] else 0.0] * 51


def test_a_curve_is_the_mean_over_the_seeds() -> None:
    truth = labels()
    curve = tables(truth, found(truth, 1), found(truth, 2))["precision"]
    expected = np.where(curve["recall"] <= 0.5, 1.0, 0.5)
    assert curve["precision"].tolist() == pytest.approx(expected.tolist())


def test_boxes_are_those_of_photographs_from_the_score_with_one_false_box_a_row() -> None:
    photographs = made()["photographs"]
    rows = [one["row"] for one in fabricated_objects.manifest(DATA)["objects"]["photographs"]]
    assert photographs["seed"].eq(0).all() and sorted(photographs["row"].unique()) == rows
    by_row = photographs.groupby(["batch_size", "row"])["is_object"].agg(["sum", "size"])
    for m, row in by_row.index:
        hits = PLACES if RECALL[m] and row % RECALL[m] == 0 else 0
        assert by_row.loc[(m, row)].tolist() == [hits, hits + 1]  # the better of two false boxes


@pytest.mark.parametrize("false", [1, 2, 5])
def test_on_all_rows_together_there_is_at_most_one_false_box_a_row(false) -> None:
    truth = labels()
    shown = tables(truth, found(truth, 3, false), photographs=tuple(range(ROWS)))["photographs"]
    assert (~shown["is_object"]).sum() == ROWS and shown["is_object"].sum() == OBJECTS / 3


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.001, 0.05))
def test_a_box_is_an_object_where_it_overlaps_with_one_of_its_class_by_half(seed, noise) -> None:
    truth, random = labels(), np.random.default_rng(seed)
    predictions = found(truth, 1)
    predictions[:, :PLACES, :4] += random.uniform(-noise, noise, (ROWS, PLACES, 4))
    predictions[..., 4] = random.uniform(0.1, 1, predictions.shape[:2])
    shown = tables(truth, predictions, photographs=tuple(range(ROWS)))["photographs"]
    assert len(shown)
    for box in shown.to_dict("records"):
        sides = [box[side] for side in ("left", "top", "right", "bottom")]
        nearest = max(overlap(sides, other[:4].tolist()) for other in truth[box["row"]] if other[4] == box["class"])
        assert box["is_object"] == (nearest >= 0.5)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0, 0.1))
def test_the_mean_over_classes_is_the_metric_of_the_same_predictions(seed, noise) -> None:
    truth, random = labels(), np.random.default_rng(seed)
    predictions = found(truth, 1)
    predictions[..., :4] += random.uniform(-noise, noise, (*predictions.shape[:2], 4))
    predictions[..., 4] *= random.uniform(0, 1, predictions.shape[:2])
    objects = tables(truth, predictions.astype("float32"))["objects"]
    by_class = objects[objects["kind"].eq("class")]
    of_task = task.load("detection")
    for name in ("ap50", "ap"):
        metric = of_task.metric(name)
        expected = metric.of_predictions(truth, predictions.astype("float32"), task.Scale())
        assert by_class[f"{name}_mean"].mean() == pytest.approx(expected, abs=1e-9)


def test_a_seed_that_did_not_end_ok_does_not_count() -> None:
    truth = labels()
    with_it = tables(truth, None, found(truth, 2), found(truth, 1), photographs=(0,))
    without = tables(truth, found(truth, 2), found(truth, 1), photographs=(0,))
    assert with_it["photographs"]["seed"].eq(1).all() and without["photographs"]["seed"].eq(0).all()
    for name in ("objects", "precision"):
        pd.testing.assert_frame_equal(with_it[name], without[name])
    nothing = tables(truth, None, None, photographs=(0,))
    assert nothing["objects"]["ap_n"].eq(0).all() and nothing["objects"][POINTS].isna().all(axis=None)
    assert nothing["precision"].empty and nothing["photographs"].empty


def test_one_seed_has_no_interval_and_a_class_without_objects_no_precision() -> None:
    truth = labels(names=NAMES[:1])
    objects = tables(truth, found(truth, 2))["objects"]
    assert objects.set_index("kind").loc["class", "objects"].tolist() == [OBJECTS, 0]
    assert objects["ap_n"].tolist() == [1, 0, 1, 1, 1]
    assert objects["ap50_mean"].isna().tolist() == [False, True, False, False, False]
    assert objects[["ap50_low", "ap50_high", "ap_low", "ap_high"]].isna().all(axis=None)


def test_data_without_boxes_have_no_rows() -> None:
    def never(_run: Any) -> np.ndarray:
        raise AssertionError

    found_none = found_objects.tables(fabricated.MANIFEST, [(CELL, grid.with_seeds(CELL, [0])[0], None)], [4], never)
    assert {name: (*table,) for name, table in found_none.items()} == {
        name: tuple(columns) for name, columns in found_objects.TABLES.items()
    }
    assert all(table.empty for table in found_none.values())


def test_every_column_is_described() -> None:
    described = dict(made()["columns"].itertuples(index=False))
    for name, columns in found_objects.TABLES.items():
        assert {column: described[column] for column in made()[name]} == columns


def test_the_summary_has_the_boxes_of_photographs_and_no_others() -> None:
    given_photographs = made()["summary"]["data"]["objects"]
    about = fabricated_objects.manifest(DATA)["objects"]
    assert [*given_photographs] == ["photographs"] and len(about["test"]) == ROWS
    for one, before in zip(given_photographs["photographs"], about["photographs"], strict=True):
        assert one == {**before, "boxes": about["test"][before["row"]]}


def test_predictions_are_read_of_the_chosen_runs_that_ended_ok_alone() -> None:
    asked: list[Any] = []
    about = fabricated_objects.manifest(DATA)

    def result(run: Any) -> RunResult:
        fine = fabricated_objects.result(run, STUDY, DATA)
        return fabricated.diverged(fine, 2) if (run.effective_batch_size, run.seed) == (16, 1) else fine

    by_run = fabricated.by_run(STUDY, result, about)

    def predictions(run: Any) -> np.ndarray:
        asked.append((run.effective_batch_size, run.seed))
        return result(run).predictions

    fabricated_objects.evaluated(STUDY, about, by_run, predictions)
    assert sorted(asked) == [(4, 0), (4, 1), (16, 0), (40, 0), (40, 1)]


def test_the_stage_reads_predictions_of_the_grid_and_of_fresh_seeds(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    of_grid, fresh = grid.with_seeds(CELL, [0, 5])
    for folder, run, every in (("runs", of_grid, 1), ("confirmed", fresh, 3)):
        made_up = dataclasses.replace(fabricated_objects.result(run, STUDY, DATA), predictions=found(labels(), every))
        shared = fabricated.shared_inputs(STUDY, fabricated_objects.manifest(DATA))
        shards.write(tmp_path / "data" / folder / "one", {run.name: run_result.dump(made_up, run.facts)}, shared)
    for run, every in ((of_grid, 1), (fresh, 3)):
        by_run: Any = {of_grid: None}
        np.testing.assert_array_equal(stage._predictions("one", by_run, run), found(labels(), every))
