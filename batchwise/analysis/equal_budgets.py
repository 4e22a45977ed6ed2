"""The runs of a study under three budgets: equal epochs, equal updates, equal seconds (Shallue 2019: they disagree).

A batch size has its learning rate chosen anew at each level of a budget, on validation rows, and its test accuracy is
read then. A level is read at the last evaluation that it reaches; a batch size that it does not bring to its first
evaluation, or that was not trained that long, has no value there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.run_metrics import LAST_EPOCHS, METRICS, Outcome
from batchwise.analysis.selection import DIGITS
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.statistics.intervals import mean_interval

KINDS = ("epochs", "updates", "seconds")
LEVELS = 24  # of each budget, evenly spaced on a logarithmic scale: a figure's curve
MEASURED, TOO_SHORT, TOO_LONG = "measured", "less than an epoch", "longer than trained"
QUANTITIES = ("validation_accuracy", "test_accuracy", "train_loss")


@dataclass(frozen=True)
class Curves:
    """The evaluations of all runs of one batch size. NaN where a run has none, since it ended before."""

    batch_size: int  # trained
    updates_per_epoch: int
    base_learning_rates: np.ndarray  # [rates]
    learning_rates: np.ndarray  # [rates]
    epochs: np.ndarray  # [evaluations], from 0 to the last, at most 200 of them
    updates: int  # of a whole run; with a budget of updates the last epoch may be cut short
    values: dict[str, np.ndarray]  # {quantity: [rates, seeds, evaluations]}; accuracies are fractions

    def updates_at(self, epochs: np.ndarray | float) -> np.ndarray:
        """Return the updates after some epochs."""
        return np.minimum(np.asarray(epochs) * self.updates_per_epoch, self.updates)


def of_study(study: Study, rows: int, outcomes: Mapping[Run, Outcome]) -> list[Curves]:
    """Return the curves of each distinct batch size of a study with `rows` training rows, ascending."""
    cells = {(cell.effective_batch_size, cell.base_learning_rate): cell for cell in grid.cells(study, rows)}
    sizes = sorted({m for m, _ in cells})
    return [_curves(study, rows, m, [cells[key] for key in sorted(cells) if key[0] == m], outcomes) for m in sizes]


def _curves(study: Study, rows: int, m: int, cells: list[grid.Cell], outcomes: Mapping[Run, Outcome]) -> Curves:
    runs = [[outcomes[run] for run in grid.runs_of(cell, study)] for cell in cells]
    longest = max((outcome.curve_epochs for row in runs for outcome in row), key=len)
    values = np.full((len(QUANTITIES), len(cells), study.grid.seeds, len(longest)), np.nan)
    columns = [METRICS.index(name) for name in QUANTITIES]
    for rate, row in enumerate(runs):
        for seed, outcome in enumerate(row):
            points = np.searchsorted(longest, outcome.curve_epochs)
            values[:, rate, seed, points] = outcome.curve[:, columns].T
            if outcome.status != "ok":
                values[:, rate, seed, len(outcome.curve) - 1 :] = np.nan  # the last evaluation is the bad one
    return Curves(
        batch_size=m,
        updates_per_epoch=grid.updates_per_epoch(rows, m),
        base_learning_rates=np.array([cell.base_learning_rate for cell in cells]),
        learning_rates=np.array([cell.learning_rate for cell in cells]),
        epochs=longest,
        updates=grid.updates(study.budget, rows, m),
        values=dict(zip(QUANTITIES, values, strict=True)),
    )


def at(curves: Curves, epochs: float) -> dict[str, np.ndarray]:
    """Return {quantity: [rates, seeds]} after so many epochs: the median over the last 5 evaluations up to then.

    As at the end of a study (Masters & Luschi 2018, section 5); the evaluation of the start does not count.
    """
    last = int(np.searchsorted(curves.epochs, epochs, side="right"))
    first = max(1, last - LAST_EPOCHS)
    return {name: np.median(values[..., first:last], axis=-1) for name, values in curves.values.items()}


def choose(values: dict[str, np.ndarray]) -> int | None:
    """Return the rate with the highest mean validation accuracy, of those of which every seed has one.

    One rate leaves no choice. None if there are several and no validation rows, or none that trained.
    """
    validation = values["validation_accuracy"].mean(axis=1).round(DIGITS)
    if len(validation) == 1:
        return 0
    return None if np.isnan(validation).all() else int(np.nanargmax(validation))


def costs(curves: Curves, kind: str, seconds: Mapping[int, float]) -> float:
    """Return what an epoch costs: 1, updates or seconds; NaN where the seconds of an epoch were not measured."""
    return {"epochs": 1.0, "updates": float(curves.updates_per_epoch)}.get(kind, seconds.get(curves.batch_size, np.nan))


def level(curves: Curves, kind: str, amount: float, seconds: Mapping[int, float]) -> dict[str, Any]:
    """Return the row of a batch size at a level of a budget. `seconds` are those of an epoch, by batch size."""
    row = {"budget": kind, "level": amount, "batch_size": curves.batch_size, "status": MEASURED}
    epochs = np.floor(amount / costs(curves, kind, seconds) * (1 + 1e-9))
    trained = curves.updates / curves.updates_per_epoch
    if not epochs >= 1:
        return row | {"status": TOO_SHORT}
    if epochs > np.ceil(trained):
        return row | {"status": TOO_LONG}
    values = at(curves, epochs)
    chosen = choose(values)
    updates = int(curves.updates_at(epochs))
    row |= {"epochs": int(epochs), "updates": updates, "seconds": epochs * costs(curves, "seconds", seconds)}
    if chosen is None:
        return row
    row |= {"base_learning_rate": curves.base_learning_rates[chosen], "learning_rate": curves.learning_rates[chosen]}
    for name in QUANTITIES:
        interval = mean_interval(values[name][chosen][None])
        row |= {f"{name}_{bound}": getattr(interval, bound).item() for bound in ("mean", "low", "high")}
    return row | {"n": int(np.isfinite(values["test_accuracy"][chosen]).sum())}


def levels(all_curves: list[Curves], kind: str, seconds: Mapping[int, float]) -> np.ndarray:
    """Return the levels of a budget: from the first at which a batch size has an evaluation to the longest run."""
    each = np.array([costs(curves, kind, seconds) for curves in all_curves])
    whole = each * [np.ceil(curves.updates / curves.updates_per_epoch) for curves in all_curves]
    if np.isnan(whole).all():
        return np.array([])
    between = np.geomspace(np.nanmin(each), np.nanmax(whole), LEVELS)
    # Where all are compared at their best: the whole runs of the cheapest batch size.
    chosen = np.unique(np.concatenate([between, [np.nanmin(whole)]]))
    return np.unique(np.round(chosen)) if kind != "seconds" else chosen


def table(all_curves: list[Curves], seconds: Mapping[int, float]) -> pd.DataFrame:
    """Return a row for each level of each budget and each batch size. `seconds` are those of an epoch."""
    rows = [
        level(curves, kind, amount, seconds)
        for kind in KINDS
        for amount in levels(all_curves, kind, seconds)
        for curves in all_curves
    ]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


COLUMNS = {
    "budget": "what is equal: epochs, updates or seconds",
    "level": "how much of it each batch size may spend: epochs, weight updates, or seconds of updates on this machine",
    "batch_size": "m that was trained, rows",
    "status": f"{MEASURED}; {TOO_SHORT}: before the first evaluation; {TOO_LONG}: the runs of the study are shorter",
    "epochs": "epochs that the level pays for",
    "updates": "weight updates until then",
    "seconds": "seconds of updates until then: epochs × measured seconds of an epoch (profile), without compilation",
    "base_learning_rate": "η̃ chosen at this level: highest mean validation accuracy, of the rates with every seed",
    "learning_rate": "η of that",
    **{
        f"{name}_{bound}": f"{name} at the level (median of the last 5 evaluations), {text}"
        for name in QUANTITIES
        for bound, text in (
            ("mean", "mean over seeds"),
            ("low", "lower bound of its 95 % Student t interval"),
            ("high", "upper bound of its 95 % Student t interval"),
        )
    },
    "n": "seeds",
}
