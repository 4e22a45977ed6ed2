"""The runs of a study under three budgets: equal epochs, equal updates, equal seconds (Shallue 2019: they disagree).

A batch size has its learning rate chosen anew at each level of a budget, on validation rows, and test rows are looked
at then. A level is read at the last evaluation that it reaches; a batch size that it does not bring to its first
evaluation, or that was not trained that long, has no value there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import last_epochs
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.analysis.selection import DIGITS
from batchwise.config import grid, phases
from batchwise.config.grid import Run
from batchwise.config.phases import Phase
from batchwise.config.study import Statistic, Study
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import mean_interval

KINDS = ("epochs", "updates", "seconds")
LEVELS = 24  # of each budget, evenly spaced on a logarithmic scale: a figure's curve
MEASURED, TOO_SHORT, TOO_LONG = "measured", "less than an epoch", "longer than trained"
UNMEASURED = "seconds not measured"
LOSS = ("train", "loss")  # what training lowers, whatever chooses


@dataclass(frozen=True)
class Curves:
    """The evaluations of all runs of one batch size. NaN where a run has none, since it ended before."""

    metric: Metric  # of the study
    effective_batch_size: int  # m that was trained
    phases: tuple[Phase, ...]  # of every run
    base_learning_rates: np.ndarray  # [rates]
    learning_rates: np.ndarray  # [rates]
    epochs: np.ndarray  # [evaluations], from 0 to the last, at most 200 of them
    updates: int  # of a whole run; with a budget of updates the last epoch may be cut short
    values: dict[str, np.ndarray]  # {column, as of quantities: [rates, seeds, evaluations]}
    statistic: Statistic  # of the study

    @property
    def whole_epochs(self) -> float:
        """The epochs of a whole run, also where none came so far."""
        return float(self.phases[-1].end_epoch)

    def updates_at(self, epochs: np.ndarray | float) -> np.ndarray:
        """Return the updates after some epochs."""
        return np.minimum(phases.spent(self.phases, _updates, epochs), self.updates)

    def epochs_of(self, updates: float) -> float:
        """Return after how many epochs some updates are made."""
        return phases.reached(self.phases, _updates, updates)


def _updates(phase: Phase) -> float:
    return float(phase.updates_per_epoch)


def quantities(metric: Metric) -> dict[str, tuple[str, str]]:
    """Return {column: (split, metric)} of what is read at a level: validation and test rows, and the training loss."""
    splits = {metric.column(split): (split, metric.name) for split in ("validation", "test")}
    return splits | {"_".join(LOSS): LOSS}


def of_study(study: Study, rows: int, metric: Metric, by_run: Mapping[Run, RunMetrics]) -> list[Curves]:
    """Return the curves of each distinct batch size of a study with `rows` training rows, ascending."""
    cells = {(cell.effective_batch_size, cell.base_learning_rate): cell for cell in grid.cells(study, rows)}
    sizes = sorted({m for m, _ in cells})
    return [_curves(study, rows, metric, [cells[key] for key in sorted(cells) if key[0] == m], by_run) for m in sizes]


def _curves(
    study: Study, rows: int, metric: Metric, cells: list[grid.Cell], by_run: Mapping[Run, RunMetrics]
) -> Curves:
    m = cells[0].effective_batch_size
    runs = [[by_run[run] for run in grid.runs_of(cell, study)] for cell in cells]
    start = np.array([0])  # where no run came to its first evaluation
    epochs = max((start, *(found.curve_epochs for row in runs for found in row)), key=len)
    return Curves(
        metric=metric,
        effective_batch_size=m,
        phases=tuple(phases.of_recipe(study, rows, m)),
        base_learning_rates=np.array([cell.base_learning_rate for cell in cells]),
        learning_rates=np.array([cell.learning_rate for cell in cells]),
        epochs=epochs,
        updates=grid.updates(study, rows, m),
        values={column: _values(runs, epochs, *of) for column, of in quantities(metric).items()},
        statistic=study.statistic,
    )


def _values(runs: Sequence[Sequence[RunMetrics]], epochs: np.ndarray, split: str, metric: str) -> np.ndarray:
    """Return the evaluations of a metric on a split, [rates, seeds, evaluations], NaN for those that are not there."""
    values = np.full((len(runs), len(runs[0]), len(epochs)), np.nan)
    for rate, row in enumerate(runs):
        for seed, found in enumerate(row):
            points = np.searchsorted(epochs, found.curve_epochs)
            values[rate, seed, points] = found.curve[metric][:, SPLITS.index(split)]
            if found.status != "ok":
                values[rate, seed, len(points) - 1 :] = np.nan  # the last evaluation is the bad one
    return values


def at(curves: Curves, epochs: float) -> dict[str, np.ndarray]:
    """Return {column: [rates, seeds]} after so many epochs: the study's statistic of the evaluations up to then.

    The evaluation of the start does not count, and without another there is no value: NaN.
    """
    last = int(np.searchsorted(curves.epochs, epochs, side="right"))
    return {name: last_epochs.result(values[..., 1:last], curves.statistic) for name, values in curves.values.items()}


def choose(values: dict[str, np.ndarray], metric: Metric) -> int | None:
    """Return the rate with the best mean on validation rows, of those of which every seed has a value.

    One rate leaves no choice. None if there are several and no validation rows, or none that trained.
    """
    score = metric.sign * values[metric.column("validation")].mean(axis=1).round(DIGITS)
    if len(score) == 1:
        return 0
    return None if np.isnan(score).all() else int(np.nanargmax(score))


def cost(kind: str, seconds: Mapping[int, float]) -> phases.Cost:
    """Return what an epoch of a phase costs: 1, updates or seconds; NaN where its seconds were not measured."""
    of_kind: dict[str, phases.Cost] = {"epochs": lambda _: 1.0, "updates": _updates}
    return of_kind.get(kind, lambda phase: seconds.get(phase.batch_size, np.nan))


def spent(curves: Curves, kind: str, epochs: Any, seconds: Mapping[int, float]) -> Any:
    """Return what some epochs from the start cost of a budget; NaN where an epoch's seconds were not measured."""
    return phases.spent(curves.phases, cost(kind, seconds), epochs)


