"""One of two classes for each row: one output, sigmoid cross-entropy."""

from batchwise.data.task import Labels, Task, Tensor
from batchwise.tasks._classification import (
    accuracy,
    average_precision,
    brier_score,
    by_class,
    cross_entropy,
    entropy,
    impurity,
    roc_auc,
)


def task() -> Task:
    """Return the task; class 1 is the positive one."""
    balanced_accuracy, macro_f1, recall = by_class(predicted)
    return Task(
        labels=Labels("classes", classes=2),
        outputs=lambda classes: 1,
        loss=loss,
        metrics=(
            accuracy(predicted),
            cross_entropy(loss, entropy),
            balanced_accuracy,
            macro_f1,
            brier_score(squares, lambda labels: impurity(labels) / 2),
            roc_auc(margins),
            average_precision(margins, lambda labels: float(labels.mean())),
            recall,
        ),
    )


def loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the cross-entropy of each row, [B], nats."""
    from keras import ops

    logits = ops.squeeze(logits, -1)
    return ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)


def predicted(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the class that is predicted for each row, [B] int32."""
    from keras import ops

    return ops.cast(ops.squeeze(logits, -1) > 0, "int32")


def squares(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the squared error of the probability of class 1, [B]."""
    from keras import ops

    probabilities = ops.sigmoid(ops.squeeze(logits, -1))
    return ops.square(probabilities - ops.cast(labels, logits.dtype))


def margins(logits: Tensor) -> Tensor:
    """Return the logits, [B]: in the order of the probabilities, of which many round to 1."""
    from keras import ops

    return ops.squeeze(logits, -1)
