"""What detectors find in test images at the chosen rates: average precision by class and size, curves, and boxes."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import class_table
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.config.grid import Cell, Run
from batchwise.data import shown_objects
from batchwise.statistics import detections
from batchwise.statistics.detections import SIZES, THRESHOLDS, Boxes, Precision
from batchwise.statistics.intervals import mean_interval

Result = tuple[Cell, Run, RunMetrics]
Predictions = Callable[[Run], np.ndarray]  # of test rows, [rows, K, 6]
# columns.csv describes a column once, whatever the table: these are in others, too.
BATCH_SIZE, CLASS = (class_table.COLUMNS[name] for name in ("batch_size", "class"))
OBJECTS = {
    "batch_size": BATCH_SIZE,
    "kind": "class, or size: small below 1/300 of the image, large above 3 % of it, as 32² and 96² of 640×480 pixels",
    "number": "number of the class, in the order of data.class_names of summary.json, or of the size; from 0",
    "objects": "objects of that kind in test rows",
    **{
        f"{name}_{bound}": f"{what} at the final weights, {text}"
        for name, what in (("ap50", "average precision at an overlap of 0.5"), ("ap", "average precision (COCO)"))
        for bound, text in (
            ("mean", "mean over the seeds that ended ok"),
            ("low", "lower bound of its 95 % Student t interval"),
            ("high", "upper bound of its 95 % Student t interval"),
        )
    },
    "ap_n": "seeds that ended ok, of which both are means",
}
PRECISION = {  # of the smallest m, that of the cell to use, and the largest
    "batch_size": BATCH_SIZE,
    "class": CLASS,
    "recall": "share of the objects of the class that is found (overlap 0.5), 0 to 1",
    "precision": "best precision at this recall or a higher one, as COCO has it, mean over the seeds",
}
PHOTOGRAPHS = {  # of the same m, and of the first of their seeds that ended ok
    "batch_size": BATCH_SIZE,
    "seed": "seed of weights and order, from 0",
    "row": "test row of the photograph",
    "class": CLASS,
    "score": "score of the box, 0 to 1; left out are scores with which there is more than one false box a row",
    "is_object": "whether it overlaps with an object of its class by half or more",
    **{side: f"{side} side of the box, as a fraction of the image" for side in ("left", "top", "right", "bottom")},
}
TABLES = {"objects": OBJECTS, "precision": PRECISION, "photographs": PHOTOGRAPHS}
RECALL_STEP = 2  # of the 101 recalls of COCO: a curve of 51 points


def tables(
    manifest: dict[str, Any], results: Iterable[Result], shown: Sequence[int], predictions: Predictions
) -> dict[str, pd.DataFrame]:
    """Return a table for each of TABLES, of the runs of the chosen cells; without rows where labels are no boxes.

    `shown` are the batch sizes of which there are curves and boxes.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    if given := manifest.get("objects"):
        truth, classes = shown_objects.objects(given), len(manifest["class_names"])
        for m, group in groupby(results, key=lambda result: result[0].batch_size):
            runs = [run for _, run, found in group if found.status == "ok"]
            of_runs = [detections.of(truth, predictions(run), classes) for run in runs]
            precise = [detections.precision(boxes) for boxes in of_runs]
            by_size = [detections.precision_by_size(boxes) for boxes in of_runs]
            rows["objects"] += _objects(m, truth, classes, precise, by_size)
            if m in shown and of_runs:
                rows["precision"] += _precision(m, precise)
                wanted = [photograph["row"] for photograph in given["photographs"]]
                rows["photographs"] += _photographs(m, runs[0].seed, of_runs[0], wanted)
    return {name: pd.DataFrame(rows[name], columns=list(columns)) for name, columns in TABLES.items()}


def _objects(
    m: int, truth: np.ndarray, classes: int, precise: Sequence[Precision], by_size: Sequence[np.ndarray]
) -> list[dict[str, Any]]:
    """Return rows of the classes and of the sizes, over runs."""
    there = truth[..., 4] >= 0
    sizes = detections.sizes(truth)[there]
    kinds = {
        "class": ([one.by_class for one in precise], [int((truth[..., 4] == label).sum()) for label in range(classes)]),
        "size": (by_size, [int((sizes == number).sum()) for number in range(len(SIZES))]),
    }
    found = []
    for kind, (of_runs, numbers) in kinds.items():
        values = np.array(of_runs).reshape(-1, len(numbers), 2)
        intervals = {name: mean_interval(values[..., at].T, 0, 1) for at, name in enumerate(("ap50", "ap"))}
        for number, count in enumerate(numbers):
            row = {"batch_size": m, "kind": kind, "number": number, "objects": count}
            for name, interval in intervals.items():
                row |= {f"{name}_{end}": getattr(interval, end)[number] for end in ("mean", "low", "high")}
            found.append(row | {"ap_n": int(interval.n[number])})
    return found


def _precision(m: int, of_runs: Sequence[Precision]) -> list[dict[str, Any]]:
    curves = np.mean([one.curves for one in of_runs], axis=0)[::RECALL_STEP]  # [recalls, C]
    recalls = detections.RECALLS[::RECALL_STEP]
    return [
        {"batch_size": m, "class": label, "recall": float(recall), "precision": float(precise[label])}
        for label in range(curves.shape[1])
        for recall, precise in zip(recalls, curves, strict=True)
    ]


def _photographs(m: int, seed: int, boxes: Boxes, wanted: Sequence[int]) -> list[dict[str, Any]]:
    """Return the boxes that are found in some rows, with scores from which there is one false box a row."""
    matches = detections.match(boxes, float(THRESHOLDS[0]))
    kept = detections.within(matches, 1) & np.isin(matches.rows, wanted)
    return [
        {
            "batch_size": m,
            "seed": seed,
            "row": int(matches.rows[place]),
            "class": int(matches.classes[place]),
            "score": float(matches.scores[place]),
            "is_object": bool(matches.are_objects[place]),
            **dict(zip(("left", "top", "right", "bottom"), map(float, _sides(boxes, matches, place)), strict=True)),
        }
        for place in np.flatnonzero(kept).tolist()
    ]


def _sides(boxes: Boxes, matches: detections.Matches, place: int) -> np.ndarray:
    return boxes.found[matches.rows[place], matches.places[place], :4]
