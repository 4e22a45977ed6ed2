"""One class for each row: an output for each class, softmax cross-entropy."""

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
    shares,
)


def task() -> Task:
    """Return the task."""
    balanced_accuracy, macro_f1, recall = by_class(predicted)
    return Task(
        labels=Labels("classes"),
        outputs=lambda classes: classes,
        loss=loss,
        metrics=(
            accuracy(predicted),
            cross_entropy(loss, entropy),
            balanced_accuracy,
            macro_f1,
            brier_score(squares, impurity),
            roc_auc(probabilities, multi_class="ovr"),
            average_precision(probabilities, lambda labels: float(shares(labels).mean())),
            recall,
        ),
    )


def loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the cross-entropy of each row, [B], nats."""
    from keras import backend, ops

    if backend.backend() == "jax":  # whose XLA makes more passes of one-hot labels
        own = ops.take_along_axis(logits, ops.expand_dims(labels, -1), -1)
        return ops.logsumexp(logits, -1) - ops.squeeze(own, -1)
    # One-hot labels: the gradient of the sparse form is a scatter, which is slower, and has the same bits.
    return ops.categorical_crossentropy(ops.one_hot(labels, logits.shape[-1]), logits, from_logits=True)


def predicted(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the class that is predicted for each row, [B] int32."""
    from keras import ops

    return ops.argmax(logits, -1)


def squares(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the squared errors of the probabilities of each row, summed over the classes, [B]."""
    from keras import ops

    errors = ops.softmax(logits) - ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return ops.sum(ops.square(errors), -1)


def probabilities(logits: Tensor) -> Tensor:
    """Return the probability of each class, [B, classes]."""
    from keras import ops

    return ops.softmax(logits)
