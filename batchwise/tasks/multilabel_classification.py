"""Several labels for each row, each of which it has or has not: an output for each, sigmoid cross-entropy."""

import numpy as np

from batchwise.data.task import POINTS, Labels, Task, TaskMetric, Tensor
from batchwise.tasks._classification import (
    average_precision,
    brier_score,
    cross_entropy,
    macro_f1,
    mean_f1,
    recall,
    recalls,
    roc_auc,
)


def task() -> Task:
    """Return the task. Its loss is the mean over the labels, so that it does not grow with their number."""
    return Task(
        labels=Labels("flags"),
        outputs=lambda classes: classes,
        loss=loss,
        metrics=(
            macro_f1(lambda means: mean_f1(*thirds(means), of_all=True), f1_of_all, values=counts),
            cross_entropy(loss, entropy),
            TaskMetric(
                name="accuracy",
                description="fraction of the rows of which every label is predicted (subset accuracy), 0 to 1",
                higher_is_better=True,
                baseline=lambda labels: np.unique(labels, axis=0, return_counts=True)[1].max() / len(labels),
                values=correct,
                counted=("correct", "wrong"),
                lowest=0,
                **POINTS,
            ),
            brier_score(squares, lambda labels: float(variances(labels).mean())),
            roc_auc(probabilities, average="macro"),
            average_precision(probabilities, lambda labels: float(labels.mean())),
            recall(lambda means: recalls(thirds(means)), values=counts),
        ),
    )


def loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the mean over the labels of the cross-entropy of each row, [B], nats."""
    from keras import ops

    each = ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)
    return ops.mean(each, -1)


def predicted(logits: Tensor) -> Tensor:
    """Return whether each label is predicted, [B, labels] bool."""
    return logits > 0


def correct(labels: Tensor, logits: Tensor) -> Tensor:
    """Return whether all labels of each row are predicted, [B] bool."""
    from keras import ops

    return ops.all(ops.equal(ops.cast(predicted(logits), "int32"), ops.cast(labels, "int32")), -1)


def counts(labels: Tensor, logits: Tensor) -> Tensor:
    """Return whether each label is there and predicted, whether it is predicted, and whether it is there.

    The result is [B, 3 · labels] bool.
    """
    from keras import ops

    present, found = ops.cast(labels, "bool"), predicted(logits)
    return ops.concatenate([ops.logical_and(present, found), found, present], axis=-1)


def thirds(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three parts of means of `counts`, [..., labels] each."""
    found, predicted, present = np.split(means, 3, axis=-1)
    return found, predicted, present


def squares(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the squared error of the probabilities of each row, a mean over the labels, [B]."""
    from keras import ops

    return ops.mean(ops.square(ops.sigmoid(logits) - ops.cast(labels, logits.dtype)), -1)


def probabilities(logits: Tensor) -> Tensor:
    """Return the probability of each label, [B, labels]."""
    from keras import ops

    return ops.sigmoid(logits)


def entropy(labels: np.ndarray) -> float:
    """Return the mean entropy of the labels: the loss of always answering with their shares, nats."""
    shares = np.stack([labels.mean(axis=0), 1 - labels.mean(axis=0)])
    return float(-(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=0).mean())


def f1_of_all(labels: np.ndarray) -> float:
    """Return the macro F1 of predicting every label for every row, 2p / (1 + p) on average."""
    shares = labels.mean(axis=0)
    return float((2 * shares / (1 + shares)).mean())


def variances(labels: np.ndarray) -> np.ndarray:
    """Return p(1 − p) of each label."""
    shares = labels.mean(axis=0)
    return shares * (1 - shares)
