"""One class for each row: an output for each class, softmax cross-entropy."""

from batchwise.data.task import Task, Tensor
from batchwise.tasks._classification import accuracy, cross_entropy


def loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the cross-entropy of each row, [B], nats."""
    from keras import ops

    # One-hot labels: the gradient of the sparse form is a scatter, which is slower, and has the same bits.
    return ops.categorical_crossentropy(ops.one_hot(labels, logits.shape[-1]), logits, from_logits=True)


def correct(labels: Tensor, logits: Tensor) -> Tensor:
    """Return whether the class of each row is predicted, [B] bool."""
    from keras import ops

    return ops.equal(ops.argmax(logits, -1), labels)


TASK = Task(outputs=lambda classes: classes, loss=loss, metrics=(accuracy(correct), cross_entropy(loss)))
