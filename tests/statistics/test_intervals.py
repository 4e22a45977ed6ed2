"""The statistics against scipy's tests, numpy's fit and printed tables, which compute them in other ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.special import expit, logit

from batchwise.statistics.intervals import mean_interval, paired_difference, proportion_error

VALUES = arrays(
    float, st.tuples(st.integers(1, 6), st.integers(1, 8)), elements=st.integers(-1000, 1000).map(lambda i: i / 7)
)


@st.composite
def tables_with_gaps(draw: st.DrawFn) -> np.ndarray:
    """[groups, seeds] with some NaN."""
    values = draw(VALUES)
    gaps = draw(arrays(bool, values.shape))
    return np.where(gaps, np.nan, values)


@given(tables_with_gaps())
def test_mean_interval_is_that_of_the_one_sample_t_test(values: np.ndarray) -> None:
    interval = mean_interval(values)
    for row, mean, low, high, n in zip(values, *interval, strict=True):
        present = row[~np.isnan(row)]
        assert n == len(present)
        assert np.isnan(mean) == (n == 0) and np.isnan(low) == np.isnan(high) == (n < 2)
        if n:
            assert mean == pytest.approx(present.mean(), abs=1e-9)
        if n > 1 and np.ptp(present) > 0:
            expected = stats.ttest_1samp(present, 0).confidence_interval(0.95)
            assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(tables_with_gaps(), st.integers(-100, 100), st.integers(1, 9))
def test_mean_interval_moves_and_scales_with_the_values(values: np.ndarray, shift: int, scale: int) -> None:
    before, after = mean_interval(values), mean_interval(values * scale + shift)
    for was, now in zip(before[:3], after[:3], strict=True):
        np.testing.assert_allclose(now, was * scale + shift, atol=1e-8)


@given(VALUES, st.randoms(use_true_random=False))
def test_mean_interval_does_not_depend_on_the_order_of_the_seeds(values: np.ndarray, random: object) -> None:
    order = list(range(values.shape[1]))
    random.shuffle(order)
    for was, now in zip(mean_interval(values), mean_interval(values[:, order]), strict=True):
        np.testing.assert_allclose(now, was, atol=1e-9)


def test_equal_values_have_an_interval_without_width() -> None:
    assert [float(bound[0]) for bound in mean_interval(np.full((1, 4), 0.5))] == [0.5, 0.5, 0.5, 4]


@st.composite
def shares(draw: st.DrawFn) -> np.ndarray:
    """[groups, seeds] from 0 to 1, both often among them."""
    return draw(arrays(float, st.tuples(st.integers(1, 4), st.integers(2, 8)), elements=st.floats(0, 1, width=16)))


@pytest.mark.parametrize(("lowest", "highest"), [(0, 1), (0, None), (None, 1)])
@given(values=shares())
def test_no_interval_passes_a_bound(values: np.ndarray, lowest: float | None, highest: float | None) -> None:
    mean, low, high, n = mean_interval(values, lowest, highest)
    np.testing.assert_array_equal(mean, mean_interval(values).mean)
    assert (low <= mean).all() and (mean <= high).all() and (n == values.shape[1]).all()
    assert (low >= (-np.inf if lowest is None else lowest)).all()
    assert (high <= (np.inf if highest is None else highest)).all()
    equal = np.ptp(values, axis=1) == 0
    np.testing.assert_allclose(high[equal] - low[equal], 0, atol=1e-15)
    assert (low < high)[np.ptp(values, axis=1) > 1e-3].all()


def test_between_bounds_an_interval_is_that_of_the_delta_method() -> None:
    values = np.random.default_rng(5).beta(20, 2, (6, 7))
    mean, error = values.mean(axis=1), stats.t.ppf(0.975, 6) * stats.sem(values, axis=1)
    log_odds = [expit(logit(mean) + sign * error / (mean * (1 - mean))) for sign in (-1, 1)]
    np.testing.assert_allclose(mean_interval(values, 0, 1)[1:3], log_odds)
    logs = [np.exp(np.log(mean) + sign * error / mean) for sign in (-1, 1)]
    np.testing.assert_allclose(mean_interval(values, lowest=0)[1:3], logs)


@given(shares(), st.sampled_from([(0, 1), (0, None), (None, 1)]), st.integers(-9, 9), st.sampled_from([-2, 1, 100]))
def test_bounds_move_and_turn_with_the_values(values: np.ndarray, bounds: tuple, shift: int, scale: int) -> None:
    moved = [None if bound is None else scale * bound + shift for bound in bounds][:: 1 if scale > 0 else -1]
    before, after = mean_interval(values, *bounds), mean_interval(scale * values + shift, *moved)
    expected = [scale * end + shift for end in (before.low, before.high)][:: 1 if scale > 0 else -1]
    for was, now in zip(expected, after[1:3], strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-6, atol=1e-6)


@given(VALUES)
def test_bounds_that_are_far_away_change_nothing(values: np.ndarray) -> None:
    for bounds in ((-1e9, 1e9), (-1e9, None), (None, 1e9)):
        for was, now in zip(mean_interval(values), mean_interval(values, *bounds), strict=True):
            np.testing.assert_allclose(now, was, atol=0.01)


def test_a_bounded_interval_does_without_values_that_are_nan() -> None:
    values = np.array([[0.9, np.nan, 0.8], [np.nan, np.nan, 0.5], [np.nan] * 3])
    mean, low, high, n = mean_interval(values, 0, 1)
    pair = mean_interval(values[:1, [0, 2]], 0, 1)
    assert (mean[0], low[0], high[0], n[0]) == (pair.mean[0], pair.low[0], pair.high[0], 2)
    assert mean[1] == 0.5 and np.isnan([mean[2], *low[1:], *high[1:]]).all()


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_paired_difference_is_that_of_the_paired_t_test(seeds: int, seed: int) -> None:
    values, reference = np.random.default_rng(seed).normal(size=(2, seeds))
    interval = paired_difference(values[None], reference)
    expected = stats.ttest_rel(values, reference).confidence_interval(0.95)
    assert (interval.low[0], interval.high[0]) == pytest.approx((expected.low, expected.high))
    opposite = paired_difference(reference[None], values)
    assert (-opposite.high[0], -opposite.low[0]) == pytest.approx((interval.low[0], interval.high[0]))


def test_a_seed_without_a_partner_does_not_count() -> None:
    interval = paired_difference(np.array([[1.0, 2.0, np.nan, 5.0]]), np.array([0.0, np.nan, 9.0, 2.0]))
    assert (interval.n[0], interval.mean[0]) == (2, 2.0)


@pytest.mark.parametrize(("share", "rows", "points"), [(0.9, 10_000, 0.30), (0.97, 114, 1.6)])
def test_proportion_error(share: float, rows: int, points: float) -> None:
    assert 100 * proportion_error(share, rows) == pytest.approx(points, abs=0.005 if rows > 1000 else 0.05)
