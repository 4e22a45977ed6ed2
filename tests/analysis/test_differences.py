"""Intervals of results and differences: what they are about, which runs count, and batch sizes that do not train."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.analysis import differences, too_few_updates
from batchwise.statistics import rows, simultaneous
from batchwise.statistics.intervals import paired_difference
from tests.fabricated import ACCURACY, LOSS, random_result, study, tables

STUDY = study([2, 8, 40, 1000], [0.125, 0.25], seeds=3)
FEW = settings(max_examples=25)  # they differ in their random numbers alone
DIFFERENCES = ("difference", "difference_together", "difference_new_rows")


def run(by_row: np.ndarray, result: float | None = None) -> SimpleNamespace:
    """Return a run of which the test rows have these values of the accuracy, or one that diverged, for none."""
    if not len(by_row):
        return SimpleNamespace(by_row={}, result={"accuracy": np.full(3, np.nan)})
    value = by_row.mean() if result is None else result
    return SimpleNamespace(by_row={"accuracy": by_row}, result={"accuracy": np.full(3, value)})


def cells(seed: int, seeds: int = 4, test_rows: int = 30, sizes: tuple[int, ...] = (2, 8, 40)) -> dict[int, list]:
    random = np.random.default_rng(seed)
    shares = np.linspace(0.6, 0.9, test_rows)
    return {m: [run(random.uniform(size=test_rows) < shares) for _ in range(seeds)] for m in sizes}


def by_row(runs: list) -> np.ndarray:
    return np.array([one.by_row["accuracy"] for one in runs], float)


@FEW
@given(st.integers(0, 1000))
def test_where_the_result_is_that_of_the_final_weights_intervals_are_those_of_the_rows(seed: int) -> None:
    made = cells(seed)
    table = differences.from_reference(made, 8, ACCURACY, new_rows=True).join(differences.for_new_rows(made, ACCURACY))
    values = np.array([by_row(runs).mean(axis=1) for runs in made.values()])
    kinds = (paired_difference(values, values[1]), simultaneous.from_reference(values, 1))
    for place, (m, runs) in enumerate(made.items()):
        value = rows.over_seeds_and_rows(by_row(runs), 0, 1)
        assert table.loc[m, ["test_accuracy_new_rows_low", "test_accuracy_new_rows_high"]].tolist() == pytest.approx(
            [value.low, value.high]
        )
        if m == 8:
            continue
        of_rows = rows.difference_over_seeds_and_rows(by_row(runs), by_row(made[8]), 0, 1)
        ends = [(kind.low[place], kind.high[place]) for kind in kinds] + [of_rows[1:]]
        for name, (low, high) in zip(DIFFERENCES, ends, strict=True):
            assert table.loc[m, [f"{name}_low", f"{name}_high"]].tolist() == pytest.approx([low, high])
    assert table.loc[8, "difference_mean"] == 0 and table.loc[8].filter(regex="difference.*(low|high)").isna().all()


@FEW
@given(st.integers(0, 1000), st.floats(-0.01, 0.01))
def test_an_interval_for_new_rows_lies_about_the_result_as_it_does_about_the_final_weights(seed, by) -> None:
    made = cells(seed, test_rows=100)
    moved = {m: [run(each := one.by_row["accuracy"], each.mean() + by) for one in runs] for m, runs in made.items()}
    here, there = (differences.for_new_rows(one, ACCURACY).to_numpy() for one in (made, moved))
    np.testing.assert_allclose(there, here + by)
    here, there = (differences.from_reference(one, 2, ACCURACY, new_rows=True) for one in (made, moved))
    np.testing.assert_allclose(there.astype(float), here.astype(float), atol=1e-12)  # all moved alike


@FEW
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_seeds_have_no_order(seed: int, random) -> None:
    made = cells(seed)
    order = random.sample(range(4), 4)
    turned = {m: [runs[place] for place in order] for m, runs in made.items()}
    here, there = (differences.from_reference(one, 2, ACCURACY, new_rows=True) for one in (made, turned))
    np.testing.assert_allclose(there.astype(float), here.astype(float), atol=1e-12)


def test_a_run_that_is_not_ok_counts_nowhere_and_a_metric_without_values_of_rows_has_no_interval_for_them() -> None:
    made = cells(0)
    made[40][0] = made[2][0] = run(np.empty(0))
    found = differences.from_reference(made, 2, ACCURACY, new_rows=True)
    without = differences.from_reference({m: runs[1:] for m, runs in made.items()}, 2, ACCURACY, new_rows=True)
    assert found["difference_n"].tolist() == [3, 3, 3]
    np.testing.assert_allclose(found.astype(float), without.astype(float), rtol=0.03)  # other draws
    lost = made | {2: [run(np.empty(0))] * 4}
    assert differences.from_reference(lost, 8, ACCURACY, new_rows=True).loc[2].drop("difference_n").isna().all()
    for one in made[2]:
        one.by_row.clear()
    assert differences.for_new_rows(made, ACCURACY).loc[2].isna().all()
    assert np.isnan(differences.from_reference(made, 2, ACCURACY, new_rows=True)["difference_new_rows_low"]).all()


def test_intervals_stay_between_what_there_can_be() -> None:
    sure = {2: [run(np.arange(100) > 0, 1.0) for _ in range(3)]}
    low, high = differences.for_new_rows(sure, ACCURACY).iloc[0]
    assert low < 1.0 == high


def test_with_folds_intervals_over_seeds_cover_new_rows_and_there_are_no_others() -> None:
    def result(of):
        return random_result(of, STUDY)

    same, folds = (tables(made, result)["batch_sizes"] for made in (STUDY, STUDY.model_copy(update={"folds": 3})))
    names = [name for name in same if "new_rows" in name]
    assert len(names) == 4 and folds[names].isna().all(axis=None) and same[names].notna().any(axis=None)
    assert folds["difference_together_low"].notna().any()
    all_rows, more = (same[same["batch_size"].eq(m)].drop(columns="batch_size").to_numpy() for m in (40, 1000))
    assert (all_rows == more)[all_rows == all_rows].all()  # trained as one


def test_without_a_reference_there_are_columns_without_values() -> None:
    found = differences.from_reference({}, None, ACCURACY, new_rows=True).join(differences.for_new_rows({}, ACCURACY))
    assert len(found.columns) == 10 and found.empty


# Too few updates


def curve(values: list[float], metric: str = "accuracy", status: str = "ok") -> SimpleNamespace:
    points = np.tile(np.array(values)[:, None], (1, 3))
    return SimpleNamespace(
        status=status, epochs=len(values) - 1, curve_epochs=np.arange(len(values)), curve={metric: points}
    )


def evenly(total) -> Callable:
    """Return how many of so many updates runs of four epochs make in some of them."""
    return lambda epochs: total * np.minimum(epochs, 4) / 4


RISING, LEVEL = [0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.8, 0.9, 0.9, 0.9]


@pytest.mark.parametrize(
    ("at_8", "updates", "named"),
    [
        (RISING, 10, True),
        (RISING, 100, False),  # as many as the other: it is not for want of them
        (RISING, 30, False),  # the other was ahead after 25
        ([0.1, 0.5, 0.5, 0.5, 0.5], 10, True),  # a rate that falls lets it rise no more
        ([0.1, 0.7, 0.8, 0.84, 0.86], 10, False),  # near
        (LEVEL, 10, False),
    ],
)
def test_a_batch_size_is_named_that_is_behind_but_not_after_as_many_updates(at_8, updates, named) -> None:
    made = {2: [curve(LEVEL)] * 2, 8: [curve(at_8), curve(at_8), curve([9.0, 9.0], status="diverged")]}
    found = too_few_updates.of_sizes(made, {2: evenly(100), 8: evenly(updates)}, ACCURACY)
    assert found.to_dict() == {2: False, 8: named}
    turned = {
        m: [curve((1 - one.curve["accuracy"][:, 0]).tolist(), "loss", one.status) for one in runs]
        for m, runs in made.items()
    }
    by_loss = too_few_updates.of_sizes(
        turned, {2: evenly(100), 8: evenly(updates)}, replace(LOSS, margins=(0.01, 0.02, 0.05))
    )
    assert by_loss.to_dict() == found.to_dict()


def test_batch_sizes_without_a_run_that_ended_ok_are_not_named() -> None:
    made = {2: [curve(LEVEL, status="diverged")], 8: [curve(RISING)], 40: [curve(LEVEL, status="failed")]}
    assert not too_few_updates.of_sizes(made, {2: evenly(9), 8: evenly(3), 40: evenly(1)}, ACCURACY).any()
