"""What tasks with classes share: the metrics, and their value for the best constant answer."""

import math
from collections.abc import Sequence

from batchwise.data.metric import Metric
from batchwise.data.task import TaskMetric, Values


def accuracy(correct: Values) -> TaskMetric:
    """Return the metric of whether the class is predicted; `correct` takes labels [B] and logits, and returns [B]."""
    return TaskMetric(
        "accuracy",
        correct,
        lambda class_counts: Metric(
            "accuracy",
            "fraction of the rows whose class is predicted, 0 to 1",
            higher_is_better=True,
            baseline=largest_share(class_counts),
            learned=0.05,
            margins=(1, 2, 5),
            scale=100,
            unit="%",
            difference_unit="point",
            decimals=1,
            lowest=0,
            highest=1,
            counted=("correct", "wrong"),
        ),
    )


def cross_entropy(loss: Values) -> TaskMetric:
    """Return the metric of the loss; `loss` takes labels [B] and logits, and returns [B]."""
    return TaskMetric(
        "loss",
        loss,
        lambda class_counts: Metric(
            "loss",
            "mean cross-entropy over the rows, nats",
            higher_is_better=False,
            baseline=entropy(class_counts),
            learned=0.05,
            margins=(0.02, 0.05, 0.1),
            unit="nats",
            difference_unit="nat",
            lowest=0,
        ),
    )


def largest_share(class_counts: Sequence[int]) -> float:
    """Return the share of the largest class: the accuracy of always answering it, as a fraction."""
    return max(class_counts) / sum(class_counts)


def entropy(class_counts: Sequence[int]) -> float:
    """Return the entropy of the classes: the loss of always answering with their shares, nats."""
    shares = [count / sum(class_counts) for count in class_counts if count]
    return -sum(share * math.log(share) for share in shares)
