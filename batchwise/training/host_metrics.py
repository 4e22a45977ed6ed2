"""What the host makes of the values and predictions that an engine computes of all rows: the metrics of a task."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from batchwise.data.task import Predictions, TaskMetric, Values
from batchwise.training.host_rows import HostRows


class Evaluation(NamedTuple):
    """What the evaluation of some snapshots gives."""

    # {name: [snapshots, 3]}, NaN for a split without rows and where it is not asked for; [snapshots, 3, classes] of a
    # metric by class
    metrics: dict[str, np.ndarray]
    # {name: [test rows]}, what each adds to it at the last; none unless that is asked for
    by_row: dict[str, np.ndarray]
    predictions: np.ndarray  # [test rows, K, 6] of boxes at the last; [0] of what is none, or not asked for


class HostMetrics:
    """Metrics of the rows of all splits, of which there are `sizes`; an engine computes `of_rows` and `predictions`.

    What test rows add to a score takes time, and is computed of the `chosen` metric alone.
    """

    def __init__(self, metrics: Sequence[TaskMetric], sizes: list[int], rows: HostRows, chosen: str) -> None:
        self.metrics, self.sizes, self.chosen = metrics, sizes, chosen
        self.use(rows)
        self.of_rows: list[Values] = list(dict.fromkeys(metric.values for metric in metrics if metric.values))
        self.scored = [metric for metric in metrics if metric.predictions]
        self.predictions: list[Predictions] = list(
            dict.fromkeys(metric.predictions for metric in self.scored if metric.predictions)
        )
        # Of which the values of the test rows are kept: not of a confusion matrix, nor of a score of all rows.
        self.by_row = [metric for metric in metrics if metric.values and not metric.levels and not metric.by_class]
        self.split_of_row = np.repeat(np.arange(len(sizes)), sizes)

    def use(self, rows: HostRows) -> None:
        """Keep what is needed of the rows that are evaluated; their inputs are on the device alone."""
        self.labels, self.scale = rows.labels, rows.scale

    def levels(self, outputs: int) -> list[int | None]:
        """Return of each of `of_rows` how many levels its values have, with so many outputs; None of most."""
        levels = {metric.values: metric.levels(outputs) for metric in self.metrics if metric.levels}
        return [levels.get(of_rows) for of_rows in self.of_rows]

    def kept_values(self) -> list[int]:
        """Return the places in `of_rows` of the values that are kept of test rows."""
        return [self.of_rows.index(metric.values) for metric in self.by_row if metric.values]

    def evaluation(
        self,
        found: list[np.ndarray],
        of_test_rows: list[np.ndarray],
        numbers: range,
        scored: Collection[int],
        end: bool,
    ) -> Evaluation:
        """Return each metric at each of the snapshots of these `numbers`; of test rows what they are at the last, at an
        end.

        `found` are what the values of each split are reduced to, [snapshots, 3, …] of each of `of_rows`, and then the
        predictions of all rows, [snapshots, N, …] each. Scores of these are those of the snapshots that are `scored`.
        """
        means = dict(zip(self.of_rows, map(self._means, found), strict=False))
        named = {
            metric.name: metric.of_means(means[metric.values], self.scale) for metric in self.metrics if metric.values
        }
        predictions = dict(zip(self.predictions, found[len(self.of_rows) :], strict=True))
        named |= self._scores(predictions, [number in scored for number in numbers])
        if not end:
            return Evaluation(named, {}, np.empty(0))
        by_row = {
            metric.name: _small(metric.by_row(values, self.scale))
            for metric, values in zip(self.by_row, of_test_rows, strict=True)
        }
        tests = len(self.labels) - self.sizes[-1]
        of_test = {predicted: values[-1][tests:] for predicted, values in predictions.items()}
        for metric in self.scored:
            if metric.without_each and metric.predictions and metric.name == self.chosen:
                added = metric.added(self.labels[tests:], of_test[metric.predictions], self.scale)
                by_row[metric.name] = _small(added)
        boxes = [values for values in of_test.values() if values.ndim > 2]
        return Evaluation(named, by_row, boxes[0] if boxes else np.empty(0))

    def _means(self, values: np.ndarray) -> np.ndarray:
        """Return what `_reduced` gives, [snapshots, 3, …], as means: counts are divided here, in float64."""
        if values.dtype.kind != "i":
            return values
        sizes = np.array([size or np.nan for size in self.sizes])
        return values / sizes.reshape(-1, *[1] * (values.ndim - 2))

    def _scores(self, predictions: dict[Predictions, np.ndarray], asked: list[bool]) -> dict[str, np.ndarray]:
        """Return the metrics of scores of predictions [snapshots, N, …] of each split, at the snapshots that are asked
        for, {name: [snapshots, 3]}. A score that several metrics share is computed once."""
        kept: dict[Any, list[list[Any]]] = {}
        for metric in self.scored:
            assert metric.predictions
            key = metric.predictions, metric.score
            if key not in kept:
                kept[key] = [
                    self._of_splits(metric, found) if is_asked else [None] * len(self.sizes)
                    for found, is_asked in zip(predictions[metric.predictions], asked, strict=True)
                ]
        return {
            metric.name: np.array(
                [
                    [metric.of_score(score, self.scale) for score in splits]
                    for splits in kept[metric.predictions, metric.score]
                ],
                "float64",
            ).reshape(-1, len(self.sizes))
            for metric in self.scored
        }

    def _of_splits(self, metric: TaskMetric, predictions: np.ndarray) -> list[Any]:
        """Return the score of the predictions [N, …] of each split, None for one without rows."""
        ends = np.cumsum(self.sizes)[:-1]
        pairs = zip(np.split(self.labels, ends), np.split(predictions, ends), strict=True)
        return [metric.scored(*pair) if len(pair[0]) else None for pair in pairs]


def _small(values: np.ndarray) -> np.ndarray:
    """Return values as a run keeps them: bits, or float32."""
    with np.errstate(over="ignore"):
        return values if values.dtype == bool else values.astype("float32")
