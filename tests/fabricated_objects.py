"""Made-up photographs with objects at known places, and what detectors with a known recall find of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from batchwise.analysis.evaluate import evaluate
from batchwise.analysis.found_objects import Predictions
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data import loading, prepared, shown_objects, task
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.training.run_result import RunResult
from tests import fabricated

NAMES = ("cell", "ring")
ROWS, PLACES = 12, 6  # test rows, and the objects of each: in two rows of three
SIDES = np.array([0.05, 0.1, 0.25])  # of a small, a medium and a large object
SIZES = [4, 16, 40]
STUDY = fabricated.study(SIZES, [0.25], seeds=2)
RECALL = {4: 1, 16: 2, 40: 0}  # at each m the objects of every row are found, of every other, of none
FALSE = 2  # boxes of a row at which there is nothing, with low scores


def labels(rows: int = ROWS, names: Sequence[str] = NAMES) -> np.ndarray:
    """Return boxes [rows, 6, 5]: each row has two objects of each size; a place has each class in turn."""
    centres = np.stack(np.meshgrid([1 / 6, 0.5, 5 / 6], [0.25, 0.75]), axis=-1).reshape(PLACES, 2)
    half = np.resize(SIDES, PLACES)[:, None] / 2
    boxes = np.concatenate([centres - half, centres + half], axis=1)
    classes = np.add.outer(np.arange(rows), np.arange(PLACES)) % len(names)
    return np.concatenate([np.tile(boxes, (rows, 1, 1)), classes[..., None]], axis=2).astype("float32")


def found(labels: np.ndarray, every: int, false: int = FALSE) -> np.ndarray:
    """Return boxes [rows, K, 6] around all objects of every so many-th row, and of none for 0; and false ones.

    Those of objects score 0.9, false ones 0.3 and less, each class alike.
    """
    rows = len(labels)
    objects = np.insert(labels, 4, 0.9, axis=2)
    objects[np.arange(rows) % every != 0 if every else slice(None), :, 4] = 0
    corner = [0.0, 0.4, 0.02, 0.6]  # at the left side, where no object is
    of_none = np.array([[[*corner, 0.3 - 0.01 * k, (row + k) % 2] for k in range(false)] for row in range(rows)])
    of_none[..., [0, 2]] += 0.03 * np.arange(false)[:, None]
    return np.concatenate([objects, of_none], axis=1).astype("float32")


def data_set(names: Sequence[str] = NAMES, shape: tuple[int, int, int] = (24, 32, 3), rows: int = ROWS) -> DataSet:
    """Return photographs of noise with 40 training rows."""
    random = np.random.default_rng(0)

    def part(rows: int) -> Split:
        return Split(random.integers(0, 256, (rows, *shape), dtype="uint8"), labels(rows, names))

    about = Description("Made-up objects", "detection", "nowhere", "CC0")
    parts = part(fabricated.ROWS["train"]), part(rows), part(rows)
    of_channels = np.ones(shape[-1], "float32")
    return DataSet(about, tuple(names), *parts, mean=of_channels, std=of_channels)


def manifest(data: DataSet) -> dict[str, Any]:
    """Return what `prepare` says of the data of a study."""
    metrics = prepared.metrics_on(task.load("detection"), data)
    facts = {"metrics": [asdict(metric) for metric in metrics], "objects": shown_objects.facts(data)}
    return {**prepared.manifest(data, {}), **facts}


def result(run: Run, made: Study, data: DataSet) -> RunResult:
    """Return a run that ended ok, which finds what RECALL says of its m."""
    predictions = found(data.test.labels, RECALL[run.effective_batch_size])
    of_task, evaluations = task.load("detection"), 1 + grid.epochs(made.budget, 40, run.effective_batch_size)
    ap50, ap, recall = of_task.metric("ap50").score(data.test.labels, predictions)
    values = {"ap50": ap50, "loss": 5 - 4 * ap50 + 0.01 * run.seed, "ap": ap, "recall_at_1": recall}
    metrics = {name: np.full((evaluations, 3), value) for name, value in values.items()}
    by_row = {"ap50": np.full(len(predictions), ap50)}
    return RunResult("ok", metrics, {}, 12, by_row=by_row, predictions=predictions)


def files(data: DataSet, made: Study = STUDY) -> dict[str, bytes]:
    """Return the files of the tables of a study of detectors."""
    about = manifest(data)
    by_run = fabricated.by_run(made, lambda run: result(run, made, data), about)
    return evaluated(made, about, by_run, lambda run: result(run, made, data).predictions)


def evaluated(
    made: Study, about: dict[str, Any], by_run: Mapping[Run, RunMetrics], predictions: Predictions
) -> dict[str, bytes]:
    """Return the files of the tables of a study with this manifest."""
    metrics = loading.metrics(made, about)
    return evaluate("made_up", made, about, metrics, by_run, predictions=predictions)
