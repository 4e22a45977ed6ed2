"""A small made-up study with everything that is known of it, as its stages write it, for tests of what is missing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import costs, equal_budgets, profile_summary, run_metrics, study_results, study_tables
from batchwise.analysis.evaluate import evaluate
from batchwise.analysis.study_results import StudyResults
from batchwise.common.stage_outputs import write
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data import loading
from batchwise.measuring.landscape import output
from batchwise.measuring.landscape.columns import WEIGHTS
from batchwise.measuring.landscape.columns import tables as landscape_columns
from batchwise.measuring.profiling import profile_files
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.training.run_result import RunResult
from tests import fabricated

SIZES, RATES, SEEDS = [2, 16, 40], [0.125, 0.25, 0.5], 2
STUDY = fabricated.study(SIZES, RATES, SEEDS).model_copy(update={"targets": [0.8, 0.99], "landscape": [2, 40]})
ABOUT = {"title": "Made up", "source": "nowhere", "licence": "CC0", "class_names": ["a", "b"], "labels": "classes"}
MACHINE = {"xla": True, "device": "made up", "cores": 2, "memory_limit_bytes": 1e9, "training_rows": 40}
# What analysis/overview.py says of a study.
OVERVIEW = pd.DataFrame(
    {
        "batch_size": [1, 32, 512],
        "gain": [0.0, -0.5, -3.25],
        "gain_low": [np.nan, -1.5, -4.0],
        "gain_high": [np.nan, 0.5, -2.5],
        "epoch_seconds": [1.0, 0.25, 0.24],
        "memory_bytes": [1e8, 1e8, 3e8],
        "rate_low": [2.0**-8, 2.0**-8, 2.0**-8],
        "rate_high": [2.0**-1, 2.0**-3, 2.0**-5],
    }
)


def results(
    folder: Path,
    result: Callable[[Run], RunResult],
    profile: Profile,
    made: Study = STUDY,
    manifest: dict[str, Any] = fabricated.MANIFEST,
) -> StudyResults:
    """Return what is known of a study named made_up, after its files were written by what the stages call."""
    manifest, name = {**manifest, **ABOUT}, "made_up"
    metrics, folders = loading.metrics(made, manifest), {kind: folder / kind / name for kind in ("tables", "costs")}
    fabricated.write_runs(folder / "runs", made, result, manifest)
    by_run = run_metrics.read(folder / "runs", name, made, manifest)
    write(folders["tables"], evaluate(name, made, manifest, metrics, by_run))
    write(folder / "profiles" / name, profile_files.files(profile))
    write(folder / "landscapes" / name, output.files(name, metrics[0], made.landscape, {}, landscape(made)))
    curves = equal_budgets.of_study(made, manifest["rows"]["train"], metrics[0], by_run)
    table = study_tables.read(folders["tables"])
    write(folders["costs"], costs.files(made, curves, table, profile, profile_summary.summary(profile)))
    return study_results.read(folder, [name])[0]


def ok(run: Run) -> RunResult:
    """Return a run that ended ok."""
    return fabricated.random_result(run, STUDY)


def profile(statuses: Sequence[str] = ("ok",) * 5) -> Profile:
    """Return a profile in which an update takes 100 µs and 1 µs for each row, and memory ends at 160 rows.

    Points whose status is not ok have no numbers.
    """
    sizes, kinds = [*SIZES, 17, 40], ["grid"] * 3 + ["neighbour", "dtype"]
    points = pd.DataFrame({"batch_size": sizes, "purpose": kinds, "dtype": [*["float32"] * 4, "float64"]})
    points = points.assign(
        status=statuses,
        occasion=0,
        compile_seconds=0.5,
        input_shape=[f"{m} 7" for m in sizes],
        updates_per_epoch=-(-40 // points["batch_size"]),
        ragged_rows=40 % points["batch_size"],
        memory_peak_bytes=5e8 + 1e6 * points["batch_size"],
    ).reindex(columns=list(profile_files.POINTS))
    measured = points["status"].eq("ok")
    numbers = ["compile_seconds", "input_shape", "updates_per_epoch", "memory_peak_bytes"]
    points[numbers] = points[numbers].where(measured)
    points["message"] = points["message"].astype(object).mask(~measured, "why")
    repetitions = [
        (m, dtype, part, number, 0, (1e-4 + 1e-6 * m) * (1 + 0.01 * number))
        for m, dtype in points.loc[measured, ["batch_size", "dtype"]].itertuples(index=False)
        for part in ("whole", *(["ragged"] if 40 % m else []), *(["side_by_side"] if m == SIZES[0] else []))
        for number in range(3)
    ]
    doubled = {"batch_size": [80, 160], "status": ["fits", "out_of_memory"], "memory_peak_bytes": [7e8, None]}
    doubling = pd.DataFrame(doubled).reindex(columns=list(profile_files.DOUBLING))
    return Profile(points, pd.DataFrame(repetitions, columns=list(profile_files.REPETITIONS)), doubling, MACHINE)


def landscape(made: Study = STUDY) -> output.Rows:
    """Return rows of a landscape, with numbers above 0 that differ."""
    random = np.random.default_rng(0)
    runs = [{"batch_size": m, "seed": seed} for m in made.landscape for seed in range(made.grid.seeds)]
    places = [{**run, "weights": where} for run in runs for where in WEIGHTS]
    which = {
        "cells": runs,
        "updates": [{**one, "update_batch_size": m, "base_learning_rate": 0.1 * m} for one in places for m in (4, 8)],
        "steps": [{**one, "update_batch_size": 4, "parts": 2, "draw": draw} for one in places for draw in (0, 1)],
    }
    columns = landscape_columns(fabricated.ACCURACY)
    return {
        name: [
            {**dict(zip(columns[name], random.uniform(0.5, 1, len(columns[name])), strict=True)), **row} for row in rows
        ]
        for name, rows in which.items()
    }
