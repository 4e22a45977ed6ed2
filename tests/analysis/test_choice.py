"""The choice among batch sizes: never harm, more time never worse, and what is the same as the best."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from batchwise.analysis import choice, equal_budgets, recommendation, shorter_runs
from batchwise.analysis.equal_budgets import Curves
from batchwise.analysis.study_tables import NAMES, Tables
from batchwise.config.phases import Phase
from batchwise.statistics import simultaneous
from tests.fabricated import ACCURACY, LOSS, MANIFEST, RunResult, constant_result, parse, study
from tests.fabricated import files as files_of

METRICS = st.sampled_from([ACCURACY, LOSS])


@st.composite
def results(draw: st.DrawFn) -> np.ndarray:
    """Return results of some batch sizes, [batch sizes, seeds], of which some are equal."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    sizes, seeds = draw(st.integers(1, 7)), draw(st.integers(1, 12))
    means = generator.choice([0.9, 0.92, 0.95], (sizes, 1))
    return means + generator.choice([0, 0.002, 0.03]) * generator.normal(size=(sizes, seeds))


def worse(score: np.ndarray, than: np.ndarray) -> bool:
    """Return whether scores are significantly worse, by the paired t test."""
    differences = than - score
    if len(differences) < 2 or np.ptp(differences) == 0:
        return len(differences) > 1 and differences[0] > 0
    return bool(stats.ttest_1samp(differences, 0).confidence_interval(0.95).low > 1e-12)


@given(results(), METRICS, st.randoms(use_true_random=False))
def test_no_batch_size_is_chosen_than_which_another_is_significantly_better(test, metric, random) -> None:
    costs = np.array([random.random() for _ in test])
    found = choice.choose(test, random.choice([None, *range(len(test))]), costs, metric)
    better = simultaneous.from_reference(metric.sign * test, found.chosen).low > 0
    assert not better.any() and found.alike[found.best] and found.alike[found.chosen]
    behind = metric.gain(test[found.best].mean(), test[found.chosen].mean())
    assert behind <= metric.least_margin + 1e-9


@given(results(), METRICS)
def test_what_is_worse_than_the_best_is_not_alike_and_the_cheapest_of_equals_is_chosen(test, metric) -> None:
    found = choice.choose(test, None, np.arange(len(test))[::-1].astype(float), metric)
    assert found.best == (metric.sign * test).mean(axis=1).argmax()
    interval = simultaneous.from_reference(metric.sign * test, found.best)
    assert found.alike.tolist() == [place == found.best or high >= 0 for place, high in enumerate(interval.high)]
    equal = choice.choose(np.tile(test[:1], (4, 1)), 1, np.array([3.0, 4.0, 1.0, 2.0]), metric)
    assert equal.chosen == (2 if test.shape[1] > 1 else 1)  # one seed leaves the best


def test_the_best_on_validation_rows_is_not_the_best_where_test_rows_speak_against_it() -> None:
    test = np.array([[0.9, 0.91, 0.9, 0.91], [0.95, 0.96, 0.96, 0.95]])
    assert choice.choose(test, 0, np.array([1.0, 2.0]), ACCURACY)[::2] == (1, 1)


@st.composite
def runs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Return results on test rows [options, seeds] and validation rows [options] of runs, the cheapest first."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    number, seeds = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    level = 0.9 + 0.05 * generator.random((number, 1)) * np.linspace(0.2, 1, number)[:, None]
    test = level + draw(st.sampled_from([0, 0.002, 0.02])) * generator.normal(size=(number, seeds))
    validation = level[:, 0] + 0.01 * generator.normal(size=number)
    return test, validation if draw(st.booleans()) else np.full(number, np.nan)


@settings(max_examples=50)
@given(runs(), METRICS, st.none() | st.floats(0.88, 0.98))
def test_more_time_never_gives_a_worse_answer_and_no_answer_does_harm(made, metric, whole) -> None:
    test, validation = made
    named = shorter_runs.choices(test, validation, metric, whole)
    score, means = metric.sign * test, (metric.sign * test).mean(axis=1)
    assert len(named) == len(test) and all(place <= last for last, place in enumerate(named))
    assert (np.diff(means[named]) >= 0).all()
    for last, place in enumerate(named):
        assert not any(worse(score[place], score[other]) for other in range(last + 1))


def test_a_short_run_that_owes_its_result_to_luck_is_no_choice_where_another_is_as_good() -> None:
    validation = np.array([0.9, 0.95, 0.99])
    test = np.array([[0.92, 0.95, 0.91], [0.96, 0.95, 0.97], [0.98, 0.95, 0.99]])
    assert shorter_runs.choices(test, validation, ACCURACY) == [0, 1, 2]
    assert shorter_runs.choices(test, validation, ACCURACY, whole=0.965) == [0, 1, 1]
    test[2] = test[1] + 0.02  # significantly better
    assert shorter_runs.choices(test, validation, ACCURACY, whole=0.965) == [0, 1, 2]


# Of a study: whole runs of results, shorter ones of curves

SIZES = [2, 8, 40]
STUDY = study(SIZES, [0.25], seeds=4, statistic="last_epoch")
MEASURED = pd.DataFrame(
    {
        "batch_size": SIZES,
        "epoch_seconds": [4.0, 1.0, 0.5],
        "compile_seconds": 1.0,
        "memory_peak_bytes": [1e9, 2e9, 5e9],
        "status": "ok",
    }
)


