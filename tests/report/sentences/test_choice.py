"""The choice in a sentence: what cannot be told apart from the best, the cheapest, and what too few updates are."""

import numpy as np
import pandas as pd
import pytest

from batchwise.analysis import recommendation
from batchwise.analysis.study_tables import NAMES, Tables
from batchwise.report.sentences import choice, costs, limits
from batchwise.training.run_result import RunResult
from tests.fabricated import MANIFEST, constant_result, parse, study
from tests.fabricated import files as files_of

SIZES = [2, 8, 40]
STUDY = study(SIZES, [0.25], seeds=4)
MEASURED = pd.DataFrame({"batch_size": SIZES, "epoch_seconds": [4.0, 1.0, 0.5]})
MEASURED = MEASURED.assign(compile_seconds=1.0, memory_peak_bytes=1e9, status="ok")
ABOUT = {"title": "Made up", "source": "nowhere", "licence": "CC0", "class_names": ["a", "b"], "labels": "classes"}


def tables_of(accuracies: dict[int, list[float]], made=STUDY, **summary) -> Tables:
    """Return the tables of a study, of the accuracy of each seed at each m."""

    def result(run) -> RunResult:
        return constant_result(made, run, accuracies[run.effective_batch_size][run.seed])

    found = parse(files_of(made, result, {**MANIFEST, **ABOUT}))
    tables = {name: found[name] for name in NAMES}
    return Tables(found["summary"] | summary, **tables)


def sentence(accuracies: dict[int, list[float]], measured: pd.DataFrame = MEASURED, **summary) -> str:
    tables = tables_of(accuracies, **summary)
    return choice.sentence(tables, recommendation.whole_runs(tables, measured))


ALIKE = {2: [0.95, 0.96, 0.97, 0.96], 8: [0.95, 0.97, 0.96, 0.955], 40: [0.7, 0.71, 0.72, 0.73]}


def test_the_set_and_its_cheapest_member_are_named() -> None:
    said = sentence(ALIKE)
    assert said.startswith(
        "Batch sizes 2 and 8 cannot be told apart from the best of them, 2; the cheapest, m = 8 (η = 2)"
    )
    assert (
        "takes 7.00 s of updates and reaches 95.9 % on these test rows for other seeds (94.3 to 97.0; 4 seeds" in said
    )
    fresh = sentence(ALIKE, confirmation={"seeds": 4, "first_seed": 4})
    assert fresh == said.replace("4 seeds", "4 fresh seeds")
    assert "makes 35 updates and reaches" in sentence(ALIKE, recommendation.NOTHING_MEASURED)


def test_a_best_that_is_the_cheapest_or_alone_is_named_so() -> None:
    dear = MEASURED.assign(epoch_seconds=[0.1, 1.0, 0.5])
    assert "from the best of them, 2, which is the cheapest, too: m = 2 (η = 2⁻¹) takes 700 ms" in sentence(ALIKE, dear)
    alone = sentence(ALIKE | {8: [0.9, 0.91, 0.92, 0.91]})
    assert alone.startswith("No other batch size is as good as m = 2 (η = 2⁻¹), which takes 28.0 s of updates")


def test_a_cheaper_one_that_is_behind_is_not_the_choice_and_the_sentence_says_why() -> None:
    said = sentence(ALIKE | {40: [0.99, 0.99, 0.7, 0.99], 8: [0.95, 0.97, 0.96, 0.957]})
    assert "the cheapest that is at most 1 point behind, m = 8" in said


def test_an_interval_for_new_rows_is_told_apart_from_that_over_seeds() -> None:
    tables = tables_of(ALIKE)
    row = {"n": 5, "test_accuracy_mean": 0.966, "test_accuracy_low": 0.96, "test_accuracy_high": 0.97}
    row |= {"test_accuracy_new_rows_low": 0.94, "test_accuracy_new_rows_high": 0.98}
    assert choice.result(tables, row) == (
        "96.6 % on these test rows for other seeds (96.0 to 97.0), and for new rows too (94.0 to 98.0; 5 seeds, 95 % "
        "intervals)"
    )


def test_too_few_updates_are_said_with_a_budget_that_compares() -> None:
    tables = tables_of(ALIKE)
    assert choice.too_few_updates(tables) == []
    tables.batch_sizes["too_few_updates"] = [False, True, True]
    [said] = choice.too_few_updates(tables)
    assert said == (
        "m = 8 makes 35 updates and m = 40 makes 7 updates in 7 epochs, too few to train: compare them at equal "
        "updates, with budget: {updates: 140} in params.yaml, say."
    )


def test_limits_say_which_seeds_choose_and_which_report() -> None:
    alone = " ".join(limits.limits(tables_of(ALIKE)))
    fresh = " ".join(limits.limits(tables_of(ALIKE, confirmation={"seeds": 12, "first_seed": 4})))
    assert "Seeds 0 to 3 choose and report, so that the results of what they chose are flattered." in alone
    assert "Seeds 0 to 3 choose, on validation rows" in fresh and "those of seeds 4 to 15, which chose nothing" in fresh


def test_limits_say_that_draws_by_pass_depend_on_the_batch_size() -> None:
    tables = tables_of(ALIKE)
    for draws in (False, True):
        tables.summary["draws_by_pass"] = draws
        assert ("draw anew for each pass, as Keras's Dropout does" in " ".join(limits.limits(tables))) == draws


@pytest.mark.parametrize(("seconds", "said"), [([1.0, 59.0], 1), ([1.0, 61.0], 0), ([np.nan, np.nan], 0)])
def test_time_is_no_reason_where_every_run_takes_less_than_a_minute(seconds, said) -> None:
    assert len(costs.time_is_no_reason(pd.DataFrame({"seconds": seconds}))) == said
