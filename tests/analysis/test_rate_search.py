"""The search of learning rates, on curves whose best rate and range are known."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batchwise.analysis import rate_search, suggested_grid
from batchwise.analysis.rate_search import BOUNDS, Range, Trial
from batchwise.config.study import Study
from batchwise.training.run_result import RunResult, without_evaluations
from tests.fabricated import metrics_of

MARGIN = 0.02
STEPS = st.sampled_from([1, 2])
ACCURACY, LOSS = METRICS = metrics_of({"task": "multiclass_classification", "class_counts": {"train": [50, 50]}})[:2]
STUDY = {
    "data_set": "digits",
    "model": {"name": "mlp", "hidden_units": [2]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 10},
    "learning_rate_scaling": "linear",
    "grid": {"batch_sizes": [1], "base_learning_rates": [0.1], "seeds": 1},
}


def landscape(best: int, below: int, above: int) -> Callable[[int], Trial]:
    """Return trials that fall by a little to both ends of a range, and steeply outside of it; above it they diverge."""

    def run(rate: int) -> Trial:
        if rate > best + above:
            return Trial("diverged" if rate > best + above + 1 else "ok", -math.inf)
        if rate < best - below:
            return Trial("ok", 0.9 - 0.1 * (best - below - rate) if rate > best - below - 4 else -math.inf)
        return Trial("ok", 0.99 - 0.001 * abs(rate - best))

    return run


def searched(run: Callable[[int], Trial], first: set[int], step: int) -> dict[int, Trial]:
    return rate_search.search(lambda rates: map(run, rates), first, step, MARGIN)


@given(
    best=st.integers(-36, 14),
    below=st.integers(0, 8),
    above=st.integers(0, 5),
    m=st.sampled_from([1, 16, 1000, 10**6]),
    scaling=st.sampled_from(["linear", "sqrt", "none"]),
    step=STEPS,
)
def test_a_planted_range_is_found_wherever_it_is(best, below, above, m, scaling, step) -> None:
    """To within a step; outside of the rates that are tried first too."""
    assume(below + above >= 3)  # a narrower one hides between factors of 4
    run = landscape(best, below, above)
    trials = searched(run, rate_search.first_exponents(m, scaling), step)
    found = rate_search.range_of(m, trials, MARGIN)
    assert found and abs(found.best - best) <= max(1, step)
    assert best - below <= found.low <= best - below + max(1, step)
    assert best + above - max(1, step) <= found.high <= best + above
    assert len(trials) <= 43  # of all 58,752 of these ranges, two need so many


def test_few_trials_find_a_usual_range() -> None:
    trials = searched(landscape(-5, 5, 1), rate_search.first_exponents(2, "linear"), 2)
    assert len(trials) <= 10


@given(low=st.integers(-30, 0), widths=st.lists(st.integers(0, 12), min_size=1, max_size=3), step=STEPS)
def test_a_grid_has_room_beyond_each_range_and_few_rates(low, widths, step) -> None:
    ranges = [Range(2**i, low + i, low + i + width, low + i, 1.0) for i, width in enumerate(widths)]
    rates = suggested_grid.recommended(ranges, step, {one.batch_size: 1.0 for one in ranges})
    spacing = set(np.diff(rates))
    assert spacing in ({1}, {2})
    for one in ranges:
        assert rates[0] < one.low and rates[-1] > one.high
        assert sum(rate < one.low for rate in rates) >= 1 and sum(rate > one.high for rate in rates) >= 1
    reach = max(one.high for one in ranges) - min(one.low for one in ranges)
    assert spacing == {1} if reach + 2 * step < 8 else spacing == {2}
    assert rates[-1] - rates[0] <= reach + 5


def test_shorter_runs_leave_room_for_lower_rates() -> None:
    one = [Range(8, -6, -4, -5, 1.0)]
    lowest = [suggested_grid.recommended(one, 2, {8: share})[0] for share in (1.0, 1 / 16, 1e-9)]
    assert lowest == [-8, -10, -12]


@pytest.mark.parametrize(("power", "other"), [(1.0, None), (0.5, "sqrt"), (0.0, "none")])
def test_the_scaling_that_the_best_rates_follow_is_named(power, other) -> None:
    ranges = [Range(m, best - 1, best + 1, best, 1.0) for m in (4, 64, 1024) for best in [rate(m, power)]]
    assert suggested_grid.growth(ranges, "linear") == pytest.approx(power)
    assert suggested_grid.better_scaling(ranges, "linear") == other
    assert suggested_grid.growth(ranges[:1], "linear") is None


def rate(m: int, power: float) -> int:
    """Return the exponent of η̃ under linear scaling, where η = 2^−4·m^power."""
    return round(-4 + (power - 1) * math.log2(m))


def test_where_nothing_trains_the_search_ends() -> None:
    for status in ("ok", "diverged"):
        trials = searched(lambda _, status=status: Trial(status, -math.inf), {-8, -4}, 2)
        assert rate_search.range_of(1, trials, MARGIN) is None
        assert BOUNDS[0] <= min(trials) and max(trials) <= BOUNDS[1]


def test_where_all_train_alike_the_search_reaches_the_bounds() -> None:
    trials = searched(lambda _: Trial("ok", 0.9), {-8, -4}, 2)
    found = rate_search.range_of(1, trials, MARGIN)
    assert found and (found.low, found.high) == BOUNDS


def test_the_middle_batch_size_is_that_of_factors() -> None:
    for sizes, tried in {
        (2, 4, 8, 16, 32): [2, 8, 32],
        (4, 1024, 32): [4, 32, 1024],
        (7,): [7],
        (9, 10**9): [9, 1200],
    }.items():
        study = Study.model_validate({**STUDY, "grid": {**STUDY["grid"], "batch_sizes": list(sizes)}})
        assert suggested_grid.tried_sizes(study, 1200) == tried


def result(train: float, validation: float) -> RunResult:
    values = np.array([[0.1, 0.1, 0.1], [train, validation, 0.0]])
    return RunResult("ok", {"accuracy": values, "loss": 1 - values})


def test_a_run_is_judged_by_the_metric_on_validation_rows_once_it_beats_the_baseline() -> None:
    by, split = rate_search.criterion(METRICS, 10)
    assert (by, split) == (ACCURACY, "validation")
    assert rate_search.trial(result(0.9, 0.8), METRICS, "last_epoch", split, by) == Trial("ok", 0.8)
    for bad in (result(0.5, 0.8), result(0.9, math.nan)):  # the baseline is a half
        assert not rate_search.trial(bad, METRICS, "last_epoch", split, by).trained
    assert not rate_search.trial(without_evaluations("diverged"), METRICS, "last_epoch", split, by).trained


def test_a_start_that_is_ahead_by_luck_has_not_trained() -> None:
    """A network that does not move may find the one row of a class; one that was trained before need not move."""
    by, split = rate_search.criterion(METRICS, 10)
    for start, end, trained in ((5.0, 4.999, False), (5.0, 4.9, True), (0.5, 0.499, True), (0.5, 5.0, False)):
        run = result(0.9, 0.8)
        run.metrics["loss"][:, 0] = start, end
        assert rate_search.trial(run, METRICS, "last_epoch", split, by).trained == trained


def test_without_validation_rows_the_training_loss_decides() -> None:
    by, split = rate_search.criterion(METRICS, 0)
    assert (by.name, split) == ("loss", "train")
    found = rate_search.trial(result(0.9, math.nan), METRICS, "last_epoch", split, replace(by))
    assert found == Trial("ok", pytest.approx(-0.1))
