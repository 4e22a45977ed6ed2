"""The evaluation of a model on all rows of a data set, in inference mode: the metrics of its task."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from batchwise.data.task import Predictions, TaskMetric, Tensor, Values
from batchwise.runtime.tensorflow import MAY_BE_OUT_OF_MEMORY, is_out_of_memory, keras, tf
from batchwise.training import evaluation_rows, network
from batchwise.training.device_data import Examples
from batchwise.training.host_rows import HostRows


class Evaluation(NamedTuple):
    """What the evaluation of some snapshots gives."""

    # {name: [snapshots, 3]}, NaN for a split without rows and where it is not asked for; [snapshots, 3, classes] of a
    # metric by class
    metrics: dict[str, np.ndarray]
    # {name: [test rows]}, what each adds to it at the last; none unless that is asked for
    by_row: dict[str, np.ndarray]
    predictions: np.ndarray  # [test rows, K, 6] of boxes at the last; [0] of what is none, or not asked for


class Evaluator:
    """One compiled program, which all batch sizes share: it evaluates snapshots of a model's variables.

    `metrics` are those of the task that runs record, `sizes` are the rows of each split, `rows` those of `examples` on
    the host, `room` is the number of snapshots that a call has room for. What test rows add to a score takes time, and
    is computed of the `chosen` metric alone.
    """

    def __init__(
        self,
        model: keras.Model,
        metrics: Sequence[TaskMetric],
        examples: Examples,
        sizes: list[int],
        rows: HostRows,
        *,
        room: int,
        xla: bool,
        chosen: str,
    ) -> None:
        self.model, self.metrics, self.examples, self.sizes, self.room = model, metrics, examples, sizes, room
        self.chosen = chosen
        self.use(rows)
        self.of_rows: list[Values] = list(dict.fromkeys(metric.values for metric in metrics if metric.values))
        self.scored = [metric for metric in metrics if metric.predictions]
        self.predictions: list[Predictions] = list(
            dict.fromkeys(metric.predictions for metric in self.scored if metric.predictions)
        )
        self.batch_rows = evaluation_rows.together(model)
        # A subclass of keras.Model has no `outputs`, a Sequential no `output`.
        [output] = keras.tree.flatten(model.outputs if isinstance(model, keras.Sequential) else model.output)
        (_, label), outputs = examples.first(1), tf.zeros([1, *output.shape[1:]], examples.dtype)
        self.specs = [tf.TensorSpec(values.shape[1:], values.dtype) for values in self._values(label, outputs)]
        levels = {metric.values: metric.levels(output.shape[-1]) for metric in metrics if metric.levels}
        self.levels = [levels.get(of_rows) for of_rows in self.of_rows]
        # Of which the values of the test rows are kept: not of a confusion matrix, nor of a score of all rows.
        self.by_row = [metric for metric in metrics if metric.values and not metric.levels and not metric.by_class]
        self.split_of_row = np.repeat(np.arange(len(sizes)), sizes)
        self.program = tf.function(self._evaluate, jit_compile=xla, autograph=False)

    def use(self, rows: HostRows) -> None:
        """Keep what the host needs of the rows that are evaluated; their inputs are on the device alone."""
        self.labels, self.scale = rows.labels, rows.scale

    def __call__(
        self, snapshots: list[tf.Tensor], first: int, last: int, scored: Collection[int], *, is_end: bool
    ) -> Evaluation:
        """Return each metric at each snapshot from first to last; of test rows what they are at the last, at an end.

        Scores of all predictions are those of the snapshots that are `scored`. `snapshots` are the values of each
        variable, [room, …]. The model is left at the last.
        """
        found, of_test_rows = self._evaluated(snapshots, first, last)
        means = dict(zip(self.of_rows, map(self._means, found), strict=False))
        named = {
            metric.name: metric.of_means(means[metric.values], self.scale) for metric in self.metrics if metric.values
        }
        predictions = dict(zip(self.predictions, found[len(self.of_rows) :], strict=True))
        named |= self._scores(predictions, [number in scored for number in range(first, last + 1)])
        if not is_end:
            return Evaluation(named, {}, np.empty(0))
        by_row = {
            metric.name: _small(metric.by_row(values.numpy(), self.scale))
            for metric, values in zip(self.by_row, of_test_rows, strict=True)
        }
        tests = len(self.examples) - self.sizes[-1]
        of_test = {predicted: values[-1][tests:] for predicted, values in predictions.items()}
        for metric in self.scored:
            if metric.without_each and metric.predictions and metric.name == self.chosen:
                added = metric.added(self.labels[tests:], of_test[metric.predictions], self.scale)
                by_row[metric.name] = _small(added)
        boxes = [values for values in of_test.values() if values.ndim > 2]
        return Evaluation(named, by_row, boxes[0] if boxes else np.empty(0))

    def compile(self) -> None:
        """Compile the program by evaluating no snapshot. If there is no memory for that, runs will say."""
        try:
            self._compile()
        except MAY_BE_OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise

    def _compile(self) -> None:
        snapshots = [tf.zeros((self.room, *variable.shape), variable.dtype) for variable in self.model.variables]
        self(snapshots, 0, -1, (), is_end=False)

    def _evaluated(self, snapshots: list[tf.Tensor], first: int, last: int) -> tuple[list[np.ndarray], list[tf.Tensor]]:
        """Return what `_summary` does at each snapshot from first to last, [snapshots, …] each, and at the last."""
        kept, of_test_rows = self.program(snapshots, tf.constant(first), tf.constant(last))
        return [values.numpy()[first : last + 1] for values in kept], of_test_rows

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

    def _evaluate(
        self, snapshots: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        def evaluate(
            number: tf.Tensor, kept: list[tf.TensorArray], _: list[tf.Tensor]
        ) -> tuple[tf.Tensor, list[tf.TensorArray], list[tf.Tensor]]:
            for variable, values in zip(self.model.variables, snapshots, strict=True):
                variable.assign(values[number])
            found, of_test_rows = self._summary(self._of_all())
            written = [array.write(number, values) for array, values in zip(kept, found, strict=True)]
            return number + 1, written, of_test_rows

        splits = [[len(self.sizes), levels] if levels else [len(self.sizes)] for levels in self.levels]
        rows = [*splits, *[[len(self.examples)]] * len(self.predictions)]
        shapes = [(*before, *spec.shape) for before, spec in zip(rows, self.specs, strict=True)]
        dtypes = [spec.dtype for spec in self.specs]
        dtypes[: len(self.levels)] = map(self._type_of_reduced, dtypes, self.levels)
        arrays = [
            tf.TensorArray(dtype, self.room, element_shape=shape) for dtype, shape in zip(dtypes, shapes, strict=True)
        ]
        none = self._of_test_rows([tf.zeros((len(self.examples), *spec.shape), spec.dtype) for spec in self.specs])
        _, arrays, of_test_rows = tf.while_loop(
            lambda number, *_: number <= last, evaluate, (first, arrays, none), parallel_iterations=1
        )
        return [array.stack() for array in arrays], of_test_rows

    def _summary(self, found: list[tf.Tensor]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return the values of all rows, [N, …] each, reduced over each split, with the predictions as they are, and
        the values of the test rows that are kept."""
        reduced = map(self._reduced, found, self.levels)
        return [*reduced, *found[len(self.levels) :]], self._of_test_rows(found)

    def _of_test_rows(self, found: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the values of the test rows that are kept, of those of all rows, [N, …] each."""
        return [
            found[self.of_rows.index(metric.values)][len(self.examples) - self.sizes[-1] :]
            for metric in self.by_row
            if metric.values
        ]

    def _reduced(self, values: tf.Tensor, levels: int | None) -> tf.Tensor:
        """Return the mean over the rows of each split of values [N, …], or their sum if they are bool, [3, …].

        Of values that are whole numbers below `levels`, how many rows of each split have which, [3, levels].
        """
        if levels:
            cells = tf.constant(self.split_of_row * levels, "int32") + tf.cast(values, "int32")
            counts = tf.math.unsorted_segment_sum(tf.ones_like(cells), cells, len(self.sizes) * levels)
            return tf.reshape(counts, [len(self.sizes), levels])
        counted = values.dtype == tf.bool
        values = tf.cast(values, self._type_of_reduced(values.dtype, levels))
        splits = tf.split(values, self.sizes)
        if counted:
            return tf.stack([tf.reduce_sum(split, 0) for split in splits])
        none = tf.fill(values.shape[1:], tf.constant(np.nan, values.dtype))
        return tf.stack(
            [tf.reduce_mean(split, 0) if size else none for size, split in zip(self.sizes, splits, strict=True)]
        )

    def _type_of_reduced(self, dtype: tf.DType, levels: int | None) -> tf.DType:
        """Return the type of what `_reduced` gives: a mean of whole numbers has a fraction."""
        if levels or dtype == tf.bool:
            return tf.int32
        return tf.float64 if dtype == tf.float64 else tf.as_dtype(self.examples.dtype)

    def _of_all(self) -> list[tf.Tensor]:
        """Return the values of all rows of all splits, [N, …] each, in batches of a fixed size."""
        batches, remainder = divmod(len(self.examples), self.batch_rows)
        first = self._of_batch(*self.examples.first(remainder))
        if not batches:  # a loop is compiled, and its shapes checked, even if it has no turn
            return first
        rows = tf.reshape(tf.range(remainder, len(self.examples)), [batches, self.batch_rows])
        others = tf.map_fn(
            lambda rows: self._of_batch(*self.examples.take(rows)),
            rows,
            parallel_iterations=1,
            fn_output_signature=[tf.TensorSpec([self.batch_rows, *spec.shape], spec.dtype) for spec in self.specs],
        )
        return self._joined(first, others)

    def _joined(self, first: list[tf.Tensor], others: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the values of all rows, [N, …] each, of those of the first, [·, …], and of batches, [·, rows, …]."""
        pairs = zip(first, others, self.specs, strict=True)
        return [tf.concat([one, tf.reshape(rest, [-1, *spec.shape])], 0) for one, rest, spec in pairs]

    def _of_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
        return self._values(labels, network.outputs_of(self.model, inputs, training=False))

    def _values(self, labels: Tensor, outputs: Tensor) -> list[tf.Tensor]:
        """Return the values of each row, [B] or [B, k] each, and then the predictions."""
        values = [tf.convert_to_tensor(of_rows(labels, outputs)) for of_rows in self.of_rows]
        return values + [tf.convert_to_tensor(predicted(outputs)) for predicted in self.predictions]


def _small(values: np.ndarray) -> np.ndarray:
    """Return values as a run keeps them: bits, or float32."""
    with np.errstate(over="ignore"):
        return values if values.dtype == bool else values.astype("float32")
