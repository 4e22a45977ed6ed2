"""From the outcomes of a study's runs to the files of its tables."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import selection
from batchwise.analysis.columns import COLUMNS
from batchwise.analysis.run_metrics import LAST_EPOCHS, Outcome, canonical
from batchwise.analysis.tabulate import STATUSES, Tables, build
from batchwise.common.serialization import as_csv, as_json
from batchwise.config.grid import Run
from batchwise.config.params import Study
from batchwise.statistics.fits import straight_line
from batchwise.statistics.intervals import CONFIDENCE, proportion_error


def evaluate(name: str, study: Study, manifest: dict[str, Any], outcomes: dict[Run, Outcome]) -> dict[str, bytes]:
    """Return {file name: bytes} of everything that is known of a study; equal inputs give equal bytes."""
    tables = build(study, manifest, outcomes)
    facts = {"study": name, **summary(study, manifest, outcomes, tables)}
    return {
        "runs.csv": as_csv(tables.runs),
        "cells.csv": as_csv(tables.cells),
        "batch_sizes.csv": as_csv(tables.batch_sizes),
        "curves.csv": as_csv(tables.curves),
        "columns.csv": as_csv(pd.DataFrame(COLUMNS.items(), columns=["column", "description"])),
        "summary.json": as_json(facts),
        "study.json": as_json(definition(study)),
        "metrics.json": as_json(metrics(facts)),
    }


def summary(study: Study, manifest: dict[str, Any], outcomes: dict[Run, Outcome], tables: Tables) -> dict[str, Any]:
    """Return what a report says beside the tables: what was run, the answer, and where it comes from."""
    cells, rates = tables.cells, study.grid.base_learning_rates
    return {
        "data": manifest,
        "recipe": study.recipe.model_dump(mode="json"),
        "learning_rate_scaling": study.learning_rate_scaling,
        "grid": _grid_sizes(study, cells, outcomes),
        "parameters": max(outcome.parameters for outcome in outcomes.values()),
        "runs_by_status": _runs_by_status(outcomes),
        "chance": selection.chance(manifest["class_counts"]["train"]),
        "best_batch_size": _value(cells, tables.best, "batch_size"),
        "best_base_learning_rate": _value(cells, tables.best, "base_learning_rate"),
        "reference_batch_size": _value(cells, tables.reference, "batch_size"),
        "test_accuracy": _test_accuracy(cells, tables.reference, manifest["rows"]["test"]),
        "reliable_upper_edge": {
            str(margin): upper_edge(tables.batch_sizes, margin, max(rates)) for margin in selection.MARGINS
        },
        "same_as": same_as(study, manifest["rows"]["train"], outcomes),
        "thresholds": {
            "reliable_points": selection.MARGINS,
            "above_chance": selection.ABOVE_CHANCE,
            "last_epochs": LAST_EPOCHS,
            "confidence": CONFIDENCE,
        },
        "provenance": provenance(study, manifest, outcomes),
    }


def definition(study: Study) -> dict[str, Any]:
    """Return a study as params.yaml has it, with the values of what is not given there."""
    return study.model_dump(mode="json", warnings=False)  # the frozen grid holds tuples where its fields say lists


def metrics(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the few flat numbers that `dvc metrics show` compares."""
    accuracy = facts["test_accuracy"]
    return {
        "best_batch_size": facts["best_batch_size"],
        "best_base_learning_rate": facts["best_base_learning_rate"],
        "reference_batch_size": facts["reference_batch_size"],
        "test_accuracy": accuracy["mean"],
        "test_accuracy_low": accuracy["low"],
        "test_accuracy_high": accuracy["high"],
        "runs": facts["grid"]["runs"],
        **facts["runs_by_status"],
    }


def upper_edge(batch_sizes: pd.DataFrame, margin: int, highest: float) -> dict[str, float | int]:
    """Return the slope of log₂ of the highest reliable η̃ on log₂ m, with its interval (Masters & Luschi 2018, fig. 16).

    Batch sizes that were trained as one count once. Where the edge is the highest η̃ of the grid the true one may lie
    above: those are left out and counted. The slope is null for fewer than three points.
    """
    edge = batch_sizes.drop_duplicates("effective_batch_size").dropna(subset=f"reliable_{margin}_high")
    inside = edge[edge[f"reliable_{margin}_high"] < highest]
    sizes, rates = (np.log2(inside[name]) for name in ("effective_batch_size", f"reliable_{margin}_high"))
    line = straight_line(sizes.to_numpy(), rates.to_numpy(), relative=False)
    slope = {"slope": line.slope.value, "low": line.slope.low, "high": line.slope.high, "points": line.points}
    return {**slope, "excluded_at_grid_edge": len(edge) - len(inside)}


def same_as(study: Study, rows: int, outcomes: dict[Run, Outcome]) -> list[dict[str, Any]]:
    """Return, for each m > N, the m that was trained instead and the checksum of its run files."""
    shared = {run: outcome for run, outcome in outcomes.items() if run.batch_size == rows}
    return [
        {
            "batch_size": m,
            "effective_batch_size": rows,
            "identical_to": rows if rows in study.grid.batch_sizes else None,
            "sha256": checksum(shared),
        }
        for m in sorted(study.grid.batch_sizes)
        if m > rows
    ]


def provenance(study: Study, manifest: dict[str, Any], outcomes: dict[Run, Outcome]) -> dict[str, Any]:
    """Return the checksums of data, code, parameters and results, and the environments in which the runs were made."""
    return {
        "data": manifest["sha256"],
        "code": _distinct(outcome.code for outcome in outcomes.values()),
        "parameters": hashlib.sha256(canonical(definition(study)).encode()).hexdigest(),
        "results": checksum(outcomes),
        "environment": _distinct(outcome.environment for outcome in outcomes.values()),
        "xla": _distinct(canonical(outcome.xla) for outcome in outcomes.values() if outcome.xla is not None),
    }


def checksum(outcomes: dict[Run, Outcome]) -> str:
    """Return the checksum of run files: what `sha256sum *.npz | sha256sum` prints in their folder, with LC_ALL=C."""
    lines = sorted((f"{run.name}.npz", outcome.sha256) for run, outcome in outcomes.items())
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in lines).encode()).hexdigest()


def _grid_sizes(study: Study, cells: pd.DataFrame, outcomes: dict[Run, Outcome]) -> dict[str, int]:
    return {
        "batch_sizes": len(study.grid.batch_sizes),
        "base_learning_rates": len(study.grid.base_learning_rates),
        "seeds": study.grid.seeds,
        "cells": len(cells),
        "runs": len(outcomes),  # distinct: m > N shares those of m = N
    }


def _runs_by_status(outcomes: dict[Run, Outcome]) -> dict[str, int]:
    counts = Counter(outcome.status for outcome in outcomes.values())
    return {status: counts[status] for status in STATUSES}


def _test_accuracy(cells: pd.DataFrame, row: int | None, rows: int) -> dict[str, Any]:
    mean, low, high = (_value(cells, row, f"test_accuracy_{bound}") for bound in ("mean", "low", "high"))
    error = None if mean is None else proportion_error(mean, rows)
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "n": _value(cells, row, "ok") or 0,
        "test_set_standard_error": error,
    }


def _value(table: pd.DataFrame, row: int | None, column: str) -> Any:
    value = None if row is None else table[column][row].item()
    return value if value is not None and np.isfinite(value) else None


def _distinct(texts: Iterable[str]) -> Any:
    """Return the one value that the JSON texts hold, or a list of the different ones."""
    values = [json.loads(text) for text in sorted(set(texts))]
    return values[0] if len(values) == 1 else values
