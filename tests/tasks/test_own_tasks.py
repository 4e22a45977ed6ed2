"""What is wrong in a task of somebody's own is one sentence, before anything trains; its scores have its unit."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import task
from batchwise.data.task import LOSS, TARGET, Labels, Scale, Task, TaskMetric
from batchwise.runtime.keras import keras
from batchwise.training.model_checks import row_values

ops = keras.ops
LARGE = st.floats(-1e6, 1e6)


def squared(labels: Any, outputs: Any) -> Any:
    return ops.square(labels - outputs[:, 0])


def metric(name: str = "mse", **given: Any) -> TaskMetric:
    ways = {"values", "predictions", "score"} & given.keys()
    how = given if ways else {"values": squared, **given}
    return TaskMetric(
        **{"name": name, "description": name, "higher_is_better": False, "baseline": np.var, "lowest": 0} | how
    )


def made(*metrics: TaskMetric, **given: Any) -> Task:
    found = metrics or (metric(LOSS),)
    defaults = {"labels": Labels("numbers"), "outputs": lambda classes: 1, "loss": squared, "metrics": found}
    return Task(**defaults | given)


def first(outputs: Any) -> Any:
    return outputs[:, 0]


# {what is wrong: (its metrics, what is said)}
METRICS = {
    "no loss": ([metric("mse")], "metrics are mse; one must be named loss"),
    "no metric": ([], "metrics are none; one must be named loss"),
    "one name twice": ([metric(LOSS), metric("mse"), metric("mse")], "metrics have the name 'mse'"),
    "a name that is no column": ([metric(LOSS), metric("mean error")], "metrics have the name 'mean error'"),
    "a name that is another's column": (
        [metric(LOSS), metric("loss_final")],
        "metrics would have two columns named 'test_loss_final'; call metrics otherwise",
    ),
    "rows that are called like a metric": (
        [metric(LOSS), metric("near", counted=("near", "far"))],
        "metrics would have two columns named 'test_near'; call rows, or metrics, otherwise",
    ),
    "rows of two metrics that are called alike": (
        [metric(LOSS), metric("top_1", counted=("hit", "miss")), metric("top_2", counted=("hit", "missed"))],
        "metrics would have two columns named 'test_hit'",
    ),
    "rows and the others that are called alike": (
        [metric(LOSS), metric("top_1", counted=("hit", "hit"))],
        "metrics would have two columns named 'test_hit'",
    ),
    "neither way": ([metric(LOSS), metric(values=None)], "the metric mse needs either values, or predictions"),
    "both ways": (
        [metric(LOSS), metric(values=squared, predictions=first, score=max)],
        "the metric mse needs either values, or predictions",
    ),
    "no score": ([metric(LOSS), metric(predictions=first)], "the metric mse needs either values, or predictions"),
    "a loss of scores": (
        [metric("mse"), metric(LOSS, predictions=first, score=max)],
        "the metric loss says whether a run diverges: it needs values",
    ),
    "a loss that should be high": ([metric(LOSS, higher_is_better=True)], "and higher_is_better=False"),
    "a score first": ([metric(predictions=first, score=max), metric(LOSS)], "the metric mse is the first"),
}


ODD = [None, 1, 1.5, "x", "two\nlines", (), (1, 2), (3, 2, 1), ("one",), [1, 2, 3], np.nan, {}, np.var]
# {field: those of the odd values that it may have}
FIELDS = {
    **dict.fromkeys(("description", "title", "unit", "difference_unit"), ("x",)),
    **dict.fromkeys(("higher_is_better", "by_class", "if_named"), ()),
    "baseline": (np.var,),
    **dict.fromkeys(("levels", "reduce"), (None, np.var)),
    "scale": (1, 1.5),
    "decimals": (1,),
    "margins": (None,),
    **dict.fromkeys(("learned", "lowest", "highest"), (None, 1, 1.5)),
    "counted": (None,),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_a_metric_that_is_something_else_is_told(field) -> None:
    for value in ODD:
        if any(value is allowed for allowed in FIELDS[field]):
            metric(**{field: value})
            continue
        with pytest.raises(UserError, match=rf"^the metric mse: {field} is .*; .* is expected$") as told:
            metric(**{field: value})
        assert "\n" not in str(told.value)


# {field: values that it cannot have}
TASKS = {
    "labels": [None, "classes", Labels],
    "outputs": [None, 1],
    "loss": [None, LOSS],
    "metrics": [None, metric(LOSS), [metric(LOSS)], (LOSS,)],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in TASKS.items() for value in values])
def test_a_field_of_a_task_that_is_something_else_is_told(field, value) -> None:
    with pytest.raises(UserError, match=rf"^the task: {field} is .*; .* is expected$"):
        made(**{field: value})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"kind": "class"},
            "labels: kind is 'class'; one of classes, flags, numbers, counts, tokens, boxes is expected",
        ),
        ({"kind": None}, "labels: kind is None"),
        ({"kind": "classes", "classes": 1}, "labels: classes is 1; a whole number from 2 up, or None, is expected"),
        ({"kind": "classes", "classes": "two"}, "labels: classes is 'two'"),
        ({"kind": "numbers", "standardised": 1}, "labels: standardised is 1; True or False is expected"),
        ({"kind": "counts", "standardised": True}, "labels: standardised is for numbers; these are counts"),
    ],
)
def test_labels_that_there_are_not_are_told(given, words) -> None:
    with pytest.raises(UserError) as told:
        Labels(**given)
    assert words in str(told.value)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_that_are_no_task_s_are_told(name) -> None:
    metrics, words = METRICS[name]
    with pytest.raises(UserError) as told:
        made(metrics=tuple(metrics))
    assert words in str(told.value) and "\n" not in str(told.value)


def forgotten_axis(labels: Any, outputs: Any) -> Any:
    return ops.square(labels - outputs)  # [B, 1] and [B]: [B, B]


def several(labels: Any, outputs: Any) -> Any:
    return ops.stack([labels, outputs[:, 0]], axis=-1)


def nothing(labels: Any, outputs: Any) -> Any:
    squared(labels, outputs)


def bad(labels: Any, outputs: Any) -> Any:
    raise ValueError("it is wrong")


# {what is wrong: (the task, what is said)}
ROWS = {
    "a loss that forgets an axis": (
        made(loss=forgotten_axis),
        "task own: the values of its loss of B = 3 rows, with outputs [B, outputs], are [3, 3], not [B]",
    ),
    "a loss that is a mean": (made(loss=lambda labels, outputs: ops.mean(squared(labels, outputs))), "are [], not [B]"),
    "a loss of several": (made(loss=several), "are [3, 2], not [B]"),
    "a loss that raises": (made(loss=bad), "task own: it is wrong (at tests/tasks/test_own_tasks.py, line "),
    "values that are a table": (
        made(metric(LOSS), metric(values=lambda labels, outputs: ops.zeros((3, 2, 2)))),
        "the metric mse: its values of B = 3 rows, with outputs [B, outputs], are [3, 2, 2], not [B] or [B, k]",
    ),
    "nothing": (made(loss=nothing), "are None; a tensor is expected: does the function end with `return`?"),
    "classes that are no numbers": (
        made(labels=Labels("classes")),
        "labels that are classes, flags or tokens are int32; make them numbers by `ops.cast(labels, outputs.dtype)` "
        "(at tests/",
    ),
    "flags that are no numbers": (
        made(labels=Labels("flags"), loss=lambda labels, outputs: (labels * outputs)[:, 0]),
        "by `ops.cast(labels, outputs.dtype)` (at tests/",
    ),
    "a value of one": (
        made(metric(LOSS), metric(values=lambda labels, outputs: outputs)),
        "its values are [3, 1] for B = 3 rows; take one of a row, `[:, 0]` say, or give them a `reduce`",
    ),
    "several values without reduce": (made(metric(LOSS), metric(values=several)), "give them a `reduce`"),
    "reduce without return": (
        made(metric(LOSS), metric(values=several, reduce=lambda means: None)),
        "the metric mse: reduce gives None; does the function end with `return`?",
    ),
    "reduce over all": (
        made(metric(LOSS), metric(values=several, reduce=lambda means: means.sum())),
        "reduce must make one number of the last axis",
    ),
    "predictions that are a mean": (
        made(metric(LOSS), metric(predictions=ops.mean, score=max)),
        "are [], not [B], [B, k] or [B, K, k]",
    ),
    "no outputs": (made(outputs=lambda classes: classes), "task own: outputs of 0 classes is 0; a number from 1 up"),
}


# JAX makes numbers of them by itself.
TYPES = ("classes that are no numbers", "flags that are no numbers")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.tensorflow if n in TYPES else ()) for n in ROWS])
def test_what_gives_no_values_of_rows_is_told(name) -> None:
    wrong, words = ROWS[name]
    with pytest.raises(UserError) as told:
        row_values.check("own", wrong, 0 if wrong.labels.kind == "numbers" else 2, "float32")
    assert words in str(told.value) and "\n" not in str(told.value)


CLASSES = {
    "binary_classification": 2,
    "multiclass_classification": 4,
    "multilabel_classification": 3,
    "language_modelling": 5,
    "detection": 3,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", plugins.names("tasks"))
def test_the_tasks_that_are_here_pass(name, dtype) -> None:
    row_values.check(name, task.load(name), CLASSES.get(name, 0), dtype)


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        (lambda: None, "task() returned NoneType; a Task is expected"),
        (lambda: made(metric("mse")), "one must be named loss"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_gives_no_task_is_told_with_its_name(offered: Callable[[], Any], words, monkeypatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda kind, name: SimpleNamespace(task=offered))
    with pytest.raises(UserError, match=r"^task regression \(.*\): ") as told:
        task.load("regression")
    assert words in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("baseline", "words"), [(bad, "cannot be computed: TypeError"), (lambda labels: np.nan, "is nan; a finite number")]
)
def test_a_baseline_that_is_no_number_is_told(baseline, words) -> None:
    with pytest.raises(UserError, match=r"^the baseline of the metric mse ") as told:
        metric(baseline=baseline).on(np.arange(5.0), Scale(), "")
    assert words in str(told.value)


# A score in the unit of the target


def median_error(labels: np.ndarray, predictions: np.ndarray) -> float:
    return float(np.median(abs(labels - predictions)))


@given(
    labels=arrays("float64", 12, elements=LARGE).filter(lambda labels: np.ptp(labels) > 1e-3),
    predicted=arrays("float64", 12, elements=LARGE),
)
def test_a_score_is_in_the_unit_of_the_target(labels, predicted) -> None:
    kind = Labels("numbers", standardised=True)
    scale = kind.scale(labels)
    of_model = kind.inside(predicted, scale)
    found = metric(predictions=first, score=median_error, unit=TARGET)
    value = found.of_predictions(kind.inside(labels, scale), of_model, scale)
    np.testing.assert_allclose(value, median_error(labels, predicted), rtol=1e-6, atol=1e-6)
    plain = replace(found, unit="").of_predictions(kind.inside(labels, scale), of_model, scale)
    np.testing.assert_allclose(plain * scale.std, value, rtol=1e-12)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_score_of_diverged_weights_is_not_asked_for(odd) -> None:
    found = metric(predictions=first, score=lambda *_: pytest.fail("it was"))
    assert np.isnan(found.of_predictions(np.zeros(3), np.array([0, odd, 1]), Scale()))


def test_a_score_that_raises_is_told() -> None:
    found = metric(predictions=first, score=bad)
    with pytest.raises(UserError, match=r"^the score of the metric mse cannot be computed: it is wrong") as told:
        found.of_predictions(np.zeros(3), np.zeros(3), Scale())
    assert "\n" not in str(told.value)
