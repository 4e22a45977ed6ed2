"""What a run costs whose batch size grows: each of its epochs at the m that it then has."""

import numpy as np
import pandas as pd
import pytest

from batchwise.analysis import equal_budgets, recommendation, steps_to_target
from batchwise.analysis.equal_budgets import TOO_LONG, UNMEASURED, Curves
from batchwise.analysis.study_tables import NAMES, Tables
from batchwise.config import phases
from tests import fabricated
from tests.fabricated import ACCURACY

GROWING = {"batch_sizes": {0.3: 2, 0.5: 40}}
STUDY = fabricated.study([4, 16], [0.25], seeds=2, budget={"epochs": 10}, schedule=GROWING)
# Of 40 rows, by epoch: from 4, and from 16.
SIZES = {4: [4] * 3 + [8] * 2 + [40] * 5, 16: [16] * 3 + [32] * 2 + [40] * 5}
SECONDS = {4: 5.0, 8: 3.0, 16: 2.0, 32: 1.5, 40: 1.0}  # of an epoch
MEMORY = {4: 1.0, 8: 2.0, 16: 7.0, 32: 3.0, 40: 5.0}


@pytest.fixture(scope="module")
def tables() -> Tables:
    found = fabricated.tables(STUDY, lambda run: fabricated.random_result(run, STUDY))
    return Tables(**{name: found[name] for name in ("summary", *NAMES)})


def curves(m: int) -> Curves:
    """Return curves of a run whose accuracy rises by a tenth with each epoch."""
    line = np.broadcast_to(np.arange(11) / 10, (1, 2, 11))
    run, rates = tuple(phases.of_recipe(STUDY, 40, m)), np.array([0.25])
    values = dict.fromkeys(equal_budgets.quantities(ACCURACY), line)
    total = int(phases.updates(STUDY, 40, m))
    return Curves(ACCURACY, m, run, rates, rates, np.arange(11), total, values, "last_epoch")


def measured(without: int | None = None) -> pd.DataFrame:
    table = pd.DataFrame({"batch_size": [*SECONDS], "epoch_seconds": [*SECONDS.values()]})
    table = table.assign(compile_seconds=1.0, memory_peak_bytes=[*MEMORY.values()], status="ok")
    return table[table["batch_size"].ne(without)]


@pytest.mark.parametrize("m", SIZES)
def test_updates_and_seconds_are_those_of_each_epoch(m) -> None:
    one = curves(m)
    updates = np.cumsum([0, *(-(-40 // size) for size in SIZES[m])])
    seconds = np.cumsum([0.0, *(SECONDS[size] for size in SIZES[m])])
    np.testing.assert_array_equal(one.updates_at(np.arange(11)), updates)
    np.testing.assert_allclose([one.epochs_of(made) for made in updates], np.arange(11))
    np.testing.assert_allclose(equal_budgets.spent(one, "seconds", np.arange(11), SECONDS), seconds)
    for epoch in range(1, 11):
        row = equal_budgets.level(one, "seconds", seconds[epoch] + 0.01, SECONDS)
        at_end = row["status"] == TOO_LONG
        assert at_end or (row["epochs"], row["updates"]) == (epoch, updates[epoch])
    assert equal_budgets.level(one, "seconds", 9.0, {m: 1.0})["status"] == UNMEASURED


def test_a_target_takes_the_epochs_of_all_its_updates() -> None:
    table = steps_to_target.sizes(steps_to_target.runs([curves(4)], [0.55]), [curves(4)], SECONDS)
    (row,) = table.to_dict("records")
    assert (row["epochs"], row["updates"], row["seconds"]) == (6, 3 * 10 + 2 * 5 + 1, 3 * 5.0 + 2 * 3.0 + 1.0)


def test_a_whole_run_takes_the_seconds_of_all_its_epochs_and_the_memory_of_its_largest_batch(tables) -> None:
    assert tables.grows and tables.batch_sizes["updates"].tolist() == [45, 18]
    table = recommendation.whole_runs(tables, measured(), memory=6.0)
    assert table["seconds"].tolist() == [sum(SECONDS[size] for size in SIZES[m]) for m in (4, 16)]
    assert table["epochs"].tolist() == [10, 10] and table["compile_seconds"].tolist() == [3, 3]
    assert table["memory_peak_bytes"].tolist() == [5, 7] and table["fits"].tolist() == [True, False]


def test_what_was_not_measured_of_a_later_batch_size_is_not_known_of_the_run(tables) -> None:
    table = recommendation.whole_runs(tables, measured(without=8), memory=6.0)
    assert table["seconds"].isna().tolist() == [True, False] and not table["fits"].any()