def level(curves: Curves, kind: str, amount: float, seconds: Mapping[int, float]) -> dict[str, Any]:
    """Return the row of a batch size at a level of a budget. `seconds` are those of an epoch, by batch size."""
    row = {"budget": kind, "level": amount, "batch_size": curves.effective_batch_size, "status": MEASURED}
    of_phase = cost(kind, seconds)
    if not all(of_phase(phase) > 0 for phase in curves.phases):
        return row | {"status": UNMEASURED}
    epochs = np.floor(phases.reached(curves.phases, of_phase, amount) * (1 + 1e-9))
    if not epochs >= 1:
        return row | {"status": TOO_SHORT}
    if epochs > curves.whole_epochs:
        return row | {"status": TOO_LONG}
    values = at(curves, epochs)
    chosen = choose(values, curves.metric)
    updates = int(curves.updates_at(epochs))
    row |= {"epochs": int(epochs), "updates": updates, "seconds": spent(curves, "seconds", epochs, seconds)}
    if chosen is None:
        return row
    row |= {"base_learning_rate": curves.base_learning_rates[chosen], "learning_rate": curves.learning_rates[chosen]}
    metric = curves.metric
    for name, (_, of) in quantities(metric).items():
        bounds = (metric.lowest, metric.highest) if of == metric.name else ()
        interval = mean_interval(values[name][chosen][None], *bounds)
        row |= {f"{name}_{bound}": getattr(interval, bound).item() for bound in ("mean", "low", "high")}
    return row | {"n": int(np.isfinite(values[curves.metric.column("test")][chosen]).sum())}


def levels(all_curves: Sequence[Curves], kind: str, seconds: Mapping[int, float]) -> np.ndarray:
    """Return the levels of a budget: from the first at which a batch size has an evaluation to the longest run."""
    each, whole = (
        np.array([spent(curves, kind, epochs, seconds) for curves, epochs in pairs], float)
        for pairs in (
            [(curves, 1.0) for curves in all_curves],
            [(curves, curves.whole_epochs) for curves in all_curves],
        )
    )
    each = np.where(each > 0, each, np.nan)
    whole = np.where(each > 0, whole, np.nan)
    if np.isnan(whole).all():
        return np.array([])
    between = np.geomspace(np.nanmin(each), np.nanmax(whole), LEVELS)
    # Where all are compared at their best: the whole runs of the cheapest batch size.
    chosen = np.unique(np.concatenate([between, [np.nanmin(whole)]]))
    return np.unique(np.round(chosen)) if kind != "seconds" else chosen


def table(all_curves: Sequence[Curves], seconds: Mapping[int, float]) -> pd.DataFrame:
    """Return a row for each level of each budget and each batch size. `seconds` are those of an epoch."""
    rows = [
        level(curves, kind, amount, seconds)
        for kind in KINDS
        for amount in levels(all_curves, kind, seconds)
        for curves in all_curves
    ]
    return pd.DataFrame(rows).reindex(columns=list(columns(all_curves[0])))


def columns(curves: Curves) -> dict[str, str]:
    """Return {column: what it holds} of the table of curves such as these."""
    metric, read_as = curves.metric, last_epochs.words(curves.statistic, "evaluation")
    return {
        "budget": "what is equal: epochs, updates or seconds",
        "level": "how much of it each batch size may spend: epochs, weight updates, or seconds of updates on this "
        "machine",
        "batch_size": "m that was trained, rows",
        "status": f"{MEASURED}; {TOO_SHORT}: before the first evaluation; {TOO_LONG}: the runs of the study "
        f"are shorter; {UNMEASURED}: of an epoch",
        "epochs": "epochs that the level pays for",
        "updates": "weight updates until then",
        "seconds": "seconds of updates until then: epochs × measured seconds of an epoch (profile), without "
        "compilation",
        "base_learning_rate": f"η̃ chosen at this level: {metric.best} mean validation {metric.name}, of the rates with "
        "every seed",
        "learning_rate": "η of that",
        **{
            f"{name}_{bound}": f"{name} at the level ({read_as}), {text}"
            for name in quantities(metric)
            for bound, text in (
                ("mean", "mean over seeds"),
                ("low", "lower bound of its 95 % Student t interval"),
                ("high", "upper bound of its 95 % Student t interval"),
            )
        },
        "n": "seeds",
    }
