"""Every task: its metrics and outputs, with the numbers of scikit-learn on random tables."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as known
from sklearn.exceptions import UndefinedMetricWarning

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import task
from batchwise.data.task import LOSS, Scale, Task, TaskMetric

TASKS = plugins.names("tasks")
CLASSES = {
    "binary_classification": 2,
    "multiclass_classification": 4,
    "multilabel_classification": 3,
    "language_modelling": 5,
}
OF_THEIR_OWN = {"detection"}  # which scikit-learn does not have: test_detection.py
PLACES = 6  # of a row of tokens
Metric = Callable[[np.ndarray, np.ndarray], float]  # of labels and outputs


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def binary(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, logits: metric(labels, logits[:, 0] > 0, **given)


def positive(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, logits: metric(labels, sigmoid(logits[:, 0]), **given)


def several(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, logits: metric(labels, logits.argmax(axis=1), **given)


def distribution(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, logits: metric(labels, softmax(logits), **given)


def flags(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, logits: metric(labels, (logits > 0).astype(int), **given)


def each_flag(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, logits: metric(labels, sigmoid(logits), **given)


def number(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, outputs: metric(labels, outputs[:, 0], **given)


def rate(metric: Callable[..., float], **given) -> Metric:
    return lambda labels, outputs: metric(labels, np.exp(outputs[:, 0]), **given)


def huber(labels: np.ndarray, outputs: np.ndarray, delta: float) -> float:
    """Huber 1964, of each row."""
    size = abs(labels - outputs[:, 0])
    return float(np.mean([0.5 * e * e if e <= delta else delta * (e - 0.5 * delta) for e in size]))


def next_tokens(labels: np.ndarray, outputs: np.ndarray, *, rows_alike: bool) -> float:
    """Return the log loss of tokens, each a row of scikit-learn's; all count alike, or all rows of them do."""
    there = labels[:, :-1] > 0
    weights = there / (there.sum(axis=1, keepdims=True) if rows_alike else 1)
    tokens, logits = labels[:, :-1][there], outputs[there]
    return known.log_loss(tokens, softmax(logits), labels=range(logits.shape[-1]), sample_weight=weights[there])


REGRESSION = {
    "rmse": number(known.root_mean_squared_error),
    "mae": number(known.mean_absolute_error),
    "r2": number(known.r2_score),
}
EXPECTED: dict[tuple[str, tuple], dict[str, Metric]] = {
    ("binary_classification", ()): {
        "accuracy": binary(known.accuracy_score),
        LOSS: positive(known.log_loss, labels=[0, 1]),
        "balanced_accuracy": binary(known.balanced_accuracy_score),
        "macro_f1": binary(known.f1_score, average="macro"),
        "brier_score": positive(known.brier_score_loss, pos_label=1),
        "roc_auc": positive(known.roc_auc_score),
        "average_precision": positive(known.average_precision_score),
        "recall": binary(known.recall_score, average=None),
    },
    ("multiclass_classification", ()): {
        "accuracy": several(known.accuracy_score),
        LOSS: distribution(known.log_loss, labels=range(4)),
        "balanced_accuracy": several(known.balanced_accuracy_score),
        "macro_f1": several(known.f1_score, average="macro"),
        "brier_score": distribution(known.brier_score_loss, labels=range(4)),
        "roc_auc": distribution(known.roc_auc_score, multi_class="ovr"),
        "average_precision": distribution(known.average_precision_score),
        "recall": several(known.recall_score, average=None),
    },
    ("multilabel_classification", ()): {
        "macro_f1": flags(known.f1_score, average="macro", zero_division=0),
        LOSS: each_flag(
            lambda labels, found: np.mean(
                [known.log_loss(*pair, labels=[0, 1]) for pair in zip(labels.T, found.T, strict=True)]
            )
        ),
        "accuracy": flags(known.accuracy_score),
        "brier_score": each_flag(
            lambda labels, found: np.mean(
                [known.brier_score_loss(*pair, pos_label=1) for pair in zip(labels.T, found.T, strict=True)]
            )
        ),
        "roc_auc": each_flag(known.roc_auc_score, average="macro"),
        "average_precision": each_flag(known.average_precision_score, average="macro"),
        "recall": flags(known.recall_score, average=None),
    },
    ("regression", ()): {**REGRESSION, LOSS: number(known.mean_squared_error)},
    ("regression", (("loss", "absolute"),)): {**REGRESSION, LOSS: number(known.mean_absolute_error)},
    ("regression", (("loss", "huber"), ("delta", 0.5))): {
        **REGRESSION,
        LOSS: lambda labels, outputs: huber(labels, outputs, 0.5),
    },
    ("language_modelling", ()): {
        LOSS: lambda labels, outputs: next_tokens(labels, outputs, rows_alike=True),
        "perplexity": lambda labels, outputs: np.exp(next_tokens(labels, outputs, rows_alike=False)),
        "bits_per_byte": lambda labels, outputs: (
            next_tokens(labels, outputs, rows_alike=False)
            / np.log(2)
            * (labels[:, :-1] > 0).sum()
            / labels[:, -1].sum()
        ),
    },
    ("count_regression", ()): {
        LOSS: rate(known.mean_poisson_deviance),
        "d2": rate(known.d2_tweedie_score, power=1),
        "rmse": rate(known.root_mean_squared_error),
        "mae": rate(known.mean_absolute_error),
    },
}


