"""What a task says of its labels. Nothing here imports TensorFlow: tables and reports read metrics too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import unknown
from batchwise.data.metric import Metric

LOSS = "loss"  # the metric of every task that is the mean of its loss: a run has diverged when it is too large
Tensor = Any
Values = Callable[[Tensor, Tensor], Tensor]  # of labels [B] and outputs [B, …], a value for each row, [B]


@dataclass(frozen=True)
class TaskMetric:
    """A metric of a task: how it is computed, the mean of a value of each row, and what it is on data."""

    name: str
    values: Values  # bool is counted exactly
    on: Callable[[Sequence[int]], Metric]  # of the number of training rows of each class


@dataclass(frozen=True)
class Task:
    """What labels mean; the outputs of classes are logits, [B, outputs]."""

    outputs: Callable[[int], int]  # of the number of classes
    loss: Values
    metrics: tuple[TaskMetric, ...]  # LOSS among them; a study chooses by the first, unless it names another
    classes: int | None = None  # as many as its data must have; None for two and more

    def metric(self, name: str | None = None) -> TaskMetric:
        """Return a metric by name, the first for None. Raises UserError for a name that the task does not have."""
        known = {metric.name: metric for metric in self.metrics}
        if name is not None and name not in known:
            raise UserError(f"metric: {unknown('metric of the task', name, list(known))}")
        return known[name] if name else self.metrics[0]

    def check_classes(self, name: str, classes: int) -> None:
        """Raise UserError for a number of classes that the task, of this name, is not for."""
        if self.classes not in (None, classes):
            raise UserError(f"the task {name} is for {self.classes} classes; class_names has {classes}")


def load(name: str) -> Task:
    """Return the task `batchwise/tasks/<name>.py`. Raises UserError for a name without a file."""
    plugins.check("tasks", name)
    return plugins.load("tasks", name).TASK