def tables_of(accuracies: dict[int, float], manifest: dict = MANIFEST) -> Tables:
    """Return the tables of a study of which each m has an accuracy, with a spread of a half to one point."""

    def result(run) -> RunResult:
        made = constant_result(STUDY, run, accuracies[run.effective_batch_size] + 0.002 * run.seed)
        if not manifest["rows"]["validation"]:
            made.metrics.update({name: values * [1, np.nan, 1] for name, values in made.metrics.items()})
        return made

    found = parse(files_of(STUDY, result, manifest))
    return Tables(**{name: found[name] for name in ("summary", *NAMES)})


def curves_of(accuracies: dict[int, float], statistic: str = "last_epoch") -> list[Curves]:
    """Return curves that rise to the accuracies, within their 7 epochs."""
    found = []
    for m, accuracy in accuracies.items():
        line = np.minimum(np.arange(8) / 4, 1) * accuracy + 0.002 * np.arange(4)[:, None]
        values = dict.fromkeys(equal_budgets.quantities(ACCURACY), line[None])
        per_epoch = -(-40 // m)
        run, rates = (Phase(0, 7, m, 1.0, per_epoch),), np.array([0.25])
        found.append(Curves(ACCURACY, m, run, rates, rates * m, np.arange(8), 7 * per_epoch, values, statistic))
    return found


def advise(accuracies: dict[int, float], memory: float | None = None, deadline: float | None = None) -> pd.DataFrame:
    return recommendation.advise(tables_of(accuracies), curves_of(accuracies), MEASURED, memory, deadline)


ACCURACIES = {2: 0.95, 8: 0.95, 40: 0.7}


def test_the_cheapest_whole_run_of_those_that_cannot_be_told_apart_is_named_with_the_prices_of_the_others() -> None:
    table = advise(ACCURACIES)
    assert list(table) == list(recommendation.columns(ACCURACY, "last_epoch"))
    assert table["chosen"].tolist() == [False, True, False] and table["alike"].tolist() == [True, True, False]
    assert table.loc[table["best"], "batch_size"].tolist() == [2]
    assert table["seconds"].tolist() == [28.0, 7.0, 3.5] and table["updates"].tolist() == [140, 35, 7]
    assert table["difference_mean"].tolist() == pytest.approx([0, 0, -0.25])
    assert np.isnan(table["difference_low"][1]) and table["difference_high"][2] == pytest.approx(-0.25)


@pytest.mark.parametrize(
    ("memory", "deadline", "named"),
    [
        (None, None, (8, 7)),
        (None, 1e6, (8, 7)),
        (None, 7.0, (8, 7)),  # its run ends, that of m = 2 does not
        (None, 4.5, (8, 4)),
        (None, 1.9, (40, 3)),
        (None, 0.4, None),
        (1.5e9, None, (2, 7)),
        (1.5e9, 9.0, (2, 2)),
        (9e8, None, None),
    ],
)
def test_memory_and_time_decide_what_fits(memory, deadline, named) -> None:
    table = advise(ACCURACIES, memory, deadline)
    chosen = table[table["chosen"]]
    assert [*zip(chosen["batch_size"], chosen["epochs"], strict=True)] == ([named] if named else [])
    assert chosen["fits"].all() and (chosen["seconds"] <= (deadline or np.inf)).all()


def test_without_validation_rows_no_batch_size_is_named_that_is_worse_on_test_rows() -> None:
    manifest = {**MANIFEST, "rows": {**MANIFEST["rows"], "validation": 0}}
    accuracies = {2: 0.97, 8: 0.96, 40: 0.94}
    curves = curves_of(accuracies)
    for one in curves:
        one.values["validation_accuracy"] = np.full_like(one.values["validation_accuracy"], np.nan)
    for deadline in (None, 30.0):
        table = recommendation.advise(tables_of(accuracies, manifest), curves, MEASURED, None, deadline)
        assert table.loc[table["chosen"], "batch_size"].tolist() == [2]


def test_a_whole_run_that_training_on_has_made_worse_is_not_named() -> None:
    curves = curves_of({2: 0.9, 8: 0.9, 40: 0.7})
    for one in curves:
        for values in one.values.values():
            values[..., 5:] -= 0.1
    table = recommendation.advise(tables_of({2: 0.8, 8: 0.8, 40: 0.6}), curves, MEASURED)
    chosen = table[table["chosen"]]
    assert chosen["epochs"].tolist() == [4] and chosen["test_accuracy_mean"].item() == pytest.approx(0.903)


def test_what_was_not_measured_is_held_against_a_batch_size_where_there_is_a_limit() -> None:
    unknown = MEASURED.assign(epoch_seconds=[4.0, np.nan, 0.5], memory_peak_bytes=[1e9, np.nan, 5e9])
    known = tables_of(ACCURACIES), curves_of(ACCURACIES), unknown
    assert recommendation.advise(*known)["chosen"].tolist() == [False, True, False]  # the fewest updates
    for limits in ((9e9, None), (None, 100.0)):
        table = recommendation.advise(*known, *limits)
        assert not table["fits"][1] and table["chosen"].tolist() == [True, False, False]
