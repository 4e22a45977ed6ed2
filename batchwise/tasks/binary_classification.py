"""One of two classes for each row: one output, sigmoid cross-entropy."""

from batchwise.data.task import Task, Tensor
from batchwise.tasks._classification import accuracy, cross_entropy


def loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the cross-entropy of each row, [B], nats."""
    from keras import ops

    logits = ops.squeeze(logits, -1)
    return ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)


def correct(labels: Tensor, logits: Tensor) -> Tensor:
    """Return whether the class of each row is predicted, [B] bool."""
    from keras import ops

    return ops.equal(ops.cast(ops.squeeze(logits, -1) > 0, "int32"), labels)


TASK = Task(outputs=lambda classes: 1, loss=loss, metrics=(accuracy(correct), cross_entropy(loss)), classes=2)
