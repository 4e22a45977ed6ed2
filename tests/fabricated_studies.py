"""Made-up tables of studies, with a known truth in them, for the tests of the claims."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis.study_results import StudyResults
from batchwise.analysis.study_tables import Tables
from tests.fabricated import metrics_of
from tests.fabricated_lengths import LIMIT

ROWS, TEST_ROWS = 1000, 400
KEYS = ["batch_size", "effective_batch_size", "base_learning_rate"]
RECIPE = {
    "model": {"name": "mlp", "hidden_units": [8]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 20},
    "dtype": "float32",
    "accumulation": 1,
    "schedule": {"warm_up": 0.0, "drops": [], "batch_sizes": {}, "learning_rate_scaling": "none"},
}
ACCURACY, LOSS = metrics_of({"task": "multiclass_classification", "class_counts": {"train": [ROWS // 10] * 10}})
Value = Callable[[int, float, int], float]  # of (m, η̃, seed)


def study(
    name: str = "one",
    *,
    sizes: Sequence[int] = (16, 256),
    rates: Sequence[float] = (0.01,),
    seeds: int = 5,
    fresh: int = 0,
    few: Sequence[int] = (),
    accuracy: Value = lambda m, rate, seed: 0.9,
    loss: Value = lambda m, rate, seed: 1.0,
    validation_rows: int = 100,
    scaling: str = "linear",
    curve: Callable[[int, int, int], tuple[float, float]] | None = None,
    changes: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    phases: dict[int, list[dict[str, Any]]] | None = None,
    branches: pd.DataFrame | None = None,
    **measured: Any,
) -> StudyResults:
    """Return a study whose runs have `accuracy` on validation and test rows, and `loss` on training rows.

    The rate of each m is chosen as by selection.choose; `fresh` seeds, which follow, confirm it if there are some.
    Those of `sizes` that are in `few` make too few updates to train.
    `curve` of (m, seed, epoch) gives training loss and accuracy by epoch. Sizes above 1,000 rows are trained as 1,000.
    `changes` are of its recipe, `data` of what is said of its data, `phases` those of a study whose m grows, `branches`
    its table of these, `measured` are costs, profile and landscape.
    """
    runs = run_table([(m, rate, seed) for m in sizes for rate in rates for seed in range(seeds)], accuracy, loss)
    if not validation_rows:
        runs["validation_accuracy"] = np.nan
    cells = runs.groupby(KEYS, as_index=False)["validation_accuracy"].mean()
    cells = cells.rename(columns={"validation_accuracy": "validation_accuracy_mean"})
    best = cells["validation_accuracy_mean"].fillna(0).groupby(cells["batch_size"]).idxmax()
    batch_sizes = cells.loc[best].reset_index(drop=True)
    batch_sizes["too_few_updates"] = batch_sizes["effective_batch_size"].isin(few)
    batch_sizes["updates"] = 20 * -(-ROWS // batch_sizes["effective_batch_size"])
    if not validation_rows and len(rates) > 1:
        batch_sizes["base_learning_rate"] = np.nan
    again = [(m, rate, seeds + k) for m, rate in batch_sizes[KEYS[::2]].itertuples(index=False) for k in range(fresh)]
    confirmed = run_table(again, accuracy, loss) if fresh else pd.DataFrame()
    of_results = range(seeds, seeds + fresh) if fresh else range(seeds)
    points = [(m, seed, epoch) for m in sizes for seed in of_results for epoch in range(21)]
    curves = pd.DataFrame(points, columns=["batch_size", "seed", "epoch"])
    of_curve = [(curve or (lambda *_: (1.0, 0.5)))(min(m, ROWS), seed, epoch) for m, seed, epoch in points]
    curves[["train_loss", "test_accuracy"]] = np.array(of_curve)
    curves["train_accuracy"] = curves["test_accuracy"]
    curves["validation_accuracy"] = curves["test_accuracy"] if validation_rows else np.nan
    summary = {
        "study": name,
        "recipe": RECIPE | (changes or {}),
        "phases": {str(m): run for m, run in (phases or {}).items()},
        "grid": {"seeds": seeds, "base_learning_rates": len(rates), "runs": len(runs)},
        "data": {"title": "Made up", "rows": {"train": ROWS, "validation": validation_rows, "test": TEST_ROWS}}
        | (data or {}),
        "metric": asdict(ACCURACY),
        "statistic": {"name": "last_epoch", "shorter": {}},
        "other_metrics": [asdict(LOSS)],
        "learning_rate_scaling": scaling,
        "confirmation": {"seeds": fresh, "most_seeds": 40, "half_width": 0.5} if fresh else None,
        "provenance": {"data": "d" * 64, "results": "r" * 64, "environment": {"device": "made up"}},
    }
    empty = pd.DataFrame()
    branched = empty if branches is None else branches
    tables = Tables(summary, runs, empty, batch_sizes, confirmed, curves, branched, *[empty] * 5)
    return StudyResults(tables, **measured)


def run_table(runs: Sequence[tuple[int, float, int]], accuracy: Value, loss: Value) -> pd.DataFrame:
    """Return a row for each run (m, η̃, seed), all of which ended ok."""
    values = [accuracy(min(m, ROWS), rate, seed) for m, rate, seed in runs]
    table = pd.DataFrame(runs, columns=["batch_size", "base_learning_rate", "seed"])
    return table.assign(
        effective_batch_size=table["batch_size"].clip(upper=ROWS),
        status="ok",
        epochs=20,
        updates=100,
        train_loss=[loss(min(m, ROWS), rate, seed) for m, rate, seed in runs],
        validation_loss=0.5,
        test_loss=0.5,
        validation_accuracy=values,
        test_accuracy=values,
        test_correct=np.round(TEST_ROWS * np.array(values)),
    )


def profile(
    seconds: dict[int, float],
    *,
    spread: float = 0.02,
    doubling: Sequence[tuple[int, str, float]] = (),
    side_by_side: float | None = None,
    other_type: tuple[str, float] | None = None,
    salt: int = 0,
    lengths: pd.DataFrame | None = None,
    **points: Any,
) -> SimpleNamespace:
    """Return a profile with a repetition in each of 3 processes of each m, around `seconds` of an update.

    `side_by_side` is the time at the smallest m among others, `other_type` a number type with its time at every m as a
    multiple.
    """
    random = np.random.default_rng([salt, len(seconds)])

    def repeated(m: int, part: str, dtype: str, value: float) -> pd.DataFrame:
        times = value * np.exp(spread * random.normal(size=3))
        return pd.DataFrame({"batch_size": m, "part": part, "dtype": dtype, "process": range(3), "seconds": times})

    tables = [repeated(m, "whole", "float32", value) for m, value in seconds.items()]
    if side_by_side:
        tables.append(repeated(min(seconds), "side_by_side", "float32", side_by_side))
    if other_type:
        tables += [repeated(m, "whole", other_type[0], other_type[1] * value) for m, value in seconds.items()]
    measured = {
        "batch_size": list(seconds),
        "purpose": "grid",
        "dtype": "float32",
        "status": "ok",
        "compile_seconds": 0.5,
    }
    table = pd.DataFrame(measured | {"memory_peak_bytes": np.nan} | points)
    return SimpleNamespace(
        points=table,
        repetitions=pd.concat(tables),
        doubling=pd.DataFrame(list(doubling), columns=["batch_size", "status", "memory_peak_bytes"]),
        lengths=pd.DataFrame() if lengths is None else lengths,
        machine={"xla": True, "cores": 2, "memory_limit_bytes": 4e9, "device": "made up", "length_limit_bytes": LIMIT},
    )


def costs(epoch_seconds: dict[int, float], **tables: Any) -> Any:
    """Return costs with the seconds of an epoch for each m, and no learning-rate law."""
    measured = pd.DataFrame({"batch_size": list(epoch_seconds), "epoch_seconds": list(epoch_seconds.values())}).assign(
        purpose="grid", dtype="float32"
    )
    law = {"comparison": {"better": ""}}
    return SimpleNamespace(measured=measured, fits={"learning_rate_law": law}, **tables)


def falling(rate: float, more: float = 0.0, scale: float = 0.01) -> Callable:
    """Return a curve of the training loss that falls with the updates (of 1,000 rows), and of accuracy."""

    def curve(m, seed, epoch):
        updates = epoch * -(-1000 // m)
        noise = scale * np.random.default_rng([m, seed, epoch]).normal()
        return 2 * np.exp(-rate * updates) + (more if m > 100 else 0) + noise, 0.5

    return curve


def landscape(sharper: float, worse: float, scale: float) -> SimpleNamespace:
    """Return cells in which the loss is sharper at m = 256, by a factor, and the test accuracy lower."""
    random = np.random.default_rng(1)
    rows = [
        (
            m,
            seed,
            *(f * np.exp(scale * random.normal()) for f in (factor,) * 3),
            accuracy + 0.01 * scale * random.normal(),
        )
        for m, factor, accuracy in ((16, 1.0, 0.9), (256, sharper, 0.9 - worse))
        for seed in range(5)
    ]
    names = ["batch_size", "seed", "sharpness_0_001", "sharpness_0_0005", "hessian_largest", "test_accuracy"]
    empty = pd.DataFrame()
    return SimpleNamespace(cells=pd.DataFrame(rows, columns=names), updates=empty, steps=empty)
