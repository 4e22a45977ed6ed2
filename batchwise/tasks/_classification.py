"""What tasks with classes share: the metrics, and their values for the best constant answer."""

from typing import Any

import numpy as np

from batchwise.data.task import LOSS, POINTS, Baseline, Predictions, Reduction, Score, TaskMetric, Tensor, Values


def accuracy(predicted: Values) -> TaskMetric:
    """Return the metric of whether the class is predicted; `predicted` returns it of labels [B] and logits, [B]."""

    def correct(labels: Tensor, logits: Tensor) -> Tensor:
        """Return whether the class of each row is predicted, [B] bool."""
        return predicted(labels, logits) == labels

    return TaskMetric(
        name="accuracy",
        description="fraction of the rows whose class is predicted, 0 to 1",
        higher_is_better=True,
        baseline=largest_share,
        values=correct,
        counted=("correct", "wrong"),
        lowest=0,
        **POINTS,
    )


def cross_entropy(loss: Values, baseline: Baseline) -> TaskMetric:
    """Return the metric of the loss; `loss` takes labels [B] and logits, and returns [B]."""
    return TaskMetric(
        name=LOSS,
        description="log loss: mean cross-entropy over the rows, nats",
        higher_is_better=False,
        baseline=baseline,
        values=loss,
        unit="nats",
        difference_unit="nat",
        margins=(0.02, 0.05, 0.1),
        learned=0.05,
        lowest=0,
    )


def brier_score(squares: Values, baseline: Baseline) -> TaskMetric:
    """Return the metric of Brier 1950; `squares` takes labels [B] and logits, and returns [B]."""
    return TaskMetric(
        name="brier_score",
        title="Brier score",
        description="mean squared error of the probabilities (Brier 1950), as sklearn.metrics.brier_score_loss",
        higher_is_better=False,
        baseline=baseline,
        values=squares,
        if_named=True,
        lowest=0,
    )


def by_class(predicted: Values) -> tuple[TaskMetric, TaskMetric, TaskMetric]:
    """Return balanced accuracy, macro F1, and the recall of each class.

    `predicted` takes labels [B] and logits, and returns the class that is predicted, [B] int32.
    """

    def cells(labels: Tensor, logits: Tensor) -> Tensor:
        """Return the cell of the confusion matrix in which each row is, [B]."""
        return labels * max(logits.shape[-1], 2) + predicted(labels, logits)

    counted: dict[str, Any] = {"values": cells, "levels": lambda outputs: max(outputs, 2) ** 2}
    return (
        TaskMetric(
            name="balanced_accuracy",
            description="mean over the classes that have rows of the share of these that is predicted (recall), 0 to 1",
            higher_is_better=True,
            baseline=lambda labels: 1 / len(np.unique(labels)),
            reduce=lambda means: mean_of_known(recalls(hits(means))),
            lowest=0,
            **counted,
            **POINTS,
        ),
        macro_f1(
            lambda means: mean_f1(*hits(means)),
            lambda labels: 2 / (1 + 1 / largest_share(labels)) / len(np.unique(labels)),
            **counted,
        ),
        recall(lambda means: recalls(hits(means)), **counted),
    )


