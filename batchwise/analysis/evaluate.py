"""From the metrics of a study's runs to the files of its tables."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import branches, class_table, found_objects
from batchwise.analysis.columns import columns
from batchwise.analysis.found_objects import Predictions
from batchwise.analysis.run_metrics import RunMetrics, canonical
from batchwise.analysis.selection import reliable_column
from batchwise.analysis.tabulate import Tabulated, tabulate
from batchwise.common.serialization import as_csv, as_json
from batchwise.config import grid, phases
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data.metric import Metric
from batchwise.statistics.fits import straight_line
from batchwise.statistics.intervals import CONFIDENCE
from batchwise.training.run_result import STATUSES
from batchwise.training.run_shard import RUN_ENDING


def evaluate(
    name: str,
    study: Study,
    manifest: dict[str, Any],
    metrics: Sequence[Metric],
    by_run: Mapping[Run, RunMetrics],
    fresh: Mapping[Run, RunMetrics] = {},
    branched: Mapping[Run, RunMetrics] = {},
    predictions: Predictions = lambda _: np.empty(0),
) -> dict[str, bytes]:
    """Return {file name: bytes} of everything that is known of a study; equal inputs give equal bytes.

    The first of the metrics of the task chooses. `fresh` are the runs of the confirmation, if the study has one,
    `branched` those that are branches; `predictions` reads the boxes that a run found in test rows.
    """
    tables = tabulate(study, manifest["rows"], metrics, by_run, fresh)
    of_objects = found_objects.tables(manifest, tables.results, _ends_and_reference(tables), predictions)
    texts = {**class_table.COLUMNS, **_texts_of(of_objects), **columns(metrics, study.statistic)}
    facts = {"study": name, **summary(study, manifest, metrics, by_run, fresh, branched, tables)}
    return {
        "runs.csv": as_csv(tables.choice.runs),
        "cells.csv": as_csv(tables.choice.cells),
        "batch_sizes.csv": as_csv(tables.batch_sizes),
        "confirmed.csv": as_csv(tables.confirmed),
        "curves.csv": as_csv(tables.curves),
        "branches.csv": as_csv(branches.table(study, manifest["rows"]["train"], metrics, branched)),
        "classes.csv": as_csv(class_table.table(manifest, tables.results)),
        **{f"{table}.csv": as_csv(rows) for table, rows in of_objects.items()},
        "columns.csv": as_csv(pd.DataFrame(texts.items(), columns=["column", "description"])),
        "plot.csv": as_csv(plot(tables.batch_sizes, metrics[0])),
        "summary.json": as_json(facts),
        "study.json": as_json(definition(study)),
        "metrics.json": as_json(dvc_metrics(facts, tables.batch_sizes)),
    }


def _texts_of(of_objects: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return {column: what it is} of the tables of objects that have rows."""
    return {
        column: text
        for name, rows in of_objects.items()
        if len(rows)
        for column, text in found_objects.TABLES[name].items()
    }


def _ends_and_reference(tables: Tabulated) -> list[int]:
    """Return the smallest m with a result, that of the cell to use, and the largest, as asked for."""
    sizes = [cell.batch_size for cell, _, _ in tables.results]
    reference = tables.choice.reference
    chosen = [] if reference is None else [tables.choice.cell(reference).batch_size]
    return sorted({*sizes[:1], *chosen, *sizes[-1:]})