def tokens(random: np.random.Generator, classes: int, rows: int) -> np.ndarray:
    """Return rows of one token and more, with more bytes than tokens."""
    labels = random.integers(1, classes, (rows, PLACES + 1))
    lengths = random.integers(1, PLACES + 1, rows)
    labels[np.arange(PLACES + 1) >= lengths[:, None]] = 0
    labels[:, -1] = lengths + random.integers(5, size=rows)
    return labels


def drawn(name: str, found: Task, seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return random labels and outputs, each class among them."""
    random, classes = np.random.default_rng(seed), CLASSES.get(name, 0)
    outputs = 2 * random.standard_normal((rows, *found.output_shape(classes, (PLACES,))))
    labels = {
        "classes": lambda: np.resize(random.permutation(classes), rows)[random.permutation(rows)].astype("int32"),
        "flags": lambda: np.concatenate(
            [np.eye(classes), 1 - np.eye(classes), random.integers(2, size=(rows - 2 * classes, classes))]
        ).astype("uint8"),
        "tokens": lambda: tokens(random, classes, rows),
        "numbers": lambda: random.standard_normal(rows),
        "counts": lambda: random.poisson(2, size=rows).astype("float64"),
    }[found.labels.kind]()
    return labels, outputs


def value(metric: TaskMetric, labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return a metric of some rows, as the trainer computes it."""
    if metric.score:
        return np.float64(metric.score(labels, np.asarray(metric.predictions(outputs))))
    values = np.asarray(metric.values(labels, outputs))
    if metric.levels:
        values = np.eye(metric.levels(outputs.shape[1]))[values]
    return metric.of_means(values.mean(axis=0, dtype="float64"), Scale())


def test_every_task_is_compared() -> None:
    assert {name for name, _ in EXPECTED} == {*TASKS} - OF_THEIR_OWN


@pytest.mark.parametrize(("name", "options"), EXPECTED)
def test_the_loss_is_a_metric_and_names_are_unique(name, options) -> None:
    found = task.load(name, dict(options))
    names = [metric.name for metric in found.metrics]
    assert len({*names}) == len(names) and all(map(str.isidentifier, names))
    assert {*names} == {*EXPECTED[name, options]}
    assert found.metric(LOSS).values is found.loss
    assert found.metric() is found.metrics[0] and not found.metrics[0].if_named
    assert all((metric.values is None) != (metric.score is None) for metric in found.metrics)


@pytest.mark.parametrize(
    ("name", "options", "metric"),
    [(*which, metric) for which, all_metrics in EXPECTED.items() for metric in all_metrics],
)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_metrics_are_those_of_scikit_learn(name, options, metric, seed) -> None:
    found = task.load(name, dict(options))
    labels, outputs = drawn(name, found, seed)
    [one] = [each for each in found.metrics if each.name == metric]
    np.testing.assert_allclose(
        value(one, labels, outputs), EXPECTED[name, options][metric](labels, outputs), rtol=1e-10
    )


# The best constant answer


CONSTANT = [(*which, metric) for which, all_metrics in EXPECTED.items() for metric in all_metrics if metric != "recall"]


@pytest.mark.filterwarnings(f"ignore::{UndefinedMetricWarning.__module__}.UndefinedMetricWarning")
@pytest.mark.parametrize(("name", "options", "metric"), CONSTANT)
def test_no_constant_answer_is_better_than_the_baseline(name, options, metric) -> None:
    found = task.load(name, dict(options))
    [one] = [each for each in found.metrics if each.name == metric]
    labels, outputs = drawn(name, found, seed=1, rows=90)
    facts = one.on(labels, Scale(), "")
    random = np.random.default_rng(0)
    constants = [np.broadcast_to(random.normal(size=outputs.shape[1:]), outputs.shape) for _ in range(60)]
    constants += [np.full(outputs.shape, answer) for answer in np.linspace(-4, 4, 41)]
    best = max(facts.sign * EXPECTED[name, options][metric](labels, constant) for constant in constants)
    assert best <= facts.sign * facts.baseline + 1e-9


@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_a_delta_is_of_hubers_loss_alone(loss) -> None:
    with pytest.raises(UserError, match=f"delta is 2, and {loss} errors have none; write `loss: huber`"):
        task.load("regression", {"loss": loss, "delta": 2.0})
    assert task.load("regression", {"loss": loss, "delta": 1.0})
