"""Which cell is chosen and which rates are reliable, against a plain search over Python lists."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.analysis import selection
from batchwise.config import grid
from batchwise.config.grid import Run
from batchwise.training.run_result import RunResult
from tests.fabricated import (
    ACCURACY,
    MANIFEST,
    METRICS,
    ROWS,
    UNVALIDATED,
    constant_result,
    diverged,
    random_result,
    study,
    tables,
)

RATES = [0.0625, 0.125, 0.25, 0.5]
SIZES = [2, 4, 8]
STUDY = study(SIZES, RATES, seeds=2)


def by_cell(accuracies: dict[tuple[int, float], float], **losses: float) -> callable:
    """Return a function that makes the run of a cell from {(m, η̃): accuracy}; 0.8 for the others."""
    return lambda run: constant_result(
        STUDY,
        run,
        accuracies.get((run.effective_batch_size, run.learning_rate / run.effective_batch_size), 0.8),
        **losses,
    )


def chosen(made: dict) -> dict[int, float]:
    """Return {m: chosen η̃}."""
    table = made["batch_sizes"]
    return dict(zip(table["batch_size"], table["base_learning_rate"], strict=True))


@st.composite
def cell_tables(draw: st.DrawFn) -> pd.DataFrame:
    """A table of cells with few different means, so that ties happen; 2 seeds."""
    sizes, rates = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    cells = sizes * rates
    few = st.integers(0, 3)
    accuracy = [0.9 + draw(few) / 100 + draw(st.sampled_from([0, 1e-16])) for _ in range(cells)]
    ok = [draw(few.map(lambda i: 2 if i else 1)) for _ in range(cells)]
    return pd.DataFrame(
        {
            "batch_size": np.repeat(2 ** np.arange(sizes), rates),
            "base_learning_rate": np.tile(2.0 ** np.arange(rates), sizes),
            "runs": 2,
            "ok": ok,
            "trained": [min(count, draw(few.map(lambda i: 2 if i else 1))) for count in ok],
            "validation_accuracy_mean": accuracy,
            "validation_loss_mean": [draw(few) / 10 for _ in range(cells)],
        }
    )


def order(row: pd.Series) -> tuple:
    """The published rule: higher accuracy, then lower loss, then smaller m, then lower η̃."""
    return (
        -round(row["validation_accuracy_mean"], 9),
        row["validation_loss_mean"],
        row["batch_size"],
        row["base_learning_rate"],
    )


@given(cell_tables())
def test_the_choice_is_that_of_a_plain_search(cells: pd.DataFrame) -> None:
    rates = cells["base_learning_rate"].nunique()
    found = selection.choose(cells, rates, METRICS)
    for row, (_, group) in zip(found, cells.groupby("batch_size"), strict=True):
        candidates = [(order(cell), index) for index, cell in group.iterrows() if cell["ok"] == 2]
        assert row == (min(candidates)[1] if candidates else -1)
    candidates = [(order(cells.loc[row]), row) for row in found if row >= 0]
    assert selection.best(cells, found, METRICS) == (min(candidates)[1] if candidates else None)


@given(cell_tables(), st.sampled_from(ACCURACY.margins))
def test_the_reliable_range_is_that_of_a_plain_search(cells: pd.DataFrame, margin: int) -> None:
    rates = cells["base_learning_rate"].nunique()
    trained = cells[cells["trained"] == 2]
    best = trained["validation_accuracy_mean"].max()
    expected = [
        row["trained"] == 2 and row["validation_accuracy_mean"] >= best - margin / 100 - 1e-9
        for _, row in cells.iterrows()
    ]
    assert selection.reliable(cells, margin, ACCURACY).tolist() == expected
    cells[f"reliable_{margin}"] = pd.array(expected, dtype="boolean")
    for low, high, (_, group) in zip(
        *selection.reliable_range(cells, rates, margin, METRICS), cells.groupby("batch_size"), strict=True
    ):
        inside = [(order(row), place) for place, (_, row) in enumerate(group.iterrows()) if row[f"reliable_{margin}"]]
        if not inside:
            assert np.isnan([low, high]).all()
            continue
        flags = group[f"reliable_{margin}"].tolist()
        first = last = min(inside)[1]
        while first > 0 and flags[first - 1]:
            first -= 1
        while last + 1 < rates and flags[last + 1]:
            last += 1
        assert (low, high) == (group["base_learning_rate"].iloc[first], group["base_learning_rate"].iloc[last])


@settings(max_examples=10)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_choice_never_looks_at_test_rows(salt: int, random: object) -> None:
    def shuffled(run: Run) -> RunResult:
        result = random_result(run, STUDY, salt=salt)
        result.metrics["loss"][:, 2] = random.random()
        result.metrics["accuracy"][:, 2] = random.randint(0, ROWS["test"]) / ROWS["test"]
        return result

    before, after = tables(STUDY, lambda run: random_result(run, STUDY, salt=salt)), tables(STUDY, shuffled)
    assert chosen(before) == chosen(after)
    for name in ("best_batch_size", "best_base_learning_rate", "reference_batch_size", "reliable_upper_edge"):
        assert before["summary"][name] == after["summary"][name]
    reliable = [name for name in before["cells"] if name.startswith("reliable")]
    assert before["cells"][reliable].equals(after["cells"][reliable])


def test_a_cell_with_a_diverged_run_is_not_chosen_and_not_reliable() -> None:
    def result(run: Run) -> RunResult:
        best = by_cell({(2, 0.25): 1.0, (2, 0.125): 0.9})(run)
        return diverged(best, 2) if (run.effective_batch_size, run.learning_rate, run.seed) == (2, 0.5, 1) else best

    made = tables(STUDY, result)
    assert chosen(made)[2] == 0.125
    cell = made["cells"].query("batch_size == 2 and base_learning_rate == 0.25").iloc[0]
    assert (cell["ok"], cell["trained"], cell["reliable_5"]) == (1, 1, False)
    assert made["summary"]["best_batch_size"] == 2 and made["summary"]["best_base_learning_rate"] == 0.125


@pytest.mark.parametrize(("best", "edge"), [(0.0625, "lowest"), (0.125, ""), (0.5, "highest")])
def test_a_choice_at_the_edge_of_the_grid_is_marked(best: float, edge: str) -> None:
    made = tables(STUDY, by_cell({(m, best): 0.9 for m in SIZES}))
    assert set(made["batch_sizes"]["grid_edge"].dropna()) == {edge} - {""}


def test_equal_cells_give_the_lowest_rate_and_the_smallest_batch_size() -> None:
    made = tables(STUDY, by_cell({}))
    assert set(chosen(made).values()) == {0.0625}
    assert made["summary"]["best_batch_size"] == 2


def test_no_rate_is_chosen_where_none_has_every_run_ok() -> None:
    made = tables(STUDY, lambda run: diverged(constant_result(STUDY, run, 0.8), 1))
    assert set(made["batch_sizes"]["selected_by"]) == {"none: no rate with every run ok"}
    assert (
        made["batch_sizes"]
        .drop(columns=["batch_size", "effective_batch_size", "updates", "selected_by"])
        .dropna(axis=1, how="all")
        .columns.tolist()
        == []
    )
    assert made["curves"].empty and made["summary"]["best_batch_size"] is None
    assert (made["cells"][["reliable_1", "reliable_2", "reliable_5"]] == False).all(axis=None)  # noqa: E712


def test_without_validation_rows_nothing_is_selected() -> None:
    made = tables(STUDY, lambda run: random_result(run, STUDY, UNVALIDATED), UNVALIDATED)
    table = made["batch_sizes"]
    assert set(table["selected_by"]) == {"none: no validation rows"}
    assert (
        table[["base_learning_rate", "test_accuracy_mean", "difference_mean", "reliable_5_high"]].isna().all(axis=None)
    )
    assert made["cells"][["reliable_1", "reliable_2", "reliable_5"]].isna().all(axis=None)
    assert made["summary"]["best_batch_size"] is None and made["summary"]["reference_batch_size"] is None
    assert made["cells"]["test_accuracy_mean"].notna().all()


@pytest.mark.parametrize("manifest", [MANIFEST, UNVALIDATED])
def test_a_single_rate_is_used_without_a_choice(manifest: dict) -> None:
    single = study([8, 2], [0.25])
    made = tables(single, lambda run: random_result(run, single, manifest), manifest)
    assert made["batch_sizes"]["selected_by"].tolist() == ["single learning rate"] * 2
    assert made["batch_sizes"]["grid_edge"].isna().all()
    assert made["summary"]["reference_batch_size"] == (made["summary"]["best_batch_size"] or 2)
    assert (made["summary"]["best_batch_size"] is None) == (manifest is UNVALIDATED)
    assert made["batch_sizes"]["difference_n"].tolist() == [3, 3]


def test_a_run_near_chance_has_not_trained() -> None:
    made = tables(
        STUDY, by_cell({(2, 0.25): 0.65, (2, 0.125): 0.675})
    )  # chance is 0.6, and 0.05 above it is too little
    trained = made["runs"].groupby(["batch_size", "base_learning_rate"])["trained"].unique()
    assert trained[2, 0.25].tolist() == [False] and trained[2, 0.125].tolist() == [True]


def test_the_upper_edge_of_a_staircase_falls_by_an_octave_for_each_doubling() -> None:
    made_of = study([1, 2, 4, 8, 16], [2.0**-i for i in range(7)], seeds=2)

    def result(run: Run) -> RunResult:
        fine = constant_result(made_of, run, 0.9)
        return fine if run.learning_rate <= 1 else diverged(fine, 1)

    made = tables(made_of, result)
    high = made["batch_sizes"]["reliable_1_high"].tolist()
    assert high == [1 / m for m in made_of.grid.batch_sizes]
    assert made["batch_sizes"]["reliable_1_octaves"].tolist() == [6, 5, 4, 3, 2]
    edge = made["summary"]["reliable_upper_edge"]["1"]
    assert edge["slope"] == pytest.approx(-1) and edge["low"] == pytest.approx(-1) == edge["high"]
    assert (edge["points"], edge["excluded_at_grid_edge"]) == (4, 1)  # m = 1: the largest rate of the grid
    assert grid.cells(made_of, 40)[0].learning_rate == 1.0
