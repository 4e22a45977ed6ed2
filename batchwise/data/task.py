"""What a task says of its labels. Nothing here imports TensorFlow: tables and reports read metrics too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from batchwise.common import plugin_errors, plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import shown, unknown
from batchwise.config.recipe import Recipe
from batchwise.data import task_checks
from batchwise.data.metric import LOSS as LOSS
from batchwise.data.metric import Metric

TARGET = "target"  # as the unit of a metric: that of the labels, in which it is reported
SHARES = (0.01, 0.02, 0.05)  # of the baseline: the margins of a metric that names none
LEARNED = 0.05  # of the baseline
SMALL_STEP = 1e-4  # of a mean, by which the slope of a metric is taken
Tensor = Any
Values = Callable[[Tensor, Tensor], Tensor]  # of labels [B, …] and outputs [B, …], a value for each row, [B] or [B, k]
Predictions = Callable[[Tensor], Tensor]  # of outputs [B, …], [B] or [B, k]
Score = Callable[[np.ndarray, np.ndarray], Any]  # of labels and predictions of all rows of a split, a number or [k]
WithoutEach = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of the same, the metric without each row, [rows]
Baseline = Callable[[np.ndarray], float]  # of the training labels
Reduction = Callable[[np.ndarray], np.ndarray]  # of means over rows [..., k] the metric [...]
WAYS = [True, False, False], [False, True, True]  # of a metric: values, or predictions and a score
Kind = Literal["classes", "flags", "numbers", "counts", "tokens", "boxes"]


# Of a metric that is a share, at most 1: it is read in percent, and its differences in points.
POINTS: dict[str, Any] = {
    "scale": 100,
    "unit": "%",
    "difference_unit": "point",
    "decimals": 1,
    "margins": (1, 2, 5),
    "learned": 0.05,
    "highest": 1,
}


@dataclass(frozen=True)
class Labels:
    """What the label of a row is, of a data set with C `class_names`.

    `classes`: a whole number from 0 to C − 1. `flags`: C numbers, each 0 or 1. `numbers`: a finite number, and
    `counts`: a whole number from 0 up, of which C is 0. `tokens`: T whole numbers below C, the next token at each of T
    places, 0 where there is none, and then the number of bytes of the text that they are. `boxes`: of each of at most K
    objects left, top, right and bottom, as fractions of the image, and a class below C; −1 five times for none.
    """

    kind: Kind
    classes: int | None = None  # as many as its data must have; None for two and more
    standardised: bool = False  # numbers: with mean 0 and standard deviation 1 over the training rows for the model

    @property
    def are_integers(self) -> bool:
        """Whether the loss and the metrics get them as int32; otherwise in the floating-point type of the weights."""
        return self.kind in ("classes", "flags", "tokens")

    def __post_init__(self) -> None:
        rules = {"kind": task_checks.one_of(*get_args(Kind)), "classes": task_checks.or_none(task_checks.CLASSES)}
        task_checks.check("labels", vars(self), rules | {"standardised": task_checks.FLAG})
        if self.standardised and self.kind != "numbers":
            raise UserError(f"labels: standardised is for numbers; these are {self.kind}")

    @property
    def are_tokens(self) -> bool:
        """Whether a row has a label at each of its places, so that a model has outputs at each."""
        return self.kind == "tokens"

    @property
    def are_boxes(self) -> bool:
        """Whether a row has a label for each of its objects, so that a model has outputs at places of its choice."""
        return self.kind == "boxes"

    def inside(self, labels: np.ndarray, scale: "Scale") -> np.ndarray:
        """Return labels as the loss and the metrics get them."""
        return (labels.astype("float64") - scale.mean) / scale.std if self.standardised else labels

    def scale(self, training: np.ndarray) -> "Scale":
        """Return how labels are standardised, of those of the training rows."""
        if not self.standardised:
            return Scale()
        values = training.astype("float64")
        return Scale(float(values.mean()), float(values.std()) or 1.0)


@dataclass(frozen=True)
class Scale:
    """What numbers are standardised by."""

    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TaskMetric:
    """A metric of a task: how it is computed of labels and outputs, and how people read it.

    Either `values` of each row, of which the means over the rows of a split are the metric, or are reduced to it; or
    `predictions` of each row, of which all of a split give a `score` on the host, the metric, or what is reduced to it.
    NaN where a split has no rows.
    """

    name: str  # of columns, and what params.yaml calls it
    description: str  # what a value is
    higher_is_better: bool
    baseline: Baseline  # the value of the best constant answer
    values: Values | None = None  # [B] or [B, k]; bool is counted exactly
    levels: Callable[[int], int] | None = None  # of the model's outputs: values are whole numbers below, of which the
    # shares [levels] are the means
    reduce: Reduction | None = None
    predictions: Predictions | None = None  # [B], [B, k] or, of objects, [B, K, k]
    score: Score | None = None  # [k] is computed once for all metrics that reduce it
    without_each: WithoutEach | None = None  # of a score: for what a row adds, from which intervals for new rows come
    title: str = ""  # in sentences; the name, otherwise
    unit: str = ""  # TARGET for that of the labels
    scale: float = 1.0  # people read this many times a value, in the unit
    difference_unit: str = "unit"  # of differences of what they read, and of the margins; in the singular
    decimals: int = 3
    margins: tuple[float, float, float] | None = None  # SHARES of the baseline for None
    learned: float | None = None  # LEARNED of the baseline for None
    lowest: float | None = None
    highest: float | None = None
    counted: tuple[str, str] | None = None
    by_class: bool = False  # a value for each class, and none to choose by: it stands in the report
    if_named: bool = False  # it takes time: runs have it if their study names it, and not otherwise

    def __post_init__(self) -> None:
        task_checks.check(f"the metric {self.name}", vars(self), task_checks.METRIC)

    def on(self, labels: np.ndarray, scale: Scale, unit: str) -> Metric:
        """Return the metric on data with these training labels, as `Labels.inside`; `unit` is that of the target."""
        of_target = self.unit == TARGET
        factor = self._factor(scale)
        baseline = factor * self._of_constant(labels)
        size = abs(baseline) or 1.0
        low, middle, high = (float(f"{share * size * self.scale:.2g}") for share in SHARES)  # people read them
        names = (unit or "unit", unit or "units") if of_target else (self.difference_unit, f"{self.difference_unit}s")
        return Metric(
            name=self.name,
            title=self.title or self.name.replace("_", " "),
            description=self.description,
            higher_is_better=self.higher_is_better,
            baseline=baseline,
            learned=LEARNED * size if self.learned is None else self.learned * factor,
            margins=self.margins or (low, middle, high),
            scale=self.scale,
            unit=unit if of_target else self.unit,
            difference_unit=names[0],
            differences=names[1],
            decimals=_decimals(size) if of_target else self.decimals,
            lowest=self.lowest,
            highest=self.highest,
            counted=self.counted,
            if_named=self.if_named,
        )

    def of_means(self, means: np.ndarray, scale: Scale) -> np.ndarray:
        """Return the metric [...] of the means of `values` over the rows of a split, [...] or [..., k]."""
        with np.errstate(all="ignore"):  # of splits without rows, and of diverged weights
            found = self.reduce(means) if self.reduce else means
        if found is None:
            raise UserError(f"the metric {self.name}: reduce gives None; does the function end with `return`?")
        return found * self._factor(scale)

    def by_row(self, values: np.ndarray, scale: Scale) -> np.ndarray:
        """Return what each row adds to the metric, [rows], of `values` of the rows of a split, [rows] or [rows, k].

        Their mean is the metric. Values that the metric is no mean of are linearised about their mean, so that the
        variance of the rows gives that of the metric (infinitesimal jackknife; Efron 1982, chapter 6).
        """
        if self.reduce is None and values.ndim == 1:
            return values if values.dtype == bool else values * self._factor(scale)
        flat = values.reshape(len(values), -1).astype("float64")  # [rows, k]
        with np.errstate(all="ignore"):  # of values, or a metric of them, that are not finite
            return self._linearised(flat, values.shape[1:], scale)

    def _linearised(self, flat: np.ndarray, shape: tuple[int, ...], scale: Scale) -> np.ndarray:
        """Return the metric about the mean of values [rows, k] along each row's, which have this shape, [rows]."""
        means = flat.mean(axis=0)
        steps = SMALL_STEP * np.maximum(np.abs(means), SMALL_STEP)
        above, below = (
            self.of_means(np.reshape(means + sign * np.diag(steps), (-1, *shape)), scale) for sign in (1, -1)
        )
        metric = self.of_means(np.reshape(means, shape), scale)
        return metric + ((flat - means) * ((above - below) / (2 * steps))).sum(axis=1)

    def scored(self, labels: np.ndarray, predictions: np.ndarray) -> Any:
        """Return the score of the labels, as `Labels.inside`, and the predictions of all rows of a split, once.

        None for predictions that are not finite, as those of diverged weights are.
        """
        assert self.score
        if not np.isfinite(predictions).all():
            return None
        with plugin_errors.told(f"the score of the metric {self.name} cannot be computed"):
            return self.score(labels, predictions)

    def of_score(self, score: Any, scale: Scale) -> float:
        """Return the metric of what `scored` gives; NaN of None."""
        if score is None:
            return float("nan")
        with plugin_errors.told(f"the score of the metric {self.name} cannot be computed"):
            return float(self.reduce(score) if self.reduce else score) * self._factor(scale)

    def of_predictions(self, labels: np.ndarray, predictions: np.ndarray, scale: Scale) -> float:
        """Return the metric of the labels, as `Labels.inside`, and the predictions of all rows of a split."""
        return self.of_score(self.scored(labels, predictions), scale)

    def added(self, labels: np.ndarray, predictions: np.ndarray, scale: Scale) -> np.ndarray:
        """Return what each row adds to a metric with `without_each`, [rows], such that their mean is near the metric.

        They are the pseudo-values of the jackknife, N·θ − (N − 1)·θ₋ᵢ (Tukey 1958; Efron 1982, chapter 2); NaN for
        predictions that are not finite.
        """
        assert self.without_each
        rows = len(labels)
        if not np.isfinite(predictions).all():
            return np.full(rows, np.nan)
        whole, without = self.of_predictions(labels, predictions, scale), self.without_each(labels, predictions)
        return rows * whole - (rows - 1) * without * self._factor(scale)

    def _factor(self, scale: Scale) -> float:
        """Return by how much a value is larger in the unit of the target."""
        return scale.std if self.unit == TARGET else 1.0

    def _of_constant(self, labels: np.ndarray) -> float:
        with plugin_errors.told(f"the baseline of the metric {self.name} cannot be computed"):
            found = float(self.baseline(labels))
        if not np.isfinite(found):
            raise UserError(f"the baseline of the metric {self.name} is {found}; a finite number is expected")
        return found