def summary(
    study: Study,
    manifest: dict[str, Any],
    metrics: Sequence[Metric],
    by_run: Mapping[Run, RunMetrics],
    fresh: Mapping[Run, RunMetrics],
    branched: Mapping[Run, RunMetrics],
    tables: Tabulated,
) -> dict[str, Any]:
    """Return what a report says beside the tables: what was run, the answer, and where it comes from."""
    choice, metric, rows = tables.choice, metrics[0], manifest["rows"]["train"]
    cells = choice.cells
    highest = max(study.grid.base_learning_rates)
    return {
        "data": _without_test_objects(manifest),
        "recipe": study.recipe.model_dump(mode="json"),
        "phases": _phases(study, rows),
        "learning_rate_scaling": study.learning_rate_scaling,
        "branches": study.branches and study.branches.model_dump(mode="json"),
        "metric": asdict(metric),
        "other_metrics": [asdict(other) for other in metrics[1:]],
        "grid": _grid_sizes(study, cells, by_run),
        "confirmation": _confirmation(study, fresh),
        "parameters": max(found.parameters for found in by_run.values()),
        "draws_by_pass": any(found.draws_by_pass for found in by_run.values()),
        "runs_by_status": _runs_by_status(by_run),
        "best_batch_size": _value(cells, choice.best, "batch_size"),
        "best_base_learning_rate": _value(cells, choice.best, "base_learning_rate"),
        "reference_batch_size": _value(cells, choice.reference, "batch_size"),
        "reference_base_learning_rate": _value(cells, choice.reference, "base_learning_rate"),
        metric.column("test"): _test_value(tables, metric),
        "reliable_upper_edge": {
            f"{margin:g}": upper_edge(tables.batch_sizes, margin, highest) for margin in metric.margins
        },
        "same_as": same_as(study, rows, by_run),
        "statistic": {"name": study.statistic, "shorter": grid.shorter_than_statistic(study, rows)},
        "confidence": CONFIDENCE,
        "provenance": provenance(study, manifest, {**by_run, **fresh, **branched}),
    }


def _without_test_objects(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest without the boxes of all test rows, which may be many: only those of photographs stay."""
    if "objects" not in manifest:
        return manifest
    given = manifest["objects"]
    photographs = [one | {"boxes": given["test"][one["row"]]} for one in given["photographs"]]
    return {**manifest, "objects": {"photographs": photographs}}


def definition(study: Study) -> dict[str, Any]:
    """Return a study as params.yaml has it, with the values of what is not given there."""
    return study.model_dump(mode="json", warnings=False)  # the frozen grid holds tuples where its fields say lists


def dvc_metrics(facts: dict[str, Any], batch_sizes: pd.DataFrame) -> dict[str, Any]:
    """Return the six numbers that `dvc metrics show` compares: of the cell to use, or else of the one compared with.

    The difference is that of the largest m from it, on test rows; null where there is none.
    """
    test = f"test_{facts['metric']['name']}"
    return {
        "batch_size": facts["reference_batch_size"],
        "base_learning_rate": facts["reference_base_learning_rate"],
        test: facts[test]["mean"],
        f"{test}_low": facts[test]["low"],
        f"{test}_high": facts[test]["high"],
        "largest_batch_size_difference": batch_sizes["difference_mean"].iloc[-1],
    }


def plot(batch_sizes: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return what `dvc plots show` draws, in columns whose names are the same for every metric: the test rows' by m."""
    names = {
        metric.column("test", bound): name for bound, name in (("mean", "result"), ("low", "low"), ("high", "high"))
    }
    return batch_sizes[["batch_size", *names]].rename(columns=names)


def upper_edge(batch_sizes: pd.DataFrame, margin: float, highest: float) -> dict[str, float | int]:
    """Return the slope of log₂ of the highest reliable η̃ on log₂ m, with its interval (Masters & Luschi 2018, fig. 16).

    Batch sizes that were trained as one count once. Where the edge is the highest η̃ of the grid the true one may lie
    above: those are left out and counted. The slope is null for fewer than three points.
    """
    high = reliable_column(margin, "high")
    edge = batch_sizes.drop_duplicates("effective_batch_size").dropna(subset=high)
    inside = edge[edge[high] < highest]
    sizes, rates = (np.log2(inside[name]) for name in ("effective_batch_size", high))
    line = straight_line(sizes.to_numpy(), rates.to_numpy(), relative=False)
    slope = {"slope": line.slope.value, "low": line.slope.low, "high": line.slope.high, "points": line.points}
    return {**slope, "excluded_at_grid_edge": len(edge) - len(inside)}


def same_as(study: Study, rows: int, by_run: Mapping[Run, RunMetrics]) -> list[dict[str, Any]]:
    """Return, for each m > N, the m that was trained instead and the checksum of its run files."""
    shared = {run: found for run, found in by_run.items() if run.effective_batch_size == rows}
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


def provenance(study: Study, manifest: dict[str, Any], by_run: Mapping[Run, RunMetrics]) -> dict[str, Any]:
    """Return the checksums of data, code, parameters and results, and the environments in which the runs were made."""
    return {
        "data": manifest["sha256"],
        "code": _distinct(found.code for found in by_run.values()),
        "parameters": hashlib.sha256(canonical(definition(study)).encode()).hexdigest(),
        "results": checksum(by_run),
        "environment": _distinct(found.environment for found in by_run.values()),
        "xla": _distinct(canonical(found.xla) for found in by_run.values() if found.xla is not None),
    }


def checksum(by_run: Mapping[Run, RunMetrics]) -> str:
    """Return the checksum of the files of runs: what `sha256sum *.npz | sha256sum` prints, with LC_ALL=C.

    They are in a folder where their shards were unpacked.
    """
    lines = sorted((f"{run.name}{RUN_ENDING}", found.sha256) for run, found in by_run.items())
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in lines).encode()).hexdigest()


