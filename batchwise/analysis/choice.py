"""Which of some batch sizes to use: the cheapest of those that cannot be told apart from the best.

All of this looks at test rows, of fresh seeds where there are some: never to prefer one for its result there, but to
know which are worse.
"""

from typing import NamedTuple

import numpy as np

from batchwise.data.metric import Metric
from batchwise.statistics import simultaneous


class Choice(NamedTuple):
    """Rows among the batch sizes that can be chosen."""

    best: int
    alike: np.ndarray  # [batch sizes], bool: which cannot be told apart from the best, itself among them
    chosen: int


def choose(test: np.ndarray, preferred: int | None, costs: np.ndarray, metric: Metric) -> Choice:
    """Return the best, what cannot be told apart from it, and the cheapest of those.

    `test` [batch sizes, seeds] are results on test rows, all known, and `costs` [batch sizes] what each takes. The best
    is `preferred`, of validation rows, unless another is better on test rows by an interval that holds together with
    the others': then, and without any preferred, it is the best on test rows. The cheapest is no more than the least
    margin of the metric behind, and none is significantly better than it.
    """
    score = metric.sign * test
    best = int(score.mean(axis=1).argmax()) if preferred is None else preferred
    if _better(score, best).any():
        best = int(score.mean(axis=1).argmax())
    interval = simultaneous.from_reference(score, best)
    alike = interval.high >= 0
    alike[best] = True
    near = alike & (metric.scale * interval.mean >= -metric.least_margin)
    cheapest = (int(row) for row in np.argsort(costs, kind="stable") if near[row] and not _better(score, row).any())
    return Choice(best, alike, next(cheapest, best))


def _better(score: np.ndarray, than: int) -> np.ndarray:
    """Return which rows are better than one of them, [batch sizes], by intervals that hold together."""
    return simultaneous.from_reference(score, than).low > 0