def _decimals(size: float) -> int:
    """Return how many decimals show a thousandth of a size."""
    return int(np.clip(np.ceil(3 - np.log10(size)), 0, 9))


@dataclass(frozen=True)
class Task:
    """What labels mean, and what of them a model learns."""

    labels: Labels
    outputs: Callable[[int], int]  # of a model, of the number of classes; those of classes are logits, [B, outputs]
    # ([B, T, outputs] where labels are tokens, [B, places, outputs] where they are boxes)
    loss: Values  # [B]
    metrics: tuple[TaskMetric, ...]  # LOSS among them; a study chooses by the first, unless it names another

    def __post_init__(self) -> None:
        rules = {"labels": task_checks.instance_of(Labels), "metrics": task_checks.tuple_of(TaskMetric)}
        rules |= dict.fromkeys(("outputs", "loss"), task_checks.FUNCTION)
        task_checks.check("the task", vars(self), rules)
        names = [metric.name for metric in self.metrics]
        for name in names:
            if not str(name).isidentifier() or names.count(name) > 1:
                raise UserError(f"metrics have the name {shown(name)}; each needs another, of letters, digits and _")
        task_checks.check_columns(names, [word for metric in self.metrics for word in metric.counted or ()])
        if LOSS not in names:
            found = ", ".join(names) or "none"
            raise UserError(f"metrics are {found}; one must be named {LOSS}, with the values of the loss")
        for metric in self.metrics:
            if [*map(bool, (metric.values, metric.predictions, metric.score))] not in WAYS:
                raise UserError(f"the metric {metric.name} needs either values, or predictions and a score")
        of_loss = self.metric(LOSS)
        if of_loss.values is None or of_loss.higher_is_better:
            raise UserError(
                f"the metric {LOSS} says whether a run diverges: it needs values, and higher_is_better=False"
            )
        first = self.metrics[0]
        if not (first.values or first.without_each) or first.by_class:
            raise UserError(
                f"the metric {names[0]} is the first; studies choose by it, so it must be one of values, or of a score "
                "with without_each"
            )

    def metric(self, name: str | None = None) -> TaskMetric:
        """Return a metric by name, the first for None. Raises UserError for a name that the task does not have."""
        known = {metric.name: metric for metric in self.metrics if not metric.by_class}
        if name is not None and name not in known:
            raise UserError(f"metric: {unknown('metric of the task', name, list(known))}")
        return known[name] if name else self.metrics[0]

    def recorded(self, name: str | None = None) -> tuple[TaskMetric, ...]:
        """Return the metrics of a run whose study names one, or none: that one and all that take no time."""
        named = self.metric(name)
        return tuple(metric for metric in self.metrics if metric is named or not metric.if_named)

    def output_shape(self, classes: int, input_shape: tuple[int, ...]) -> tuple[int | None, ...]:
        """Return the shape of what a model puts out of a row: (outputs,), or (T, outputs) where labels are tokens.

        (None, outputs) where labels are boxes: a model has as many places as it likes.
        """
        places: dict[str, tuple[int | None, ...]] = {"tokens": input_shape[:1], "boxes": (None,)}
        return (*places.get(self.labels.kind, ()), self.outputs(classes))

    def check_classes(self, name: str, classes: int) -> None:
        """Raise UserError for a number of classes that the task, of this name, is not for."""
        if self.labels.classes not in (None, classes):
            raise UserError(f"the task {name} is for {self.labels.classes} classes; class_names has {classes}")


def load(name: str, options: Mapping[str, Any] = {}) -> Task:
    """Return the task `batchwise/tasks/<name>.py` with its options.

    Raises UserError for a name without a file, and for a file that gives no task.
    """
    plugins.check("tasks", name)
    try:
        made = plugins.load("tasks", name).task(**options)
        if not isinstance(made, Task):
            raise UserError(f"task() returned {type(made).__name__}; a Task is expected")
        return made
    except Exception as error:
        where = plugin_errors.place(error) or plugins.file("tasks", name)
        raise UserError(f"task {name} ({where}): {plugin_errors.first_line(error)}") from None


def of_recipe(recipe: Recipe, name: str) -> Task:
    """Return the task of a recipe, on data whose task has this name."""
    return load(name, recipe.task.options if recipe.task else {})
