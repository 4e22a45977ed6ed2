"""The statistics against scipy's tests, numpy's fit and printed tables, which compute them in other ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

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
