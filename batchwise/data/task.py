"""What a task says of its labels. Nothing here imports TensorFlow: tables and reports read metrics too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import unknown

Tensor = Any
Values = Callable[[Tensor, Tensor], Tensor]  # of labels [B] and outputs [B, …], a value for each row, [B]


@dataclass(frozen=True)
class Metric:
    """A quantity that each evaluation gives for each split: the mean of a value of each row.

    People read `scale` times a value. Margins are in the unit of a difference of what they read.
    """

    name: str  # in columns and sentences
    description: str  # what a value is, with its unit
    values: Values  # bool is counted exactly
    higher_is_better: bool
    baseline: Callable[[Sequence[int]], float]  # of the training rows by class: what the best constant answer gives
    learned: float  # a run that is not better than the baseline by more than this, on training rows, has not trained
    margins: tuple[int, ...]  # as far behind the best as a learning rate may be that trains reliably
    scale: float = 1.0
    unit: str = ""  # of what people read
    unit_of_differences: str = ""


@dataclass(frozen=True)
class Task:
    """What labels mean; the outputs of classes are logits, [B, outputs]."""

    outputs: Callable[[int], int]  # of the number of classes
    loss: Values
    metrics: tuple[Metric, ...]  # the loss among them; a study chooses by the first, unless it names another

    def metric(self, name: str | None = None) -> Metric:
        """Return a metric by name, the first for None. Raises UserError for a name that the task does not have."""
        known = {metric.name: metric for metric in self.metrics}
        if name is not None and name not in known:
            raise UserError(unknown("metric of the task", name, list(known)))
        return known[name] if name else self.metrics[0]


def load(name: str) -> Task:
    """Return the task `batchwise/tasks/<name>.py`. Raises UserError for a name without a file."""
    if name not in plugins.names("tasks"):
        raise UserError(unknown("task", name, plugins.names("tasks")))
    return plugins.load("tasks", name).TASK
