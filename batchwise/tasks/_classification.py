"""What tasks with classes share: the metrics, and their value for the best constant answer."""

import math
from collections.abc import Sequence

from batchwise.data.task import Metric, Values


def accuracy(correct: Values) -> Metric:
    """Return the metric of whether the class is predicted; `correct` takes labels [B] and logits, and returns [B]."""
    return Metric(
        "accuracy",
        "fraction of the rows whose class is predicted, 0 to 1",
        correct,
        higher_is_better=True,
        baseline=largest_share,
        learned=0.05,
        margins=(1, 2, 5),
        scale=100,
        unit="%",
        unit_of_differences="points",
    )


def cross_entropy(loss: Values) -> Metric:
    """Return the metric of the loss; `loss` takes labels [B] and logits, and returns [B]."""
    return Metric(
        "loss",
        "mean cross-entropy over the rows, nats",
        loss,
        higher_is_better=False,
        baseline=entropy,
        learned=0.05,
        margins=(1, 2, 5),
        scale=100,
        unit="cnat",
        unit_of_differences="cnats",
    )


def largest_share(class_counts: Sequence[int]) -> float:
    """Return the share of the largest class: the accuracy of always answering it, as a fraction."""
    return max(class_counts) / sum(class_counts)


def entropy(class_counts: Sequence[int]) -> float:
    """Return the entropy of the classes: the loss of always answering with their shares, nats."""
    shares = [count / sum(class_counts) for count in class_counts if count]
    return -sum(share * math.log(share) for share in shares)
