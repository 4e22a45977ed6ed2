"""Fresh seeds of the chosen cells: results that no choice has made look better, as many as the differences need.

How many is decided by how wide intervals are, never by where they lie, so that it makes no difference more likely to be
found than another (Stein 1945; Mascha & Sessler 2006 on stopping by the width of an interval).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.analysis import run_metrics
from batchwise.analysis.tabulate import Choice
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.config.study import LEAST_SEEDS, Study
from batchwise.data.dataset import SPLITS
from batchwise.data.metric import Metric
from batchwise.statistics.intervals import t_quantile

MOST = 10_000  # seeds: more is no answer
Values = np.ndarray  # the metric of runs on test rows, [cells, seeds]; NaN for those that did not end ok
Measure = Callable[[list[list[Run]]], Values]


def fresh_runs(study: Study, choice: Choice, metric: Metric, measure: Measure) -> list[Run]:
    """Return the runs of a confirmation: of each chosen cell as many fresh seeds, none without confirmation.

    `measure` trains or reads the runs of each round. The first has LEAST_SEEDS, or `most_seeds` if these are fewer; as
    many follow as make each interval narrow enough at the spread that was seen until then, `most_seeds` in all.
    """
    if not study.confirmation or choice.reference is None:
        return []
    cells, seeds = choice.of_sizes, min(LEAST_SEEDS, study.confirmation.most_seeds)
    reference = cells.index(choice.cell(choice.reference))
    margin, most = metric.least_margin / metric.scale, study.confirmation.most_seeds
    while True:
        runs = [grid.fresh_runs(cell, study, seeds) for cell in cells]
        wanted = seeds_for(measure(runs), reference, study.confirmation.half_width * margin, most, margin)
        if min(wanted, most) <= seeds:
            return sorted({run for of_cell in runs for run in of_cell})
        seeds = min(wanted, most)


def measured(
    folder: Path, name: str, study: Study, manifest: dict[str, Any], metric: Metric, cells: list[list[Run]]
) -> np.ndarray:
    """Return the metric of the runs of each cell on test rows, [cells, seeds], from their files.

    Raises UserError as run_metrics.read does.
    """
    distinct = [*{run for runs in cells for run in runs}]
    found = run_metrics.read(folder, name, study, manifest, runs=distinct, stage="confirm")
    return np.array([[found[run].result[metric.name][SPLITS.index("test")] for run in runs] for runs in cells])


def seeds_for(values: np.ndarray, reference: int, half_width: float, most: int = MOST, margin: float = np.inf) -> int:
    """Return how many seeds make the 95 % interval of each difference from the reference as narrow, at their spread.

    `values` are [cells, seeds]; the answer is never below the seeds that there are. A cell of which fewer than two
    seeds have a value does not count: more would not help. Nor would they where the interval of even `most` seeds is
    wider than the `margin`: what can be told then is clear with few.
    """
    differences = values - values[reference]
    stds = np.nanstd(differences[(~np.isnan(differences)).sum(axis=1) > 1], axis=1, ddof=1)
    std = stds[_half_widths()[most] * stds <= margin].max(initial=0.0)
    enough = np.flatnonzero(_half_widths() * std <= half_width)
    return int(enough[enough >= values.shape[1]].min(initial=MOST))


@cache
def _half_widths() -> np.ndarray:
    """Return how far the 95 % interval of a mean over 0, 1, … seeds reaches, in standard deviations; NaN below two."""
    seeds = np.arange(MOST + 1)
    with np.errstate(divide="ignore"):
        return t_quantile(seeds - 1) / np.sqrt(seeds)
