"""What the labels mean: the outputs that a model needs, its loss, and when a prediction is right."""

from batchwise.runtime.tensorflow import keras
from batchwise.tasks.base import Task, Tensor

ops = keras.ops


def _binary_loss(labels: Tensor, logits: Tensor) -> Tensor:
    logits = ops.squeeze(logits, -1)
    return ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)


def _multiclass_loss(labels: Tensor, logits: Tensor) -> Tensor:
    # One-hot labels: the gradient of the sparse form is a scatter, which is slower, and has the same bits.
    return ops.categorical_crossentropy(ops.one_hot(labels, logits.shape[-1]), logits, from_logits=True)


TASKS = {
    "binary_classification": Task(
        outputs=lambda classes: 1,
        loss=_binary_loss,
        correct=lambda labels, logits: ops.equal(ops.cast(ops.squeeze(logits, -1) > 0, "int32"), labels),
    ),
    "multiclass_classification": Task(
        outputs=lambda classes: classes,
        loss=_multiclass_loss,
        correct=lambda labels, logits: ops.equal(ops.argmax(logits, -1), labels),
    ),
}