def _phases(study: Study, rows: int) -> dict[str, list[dict[str, Any]]]:
    """Return {m: the phases of a run that starts with it}; nothing where no m changes in a run."""
    if not study.schedule.batch_sizes:
        return {}
    sizes = sorted({cell.effective_batch_size for cell in grid.cells(study, rows)})
    return {str(m): [asdict(phase) for phase in phases.of_recipe(study, rows, m)] for m in sizes}


def _grid_sizes(study: Study, cells: pd.DataFrame, by_run: Mapping[Run, RunMetrics]) -> dict[str, int]:
    return {
        "batch_sizes": len(study.grid.batch_sizes),
        "base_learning_rates": len(study.grid.base_learning_rates),
        "seeds": study.grid.seeds,
        "cells": len(cells),
        "runs": len(by_run),  # distinct: m > N shares those of m = N
    }


def _runs_by_status(by_run: Mapping[Run, RunMetrics]) -> dict[str, int]:
    counts: Counter[str] = Counter(found.status for found in by_run.values())
    return {status: counts[status] for status in STATUSES}


def _confirmation(study: Study, fresh: Mapping[Run, RunMetrics]) -> dict[str, Any] | None:
    """Return how many fresh seeds each chosen cell has; None without any."""
    if not study.confirmation or not fresh:
        return None
    seeds = {run.seed for run in fresh}
    return {"seeds": len(seeds), "first_seed": min(seeds), **study.confirmation.model_dump()}


def _test_value(tables: Tabulated, metric: Metric) -> dict[str, Any]:
    """Return the metric on test rows at the reference, with its intervals over seeds and for new rows."""
    at = np.flatnonzero(tables.choice.chosen == tables.choice.reference)
    row = int(at[0]) if len(at) else None
    ends = ("mean", "low", "high", "new_rows_low", "new_rows_high")
    found = {end: _value(tables.batch_sizes, row, metric.column("test", end)) for end in ends}
    return found | {"n": _value(tables.batch_sizes, row, "ok") or 0}


def _value(table: pd.DataFrame, row: int | None, column: str) -> Any:
    value = None if row is None else table[column][row].item()
    return value if value is not None and np.isfinite(value) else None


def _distinct(texts: Iterable[str]) -> Any:
    """Return the one value that the JSON texts hold, or a list of the different ones."""
    values = [json.loads(text) for text in sorted(set(texts))]
    return values[0] if len(values) == 1 else values
