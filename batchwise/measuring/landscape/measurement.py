"""The landscape of a study: every measurement at every run of the chosen cells."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from batchwise.config import grid
from batchwise.config.grid import Cell, Run
from batchwise.config.recipe import Recipe
from batchwise.config.study import Study
from batchwise.data.dataset import SPLITS, DataSet
from batchwise.data.folds import of_seed
from batchwise.data.subset import draw_rows, strata
from batchwise.measuring.landscape import noise, sharpness, updates
from batchwise.measuring.landscape.columns import WEIGHTS
from batchwise.measuring.landscape.noise import Noise
from batchwise.measuring.landscape.output import Rows
from batchwise.runtime import engine
from batchwise.training.run_result import RunResult

if TYPE_CHECKING:
    from batchwise.measuring.landscape.gradients import Gradients


class Point(NamedTuple):
    """Some weights of a run, with what all measurements there need."""

    variables: list[np.ndarray]  # of the model
    weights: np.ndarray  # the trainable ones, [P]
    gradient: np.ndarray  # G, of the mean loss over all training rows, [P]
    noise: Noise


def gradients(data: DataSet, recipe: Recipe, rows: np.ndarray, given: Path | None = None) -> "Gradients":
    """Return the programs of a recipe on its engine (gradients.py), with which this process computes from then on."""
    engine.use(recipe.engine)
    if recipe.engine == "jax":
        from batchwise.measuring.landscape.gradients_jax import Gradients as OnJax

        return OnJax(data, recipe, rows, given)  # type: ignore[return-value]
    from batchwise.measuring.landscape.gradients import Gradients

    return Gradients(data, recipe, rows, given)


def measure(
    data: DataSet, study: Study, cells: list[Cell], read: Callable[[Run], RunResult], given: Path | None = None
) -> Rows:
    """Return the rows of the tables cells, updates and steps (columns.py). `read` returns the result of a run.

    `given` is the file of weights from which the study starts, if there is one.

    A run that did not end ok gives no row. Equal inputs give equal numbers on the same kind of machine.
    """
    programs, starts = gradients(data, study.recipe, loss_rows(of_seed(data, 0)), given), {}
    rows: Rows = {"cells": [], "updates": [], "steps": []}
    for cell in cells:
        for run in grid.runs_of(cell, study):
            result = read(run)
            if result.status != "ok":
                continue
            if data.folds:
                programs.use_rows_of(run.seed, loss_rows(of_seed(data, run.seed)))
            if run.seed not in starts:
                starts[run.seed] = _point(programs, programs.start(run.seed), np.random.default_rng([run.seed, 0]))
            random = np.random.default_rng([run.seed, run.effective_batch_size])
            final = _point(programs, list(result.weights.values()), random)
            about = {"batch_size": cell.batch_size, "seed": run.seed}
            rows["cells"].append(about | _cell(programs, cell, result, starts[run.seed], final))
            for where, point in zip(WEIGHTS, (starts[run.seed], final), strict=True):
                programs.load(point.variables)
                rows["updates"] += [about | {"weights": where} | row for row in _updates(programs, run, point, random)]
                rows["steps"] += [about | {"weights": where} | row for row in _steps(programs, run, point, random)]
    return rows


def settings(study: Study) -> dict[str, Any]:
    """Return with what the landscape of a study is measured."""
    return {
        "mode": "inference: dropout off, moving averages in place of a batch's statistics, no augmentation",
        "loss": f"of the task alone: the penalty of weight decay, here {study.weight_decay}, is left out",
        "noise": {
            "small_batch": noise.SMALL_BATCH,
            "large_batch": noise.LARGE_BATCH,
            "pairs": noise.PAIRS,
            "resamples": noise.RESAMPLES,
            "rows": "drawn with replacement from all training rows",
        },
        "updates": {
            "batch_sizes": list(updates.UPDATE_BATCH_SIZES),
            "rate_factors": list(updates.RATE_FACTORS),
            "draws": updates.DRAWS,
        },
        "steps": {"parts": list(updates.PARTS), "draws": updates.STEP_DRAWS, "largest_batch": updates.LARGEST_STEP},
        "sharpness": {"epsilons": list(sharpness.EPSILONS), "iterations": sharpness.ITERATIONS},
        "hessian": {"tolerance": sharpness.EIGENVALUE_TOLERANCE},
        "loss_rows": {
            "at_most": sharpness.LOSS_ROWS,
            "rows": "all training rows, or a fixed stratified part where there are more: for sharpness and Hessian",
        },
    }


def loss_rows(data: DataSet) -> np.ndarray:
    """Return the numbers of the training rows over which the mean loss is taken: all, or a stratified part of them."""
    rows = np.arange(data.rows["train"])
    if len(rows) <= sharpness.LOSS_ROWS:
        return rows
    return draw_rows(strata(data, data.train), sharpness.LOSS_ROWS, [0, 0])


def _point(programs: "Gradients", variables: list[np.ndarray], random: np.random.Generator) -> Point:
    weights = programs.load(variables)
    pairs = noise.sample(partial(programs.of_batches, weights), programs.training_rows, random)
    measured = noise.noise_scale(*pairs, noise.SMALL_BATCH, noise.LARGE_BATCH)
    return Point(variables, weights, programs.gradient(weights), measured)


def _cell(programs: "Gradients", cell: Cell, result: RunResult, start: Point, final: Point) -> dict[str, Any]:
    """Return a row of the table cells; the model holds the final variables."""
    loss, product = programs.loss, partial(programs.product, final.weights)
    moved, moved_relative = sharpness.distance(final.weights, start.weights)
    sharp, sharp_half = (sharpness.sharpness(loss, final.weights, epsilon) for epsilon in sharpness.EPSILONS)
    return {
        "base_learning_rate": cell.base_learning_rate,
        "learning_rate": cell.learning_rate,
        **{
            f"{split}_{name}": float(values[-1, SPLITS.index(split)])
            for name, values in result.metrics.items()
            for split in ("train", "test")
        },
        **_noise_scale(final.noise),
        "gradient_norm_squared": final.noise.norm_squared,
        "noise_trace": final.noise.trace,
        **{f"{name}_start": value for name, value in _noise_scale(start.noise).items()},
        "sharpness_0_001": sharp,
        "sharpness_0_0005": sharp_half,
        "hessian_largest": sharpness.largest_eigenvalue(product, len(final.weights)),
        "two_over_rate": 2 / cell.learning_rate,
        "distance": moved,
        "distance_relative": moved_relative,
    }


def _noise_scale(measured: Noise) -> dict[str, float]:
    return {"noise_scale": measured.scale, "noise_scale_low": measured.low, "noise_scale_high": measured.high}


def _updates(programs: "Gradients", run: Run, point: Point, random: np.random.Generator) -> list[dict[str, Any]]:
    """Return the rows of the table updates at some weights of a run (claim L3)."""
    found, gradients = [], partial(programs.of_batches, point.weights)
    for rate in [factor * run.learning_rate / run.effective_batch_size for factor in updates.RATE_FACTORS]:
        for m in updates.UPDATE_BATCH_SIZES:
            drawn = updates.update_moments(gradients, point.gradient, programs.training_rows, m, rate, random)
            row = {"update_batch_size": m, "base_learning_rate": rate, "draws": updates.DRAWS, **drawn._asdict()}
            row["expected_mean_per_example"] = rate * float(np.linalg.norm(point.gradient))
            row["expected_covariance_trace"] = rate**2 * m * point.noise.trace
            found.append(row)
    return found


def _steps(programs: "Gradients", run: Run, point: Point, random: np.random.Generator) -> list[dict[str, Any]]:
    """Return the rows of the table steps at some weights of a run (claim L4)."""
    m, base_learning_rate = (
        min(run.effective_batch_size, updates.LARGEST_STEP),
        run.learning_rate / run.effective_batch_size,
    )
    found = []
    for draw in range(updates.STEP_DRAWS):
        batches = random.integers(programs.training_rows, size=(max(updates.PARTS), m))
        for step in updates.steps(programs.of_batch, point.weights, batches, base_learning_rate):
            found.append({"update_batch_size": m, "draw": draw, **step._asdict()})
    return found
