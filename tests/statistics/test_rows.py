"""Means over seeds and rows against an analysis of variance, intervals of a proportion and a bootstrap over both."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.proportion import proportion_confint

from batchwise.statistics.rows import difference_over_seeds_and_rows, over_seeds_and_rows
from benchmarks.truths.intervals import right

RIGHT = arrays(float, st.tuples(st.integers(2, 6), st.integers(2, 40)), elements=st.sampled_from([0.0, 1.0]))
PAIRS = arrays(
    float, st.tuples(st.just(2), st.integers(2, 6), st.integers(2, 40)), elements=st.sampled_from([0.0, 1.0])
)


def variance_by_anova(values: np.ndarray) -> tuple[float, float]:
    """Return the variance of the mean of crossed random effects, and that of what is left alone."""
    seed, row = np.indices(values.shape)
    table = pd.DataFrame({"y": values.ravel(), "seed": seed.ravel(), "row": row.ravel()})
    squares = anova_lm(ols("y ~ C(seed) + C(row)", table).fit())
    of_seeds, of_rows, left = (squares["sum_sq"] / squares["df"])[["C(seed)", "C(row)", "Residual"]] / values.size
    return of_seeds + of_rows - left, left


@pytest.mark.parametrize("seed", range(3))
def test_the_variance_is_that_of_an_analysis_of_variance(seed: int) -> None:
    """Between 0 and 1 the ends are where the distance is the quantile times the error there (Wilson)."""
    (values,) = right(np.random.default_rng(seed), 6, 0.8, rows=40)
    variance, _ = variance_by_anova(values)
    share = values.mean()
    found = over_seeds_and_rows(values, 0, 1)
    low, high = (abs(end - share) / np.sqrt(end * (1 - end)) for end in (found.low, found.high))
    assert low == pytest.approx(high)
    quantile = low / np.sqrt(variance / (share * (1 - share)))
    assert stats.t.ppf(0.975, 44) < quantile < stats.t.ppf(0.975, 4)
    plain = over_seeds_and_rows(values)
    assert (plain.high - share, share - plain.low) == pytest.approx([quantile * np.sqrt(variance)] * 2)


def test_a_bootstrap_over_seeds_and_over_rows_has_the_same_error() -> None:
    """It has the variance of what is left twice more (Owen 2007, theorem 3)."""
    generator = np.random.default_rng(0)
    a, b = right(generator, 30, 0.95, 0.93)
    of_seeds, of_rows = (generator.multinomial(size, np.full(size, 1 / size), 10_000) / size for size in a.shape)
    means = (of_seeds @ (a - b) * of_rows).sum(axis=1)
    found = difference_over_seeds_and_rows(a, b)
    _, left = variance_by_anova((a - b)[:, :60])
    expected = np.var(means) - 2 * left * 60 / a.shape[1]
    assert (found.high - found.low) / 2 / 1.97 == pytest.approx(np.sqrt(expected), rel=0.07)


def test_seeds_that_are_alike_leave_the_interval_of_their_rows() -> None:
    values = np.tile(np.arange(300) % 10 > 0, (4, 1)).astype(float)
    found, expected = over_seeds_and_rows(values, 0, 1), proportion_confint(270, 300, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=0.001)


def test_rows_that_are_alike_leave_the_interval_of_the_seeds() -> None:
    values = np.random.default_rng(1).normal(size=(7, 1)) + np.zeros(50)
    expected = stats.ttest_1samp(values[:, 0], 0).confidence_interval()
    assert over_seeds_and_rows(values)[1:] == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("rows", [30, 297, 10_000])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_all_rows_are_right_or_wrong_new_ones_need_not_be(rows: int, value: float) -> None:
    found = over_seeds_and_rows(np.full((5, rows), value), 0, 1)
    expected = proportion_confint(rows * value, rows, method="wilson")
    assert found == pytest.approx((value, *expected), abs=0.3 / rows)


def test_where_no_row_differs_new_ones_may() -> None:
    same = np.ones((5, 300))
    found = difference_over_seeds_and_rows(same, same, 0, 1)
    assert found == pytest.approx((0, -stats.t.ppf(0.975, 2) / 300, stats.t.ppf(0.975, 2) / 300))
    assert difference_over_seeds_and_rows(same, same) == (0, 0, 0)  # without bounds nothing says how much


@given(RIGHT)
def test_an_interval_of_a_share_contains_it_and_stays_from_0_to_1(values: np.ndarray) -> None:
    found = over_seeds_and_rows(values, 0, 1)
    assert found.value == pytest.approx(values.mean())
    assert 0 <= found.low <= found.value <= found.high <= 1 and found.low < found.high


@given(RIGHT, st.randoms(use_true_random=False))
def test_neither_seeds_nor_rows_have_an_order(values: np.ndarray, random: object) -> None:
    seeds, rows = (random.sample(range(size), size) for size in values.shape)
    for bounds in ((0, 1), (0, None), ()):
        moved = over_seeds_and_rows(values[seeds][:, rows], *bounds)
        assert moved == pytest.approx(over_seeds_and_rows(values, *bounds))


@given(RIGHT)
def test_right_turned_to_wrong_turns_the_interval(values: np.ndarray) -> None:
    found, turned = over_seeds_and_rows(values, 0, 1), over_seeds_and_rows(1 - values, 0, 1)
    assert (1 - turned.high, 1 - turned.low) == pytest.approx((found.low, found.high), abs=1e-9)


@given(RIGHT, st.sampled_from([0.25, 8.0]))
def test_an_interval_of_losses_scales_with_them_and_stays_above_0(values: np.ndarray, scale: float) -> None:
    losses = 0.5 + values
    found = over_seeds_and_rows(losses, 0)
    assert 0 < found.low <= found.value <= found.high
    assert over_seeds_and_rows(scale * losses, 0) == pytest.approx(tuple(scale * end for end in found))


@given(PAIRS)
def test_a_difference_turns_with_its_sides_and_stays_from_minus_1_to_1(pair: np.ndarray) -> None:
    found = difference_over_seeds_and_rows(*pair, 0, 1)
    assert found.value == pytest.approx(pair[0].mean() - pair[1].mean(), abs=1e-12)
    assert -1 <= found.low <= found.value <= found.high <= 1
    turned = difference_over_seeds_and_rows(*pair[::-1], 0, 1)
    assert (-turned.high, -turned.low) == pytest.approx((found.low, found.high))


@given(PAIRS)
def test_seeds_that_are_nan_do_not_count(pair: np.ndarray) -> None:
    more = np.concatenate([pair, np.ones_like(pair[:, :1])], axis=1)
    more[0, -1, 0] = np.nan
    assert over_seeds_and_rows(more[0], 0, 1) == over_seeds_and_rows(pair[0], 0, 1)
    assert difference_over_seeds_and_rows(*more, 0, 1) == difference_over_seeds_and_rows(*pair, 0, 1)
    assert difference_over_seeds_and_rows(*more[::-1], 0, 1) == difference_over_seeds_and_rows(*pair[::-1], 0, 1)


def test_one_seed_has_no_interval_and_none_no_value() -> None:
    one = over_seeds_and_rows(np.array([[0.0, 1, 1, 1], [np.nan] * 4]), 0, 1)
    assert one.value == 0.75 and np.isnan(one[1:]).all()
    assert np.isnan(over_seeds_and_rows(np.full((2, 4), np.nan), 0, 1)).all()
    assert np.isnan(difference_over_seeds_and_rows(np.ones((1, 9)), np.zeros((1, 9)), 0, 1)[1:]).all()