def hits(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shares of rows that are of a class and predicted so, predicted so, and of the class, [..., C] each.

    `means` are the shares in the cells of the confusion matrix, [..., C · C], by class and prediction.
    """
    classes = round(means.shape[-1] ** 0.5)
    matrix = means.reshape(*means.shape[:-1], classes, classes)
    return np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-2), matrix.sum(axis=-1)


def mean_f1(found: np.ndarray, predicted: np.ndarray, present: np.ndarray, *, of_all: bool = False) -> np.ndarray:
    """Return the mean over classes of F1, of `hits`; a class that is nowhere counts, as 0, with `of_all` alone."""
    score = 2 * found / (predicted + present)
    score = np.where(np.isnan(present), np.nan, np.nan_to_num(score)) if of_all else score
    return mean_of_known(score)


def macro_f1(reduce: Reduction, baseline: Baseline, **counted: Any) -> TaskMetric:
    """Return the mean over classes of F1; `counted` are the values of which `reduce` makes it."""
    return TaskMetric(
        name="macro_f1",
        title="macro F1",
        description="mean over the classes of F1, 2·hits/(predicted + present), as sklearn.metrics.f1_score "
        '(average="macro"), 0 to 1',
        higher_is_better=True,
        baseline=baseline,
        reduce=reduce,
        lowest=0,
        **counted,
        **POINTS,
    )


def recall(reduce: Reduction, **counted: Any) -> TaskMetric:
    """Return the recall of each class; `counted` are the values of which `reduce` makes it."""
    return TaskMetric(
        name="recall",
        description="share of the rows of a class that is predicted, 0 to 1",
        higher_is_better=True,
        baseline=lambda labels: 0.0,
        reduce=reduce,
        by_class=True,
        lowest=0,
        **counted,
        **POINTS,
    )


def recalls(counts: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the recall of each class, [..., C], of `hits`; NaN for a class without rows."""
    found, _, present = counts
    return found / present


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis of the values that are not NaN; NaN if all are."""
    return np.nansum(values, axis=-1) / np.sum(~np.isnan(values), axis=-1)


def roc_auc(predictions: Predictions, **averaged: Any) -> TaskMetric:
    """Return the area under the ROC curve; `averaged` are arguments of sklearn.metrics.roc_auc_score."""

    def score(labels: np.ndarray, found: np.ndarray) -> float:
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(labels, found, **averaged))

    return TaskMetric(
        name="roc_auc",
        title="ROC AUC",
        description="area under the ROC curve, as sklearn.metrics.roc_auc_score"
        + (" (one class against the others, mean over the classes)" if averaged else "")
        + ", 0 to 1",
        higher_is_better=True,
        baseline=lambda labels: 0.5,
        predictions=predictions,
        score=known(score),
        if_named=True,
        lowest=0,
        **POINTS,
    )


def average_precision(predictions: Predictions, baseline: Baseline) -> TaskMetric:
    """Return the area under the curve of precision against recall."""

    def score(labels: np.ndarray, found: np.ndarray) -> float:
        from sklearn.metrics import average_precision_score

        return float(average_precision_score(labels, found))

    return TaskMetric(
        name="average_precision",
        description="area under the curve of precision against recall, as sklearn.metrics.average_precision_score "
        "(mean over the classes), 0 to 1",
        higher_is_better=True,
        baseline=baseline,
        predictions=predictions,
        score=known(score),
        if_named=True,
        lowest=0,
        **POINTS,
    )


def known(score: Score) -> Score:
    """Return a score that is NaN for rows of which scikit-learn knows none: of one class, or of diverged weights."""

    def checked(labels: np.ndarray, found: np.ndarray) -> float:
        if labels.ndim > 1:
            whole = bool((np.ptp(labels, axis=0) > 0).all())
        else:
            whole = len(np.unique(labels)) == (found.shape[1] if found.ndim > 1 else 2)
        return score(labels, found) if whole and np.isfinite(found).all() else float("nan")

    return checked


def largest_share(labels: np.ndarray) -> float:
    """Return the share of the largest class: the accuracy of always answering it, as a fraction."""
    return float(shares(labels).max())


def entropy(labels: np.ndarray) -> float:
    """Return the entropy of the classes: the loss of always answering with their shares, nats."""
    found = shares(labels)
    return float(-(found * np.log(found)).sum())


def impurity(labels: np.ndarray) -> float:
    """Return the sum of p(1 − p) over the classes: the Brier score of always answering with their shares."""
    found = shares(labels)
    return float((found * (1 - found)).sum())


def shares(labels: np.ndarray) -> np.ndarray:
    """Return the share of each class that has rows."""
    return np.unique(labels, return_counts=True)[1] / len(labels)
