"""What each column of the tables of a landscape holds, with its unit."""

from batchwise.data.metric import Metric

WEIGHTS = ("start", "final")

_CELL = {
    "batch_size": "m as asked for in params.yaml, with which the run was trained, rows",
    "base_learning_rate": "cells.csv: η̃ of the chosen cell, as in params.yaml; updates.csv: η̃ of the update, η/m, per "
    "example (Masters & Luschi 2018, eq. 6)",
    "learning_rate": "η of the averaged gradient with which the run was trained",
    "seed": "seed of weights and order, from 0",
}
_NOISE = {
    "noise_scale": "B_simple = tr Σ/‖G‖² (McCandlish et al. 2018, app. A.1) of the gradients of training rows, rows; "
    "inf if ‖G‖² cannot be told from 0; empty if there is no gradient",
    "noise_scale_low": "lower bound of the 95 % bootstrap interval of noise_scale, rows",
    "noise_scale_high": "upper bound of the 95 % bootstrap interval of noise_scale, rows; inf if there is none",
}
_MEASURED = {
    **_NOISE,
    "gradient_norm_squared": "unbiased estimate of ‖G‖², which chance may make negative, nats² per squared weight",
    "noise_trace": "unbiased estimate of tr Σ, nats² per squared weight",
    **{f"{name}_start": f"{name} at the weights before the first update, rows" for name in _NOISE},
    "sharpness_0_001": "φ with ε = 1e-3 (Keskar et al. 2017, metric 2.1, full space) of the mean loss, percent",
    "sharpness_0_0005": "φ with ε = 5e-4 (Keskar et al. 2017, metric 2.1, full space) of the mean loss, percent",
    "hessian_largest": "largest eigenvalue of the Hessian of the mean loss, nats per squared weight; empty if Lanczos "
    "iteration did not converge",
    "two_over_rate": "2/η, above which a step of gradient descent without momentum overshoots a quadratic, in the unit "
    "of hessian_largest",
    "distance": "‖θ − θ_0‖ from the weights θ_0 before the first update, in the unit of weights",
    "distance_relative": "distance/‖θ_0‖, without unit",
}
_WHERE = {"weights": "where it was measured: start (before the first update of the seed) or final"}
_UPDATE = {"update_batch_size": "rows of an update"}
_UPDATES = {
    **_WHERE,
    "seed": _CELL["seed"],
    "batch_size": _CELL["batch_size"],
    **_UPDATE,
    "base_learning_rate": _CELL["base_learning_rate"],
    "draws": "updates that were drawn, from the same weights",
    "mean_per_example": "projection of their mean, over update_batch_size, on the direction of −G, in "
    "the unit of weights",
    "covariance_trace": "trace of their covariance, in squared units of weights",
    "expected_mean_per_example": "η̃‖G‖, with the gradient of the mean loss: what mean_per_example estimates",
    "expected_covariance_trace": "η̃²·update_batch_size·tr Σ, with tr Σ from other draws (noise_trace)",
}
_STEPS = {
    **_WHERE,
    "seed": _CELL["seed"],
    "batch_size": _CELL["batch_size"],
    "parts": "n, updates of update_batch_size rows in a row, against one of all their rows at the same η̃",
    **_UPDATE,
    "draw": "number of the draw of the rows, from 0; in a draw n = 2, 4, 8 share their first rows",
    "relative_distance": "‖Δ_n − Δ_1‖/‖Δ_1‖ of the changes of the weights, without unit; empty if there is none, "
    "or if the updates diverge",
    "cosine": "cosine of the angle between Δ_n and Δ_1; empty as relative_distance",
}


def tables(metric: Metric) -> dict[str, dict[str, str]]:
    """Return {table: {column: what it holds}}, for a study that chooses by a metric."""
    results = {
        "train_loss": "mean loss of all training rows, as in runs.csv",
        **{metric.column(split): f"{split} rows: {metric.description}" for split in ("train", "test")},
    }
    return {"cells": {**_CELL, **results, **_MEASURED}, "updates": _UPDATES, "steps": _STEPS}


def columns(metric: Metric) -> dict[str, str]:
    """Return {column: what it holds} of all tables."""
    of_tables = {name: text for table in tables(metric).values() for name, text in table.items()}
    about = {"column": "name of a column, in any table of this folder", "description": "what it holds, with its unit"}
    return of_tables | about
