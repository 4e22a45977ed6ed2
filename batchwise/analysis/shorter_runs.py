"""What a deadline leaves to choose from: a batch size, a learning rate, and after how many epochs to stop."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from batchwise.analysis import equal_budgets
from batchwise.analysis.equal_budgets import Curves
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import mean_interval


def options(
    all_curves: Sequence[Curves], seconds: Mapping[int, float], deadline: float
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the runs that end by a deadline in seconds, and their results on test rows [options, seeds].

    Each evaluation of a batch size is an end, at the rate that is best on validation rows then; a row is as of
    equal_budgets.level. They are sorted by the seconds that they take. `seconds` are those of an epoch, by batch size.
    Left out are those of which a seed has no result.
    """
    rows, results = [], []
    for curves in all_curves:
        in_time = equal_budgets.spent(curves, "seconds", curves.epochs, seconds) <= deadline
        for epochs in curves.epochs[1:][in_time[1:]]:
            row = equal_budgets.level(curves, "epochs", float(epochs), seconds)
            test = of_seeds(curves, row)
            if np.isfinite(test).all():
                rows.append(row)
                results.append(test)
    table = pd.DataFrame(rows, columns=None if rows else ["seconds"]).sort_values("seconds", kind="stable")
    return table.reset_index(drop=True), np.array(results)[table.index]


def of_seeds(curves: Curves, row: Mapping[str, float]) -> np.ndarray:
    """Return the result of each seed on test rows, [seeds], at the rate and after the epochs of a row; NaN without."""
    test = curves.metric.column("test")
    found = np.flatnonzero(curves.base_learning_rates == row.get("base_learning_rate"))
    if not len(found):
        return np.full(curves.values[test].shape[1], np.nan)
    return equal_budgets.at(curves, row["epochs"])[test][found[0]]


def choices(test: np.ndarray, validation: np.ndarray, metric: Metric, whole: float | None = None) -> list[int]:
    """Return which run to use when those up to each are possible, [options]; they are sorted by what they take.

    `test` are results [options, seeds], `validation` means [options]. Chosen is the best on validation rows, or on test
    rows without any, among those than which none is significantly better on test rows (95 % intervals of the
    differences paired by seed), and which have no worse mean there than what was chosen with less: so more time never
    gives a worse answer. Nor does time for a whole run: of these, one with a mean better than `whole`, that of fresh
    seeds, comes after all others, since it owes that to the luck of the seeds that choose.
    """
    score, unbeaten = metric.sign * test, np.zeros(len(test), bool)
    means = score.mean(axis=1)
    preference = means if np.isnan(validation).all() else metric.sign * validation
    lucky = np.zeros(len(test), bool) if whole is None else means > metric.sign * whole
    found: list[int] = []
    for new in range(len(score)):
        difference = mean_interval(score[:new] - score[new])
        unbeaten[new] = not (difference.low > 0).any()
        unbeaten[:new] &= ~(difference.high < 0)
        among = np.flatnonzero(unbeaten & (means >= means[found[-1]] if found else True))
        among = among[lucky[among] == lucky[among].min()]
        found.append(int(among[preference[among].argmax()]))
    return found
