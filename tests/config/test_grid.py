"""How many runs a grid needs, with which learning rates, and how many updates each makes."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batchwise.config import grid, phases
from batchwise.config.recipe import Budget, Recipe
from batchwise.config.study import Study

ROWS = st.integers(1, 5000)
BATCH_SIZES = st.lists(st.integers(1, 10**9), min_size=1, max_size=6, unique=True)
# Powers of two: products with m up to 5000 are exact, so that different rates stay different.
RATES = st.lists(st.integers(-20, 4).map(lambda power: 2.0**power), min_size=1, max_size=6, unique=True)
SEEDS = st.integers(1, 5)


def trained_for(budget, **schedule) -> Recipe:
    given = {"model": {"name": "mlp", "hidden_units": [2]}, "optimizer": {"name": "sgd"}, "schedule": schedule}
    return Recipe.model_validate({**given, "budget": budget.model_dump()})


def study(batch_sizes=(2, 4), rates=(0.5,), seeds=1, scaling="linear") -> Study:
    return Study.model_validate(
        {
            "data_set": "digits",
            "model": {"name": "mlp", "hidden_units": [2]},
            "optimizer": {"name": "sgd"},
            "budget": {"epochs": 1},
            "learning_rate_scaling": scaling,
            "grid": {"batch_sizes": list(batch_sizes), "base_learning_rates": list(rates), "seeds": seeds},
        }
    )


@given(ROWS, BATCH_SIZES, RATES, SEEDS, st.sampled_from(["linear", "sqrt", "none"]))
def test_a_run_for_each_distinct_effective_batch_size_rate_and_seed(rows, batch_sizes, rates, seeds, scaling) -> None:
    asked = study(batch_sizes, rates, seeds, scaling)
    runs = grid.runs(asked, rows)
    assert len(runs) == len({min(m, rows) for m in batch_sizes}) * len(rates) * seeds
    assert runs == sorted(set(runs))
    assert len({run.name for run in runs}) == len(runs)
    assert {run.seed for run in runs} == set(range(seeds))
    cells = grid.cells(asked, rows)
    assert [(cell.batch_size, cell.base_learning_rate) for cell in cells] == [
        (m, r) for m in batch_sizes for r in rates
    ]
    assert {run for cell in cells for run in grid.runs_of(cell, asked)} == set(runs)


@given(ROWS, RATES, SEEDS, st.integers(1, 10**9), st.sampled_from(["linear", "sqrt", "none"]))
def test_a_batch_size_above_the_number_of_rows_shares_the_runs_of_all_rows(rows, rates, seeds, more, scaling) -> None:
    asked = study([rows, rows + more], rates, seeds, scaling)
    assert grid.runs(asked, rows) == grid.runs(study([rows], rates, seeds, scaling), rows)
    whole, above = (grid.cells(asked, rows)[start : start + len(rates)] for start in (0, len(rates)))
    assert [grid.runs_of(cell, asked) for cell in whole] == [grid.runs_of(cell, asked) for cell in above]


@given(st.floats(1e-20, 1e20), st.integers(1, 10**6), st.integers(1, 100))
def test_scaling_rules(rate, m, factor) -> None:
    """m → k·m multiplies η by k, √k or 1; and η = η̃ at m = 1."""
    for scaling, expected in (("linear", factor), ("sqrt", math.sqrt(factor)), ("none", 1)):
        small, large = (phases.scaled(rate, size, scaling) for size in (m, m * factor))
        assert math.isclose(large, small * expected, rel_tol=1e-12)
        assert phases.scaled(rate, 1, scaling) == rate


@given(ROWS, st.integers(1, 5000))
def test_updates_per_epoch_count_the_partial_batch(rows, m) -> None:
    assert phases.updates_per_epoch(rows, m) == len(range(0, rows, m)) == math.ceil(rows / m)


@given(st.integers(1, 1000), ROWS, st.integers(1, 5000))
def test_budget_in_epochs(epochs, rows, m) -> None:
    budget = Budget(epochs=epochs)
    assert grid.epochs(budget, rows, m) == epochs
    assert grid.updates(trained_for(budget), rows, m) == epochs * phases.updates_per_epoch(rows, m)


@given(st.integers(1, 10**6), ROWS, st.integers(1, 5000))
def test_budget_in_updates_is_kept_at_every_batch_size(updates, rows, m) -> None:
    budget, steps = Budget(updates=updates), phases.updates_per_epoch(rows, m)
    assert grid.updates(trained_for(budget), rows, m) == updates
    assert (grid.epochs(budget, rows, m) - 1) * steps < updates <= grid.epochs(budget, rows, m) * steps


@given(st.integers(2, 60), ROWS, st.integers(1, 300), st.integers(1, 9), st.floats(0.05, 0.95))
def test_updates_of_a_run_that_grows_are_those_of_its_epochs_one_by_one(epochs, rows, m, multiple, fraction) -> None:
    assume(fraction * epochs <= epochs - 1)
    how, m = trained_for(Budget(epochs=epochs), batch_sizes={fraction: multiple}), min(m, rows)
    sizes = [min(m * (multiple if epoch >= fraction * epochs else 1), rows) for epoch in range(epochs)]
    made = [sum(math.ceil(rows / size) for size in sizes[:until]) for until in range(epochs + 1)]
    assert grid.updates(how, rows, m) == made[-1]
    assert [grid.updates(how, rows, m, until) for until in range(epochs + 1)] == made
    run = phases.of_recipe(how, rows, m)
    assert [phases.reached(run, lambda phase: phase.updates_per_epoch, total) for total in made] == pytest.approx(
        [*range(epochs + 1)]
    )


@given(RATES, ROWS)
def test_a_runs_name_holds_its_exact_learning_rate(rates, rows) -> None:
    assume(rows > 1)
    for run in grid.runs(study([rows], [rate / 3 for rate in rates]), rows):
        assert float(run.name.split("_lr")[1].split("_seed")[0]) == run.learning_rate


@given(ROWS, BATCH_SIZES, st.integers(1, 1024))
def test_what_is_not_trained_as_it_is_written_is_noted(rows, batch_sizes, parts) -> None:
    noted = grid.notes(study(batch_sizes).model_copy(update={"accumulation": parts}), rows)
    above = [f"batch size {m} is more than the {rows} training rows" for m in batch_sizes if m > rows]
    small = [f"{parts}, more than the rows of batch size {m}" for m in batch_sizes if min(m, rows) < parts]
    assert [note.split(";")[0].removeprefix("accumulation is ") for note in noted] == above + small


@given(ROWS, BATCH_SIZES, st.integers(5, 10**6))
def test_batch_sizes_with_fewer_epochs_than_the_statistic_are_noted(rows, batch_sizes, updates) -> None:
    """Equal updates are fewer epochs at a small m."""
    changes = {"budget": Budget(updates=updates), "statistic": "median_of_last_5_epochs"}
    noted = grid.notes(study(batch_sizes).model_copy(update=changes), rows)
    few = [m for m in sorted(batch_sizes) if updates <= 4 * -(-rows // min(m, rows))]
    assert [note.split()[2] for note in noted if "epochs" in note] == [str(m) for m in few]
    assert not any("epochs" in note for note in grid.notes(study(batch_sizes), rows))
