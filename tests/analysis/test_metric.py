"""The metric that a study chooses by: its direction decides, and nothing else of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.analysis import equal_budgets, recommendation, reliable_rates, seed_values, steps_to_target
from batchwise.analysis.evaluate import evaluate
from batchwise.analysis.run_metrics import RunMetrics
from batchwise.analysis.study_tables import NAMES, Tables
from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config.grid import Run
from batchwise.data import loading, task
from batchwise.data.metric import Metric, from_facts
from batchwise.data.task import TARGET, Scale
from batchwise.training.run_result import RunResult
from tests import fabricated
from tests.fabricated import ACCURACY, LOSS, MANIFEST, METRICS, diverged, parse, random_result, study

STUDY = study([2, 8, 40, 1000], [0.125, 0.25, 0.5, 1.0], seeds=3, targets=[0.8, 0.9])


def mirrored(metric: Metric) -> Metric:
    """Return the metric whose values are those of another with the other sign, so that the lowest is the best."""
    return replace(
        metric,
        higher_is_better=False,
        baseline=-metric.baseline,
        lowest=-metric.highest,
        highest=-metric.lowest,
        counted=None,
    )


def mirrored_runs(by_run: Mapping[Run, RunMetrics], name: str) -> dict[Run, RunMetrics]:
    """Return runs whose values of a metric have the other sign."""
    parts = ("result", "final", "curve", "by_row")

    def turned(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {each: -value.astype(float) if each == name else value for each, value in values.items()}

    return {
        run: replace(found, **{part: turned(getattr(found, part)) for part in parts}) for run, found in by_run.items()
    }


def made_up(salt: int) -> dict[Run, RunMetrics]:
    """Return runs with numbers that depend on `salt`, of which a few diverge."""

    def result(run: Run) -> RunResult:
        fine = random_result(run, STUDY, salt=salt)
        return diverged(fine, 2) if (run.effective_batch_size + run.seed + salt) % 7 == 0 else fine

    return fabricated.by_run(STUDY, result)


def tables_of(metrics: tuple[Metric, ...], by_run: Mapping[Run, RunMetrics]) -> Tables:
    found = parse(evaluate("made_up", STUDY, MANIFEST, metrics, by_run))
    return Tables(**{name: found[name] for name in ("summary", *NAMES)})


BOTH_WAYS = settings(max_examples=6)  # of tens of runs each


@BOTH_WAYS
@given(st.integers(0, 10_000))
def test_a_study_by_the_mirrored_metric_has_the_same_tables(salt: int) -> None:
    by_run = made_up(salt)
    one = tables_of(METRICS, by_run)
    other = tables_of((mirrored(ACCURACY), LOSS), mirrored_runs(by_run, "accuracy"))
    for name in ("best_batch_size", "best_base_learning_rate", "reference_batch_size", "reliable_upper_edge"):
        assert one.summary[name] == other.summary[name]
    for name in ("runs", "cells", "batch_sizes"):
        here, there = getattr(one, name), getattr(other, name)
        here = here.drop(columns=[column for column in here if "correct" in column or "wrong" in column])
        signed = [column for column in here if "accuracy" in column or column.startswith("difference_")]
        signed = [column for column in signed if column != "difference_n"]
        pd.testing.assert_frame_equal(here.drop(columns=signed), there.drop(columns=signed))
        ends = {"low": "high", "high": "low"}
        for column in signed:
            stem, _, bound = column.rpartition("_")
            opposite = f"{stem}_{ends[bound]}" if bound in ends else column
            rtol = 1e-3 if "together" in column else 1e-10  # drawn at random
            np.testing.assert_allclose(here[column], -there[opposite], rtol=rtol, atol=1e-4 * (rtol > 1e-9))


@BOTH_WAYS
@given(st.integers(0, 10_000))
def test_a_study_by_the_mirrored_metric_has_the_same_costs_and_advice(salt: int) -> None:
    by_run = made_up(salt)
    one = equal_budgets.of_study(STUDY, 40, ACCURACY, by_run)
    other = equal_budgets.of_study(STUDY, 40, mirrored(ACCURACY), mirrored_runs(by_run, "accuracy"))
    seconds = {2: 4.0, 8: 2.0, 40: 1.0}
    same = ["budget", "level", "batch_size", "status", "base_learning_rate", "n"]
    here, there = (equal_budgets.table(curves, seconds) for curves in (one, other))
    pd.testing.assert_frame_equal(here[same], there[same])
    steps = ["batch_size", "base_learning_rate", "seed", "epochs", "updates"]
    for target in STUDY.targets:
        here, there = steps_to_target.runs(one, [target]), steps_to_target.runs(other, [-target])
        pd.testing.assert_frame_equal(here[steps], there[steps])
    costs = pd.DataFrame({"batch_size": list(seconds), "epoch_seconds": list(seconds.values())})
    costs = costs.assign(compile_seconds=1.0, memory_peak_bytes=1e9)
    tables = tables_of(METRICS, by_run), tables_of((mirrored(ACCURACY), LOSS), mirrored_runs(by_run, "accuracy"))
    for deadline in (None, 5.0, 12.0):
        here, there = (
            recommendation.advise(*known, costs, None, deadline) for known in zip(tables, (one, other), strict=True)
        )
        same = ["chosen", "fits", "batch_size", "base_learning_rate"]
        pd.testing.assert_frame_equal(here[same], there[same])
        np.testing.assert_allclose(here["difference_mean"], -there["difference_mean"], rtol=1e-12)


@BOTH_WAYS
@given(st.integers(0, 10_000))
def test_claims_choose_the_same_cells_by_the_mirrored_metric(salt: int) -> None:
    by_run = made_up(salt)
    one = seed_values.of_study(tables_of(METRICS, by_run))
    other = seed_values.of_study(tables_of((mirrored(ACCURACY), LOSS), mirrored_runs(by_run, "accuracy")))
    for m in (2, 8, 40):
        among = one.effective_batch_size == m
        assert seed_values.choose(one, among) == seed_values.choose(other, among)
    sizes = np.array([2, 8, 40])
    assert reliable_rates.octaves(one, sizes).tolist() == reliable_rates.octaves(other, sizes).tolist()
    np.testing.assert_allclose(one.metric.gain(one.test[0], one.test[1]), other.metric.gain(*other.test[:2]))


def test_a_study_by_loss_takes_the_lowest() -> None:
    by_run = made_up(0)
    asked = STUDY.model_copy(update={"metric": "loss", "targets": [1.5]})
    metrics = loading.metrics(asked, MANIFEST)
    assert [metric.name for metric in metrics] == ["loss", "accuracy"]
    found = tables_of(metrics, by_run)
    cells = found.cells[found.cells["ok"] == found.cells["runs"]]
    best = cells.loc[cells["validation_loss_mean"].idxmin()]
    assert found.summary["best_batch_size"] == best["batch_size"]
    assert found.summary["best_base_learning_rate"] == best["base_learning_rate"]
    gap = found.runs["test_loss_final"] - found.runs["train_loss_final"]
    pd.testing.assert_series_equal(found.runs["generalisation_gap"], gap, check_names=False)
    assert found.summary["test_loss"]["mean"] == best["test_loss_mean"]
    assert found.runs["test_correct"].notna().any()  # what another metric of the task counts is there too


def test_a_study_without_a_metric_chooses_by_the_first_of_its_task() -> None:
    assert loading.metrics(STUDY, MANIFEST) == METRICS
    assert loading.metrics(STUDY.model_copy(update={"metric": "accuracy"}), MANIFEST) == METRICS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "acuracy"}, "metric: 'acuracy' is not a known .*allowed: accuracy, loss; did you mean 'accuracy'"),
        ({"targets": [90.0]}, "targets: 90.0 is no accuracy; allowed: fraction of the rows .*, 0 to 1"),
        ({"metric": "loss", "targets": [-1.0]}, "targets: -1.0 is no loss; allowed: log loss: mean cross-entropy"),
    ],
)
def test_a_metric_or_a_target_that_the_task_does_not_have_is_told(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        loading.metrics(STUDY.model_copy(update=changes), MANIFEST)


LABELS = {
    "classes": [0, 0, 0, 1],
    "flags": [[0, 1], [1, 1], [0, 0]],
    "numbers": [-1.5, 0.0, 2.0],
    "counts": [0, 3, 1],
    "tokens": [[2, 3, 2, 3], [3, 0, 0, 1]],
    "boxes": [[[0.1, 0.1, 0.5, 0.4, 1.0]], [[0.2, 0.2, 0.9, 0.9, 0.0]]],
}


@pytest.mark.parametrize("name", plugins.names("tasks"))
def test_a_metric_is_data(name: str) -> None:
    found = task.load(name)
    for of_task in found.metrics:
        metric = of_task.on(np.array(LABELS[found.labels.kind]), Scale(10.0, 3.0), "mm")
        assert from_facts(json.loads(json.dumps(asdict(metric)))) == metric and metric.name == of_task.name
        assert list(metric.margins) == sorted(metric.margins) and metric.margins[0] > 0 and metric.learned > 0
        assert metric.clip(metric.baseline) == metric.baseline
        assert metric.title and metric.differences and (metric.unit == "mm") == (of_task.unit == TARGET)
