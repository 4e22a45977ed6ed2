"""Differences that hold together against the paired t test, Dunnett's table, Šidák's bound and what they must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from batchwise.statistics.intervals import paired_difference
from batchwise.statistics.simultaneous import from_reference


@st.composite
def groups(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """[groups, seeds] with some NaN, and the row of the reference."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 8)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = generator.normal(size=shape) * generator.choice([0.1, 1, 10], size=(shape[0], 1))
    values[generator.random(shape) < draw(st.sampled_from([0, 0.2]))] = np.nan
    return values, draw(st.integers(0, shape[0] - 1))


@given(groups())
def test_intervals_that_hold_together_lie_between_those_of_one_and_of_sidak(given_: tuple[np.ndarray, int]) -> None:
    values, reference = given_
    mean, low, high, n = from_reference(values, reference)
    single = paired_difference(values, values[reference])
    np.testing.assert_allclose(mean, single.mean, atol=1e-9)
    np.testing.assert_array_equal(n, single.n)
    others = np.arange(len(values)) != reference
    assert np.isnan([low[~others], high[~others]]).all()
    np.testing.assert_array_equal(np.isnan(low[others]), n[others] < 2)
    known = others & (n > 1)
    level = 0.95 ** (1 / max(known.sum(), 1))
    error = (single.high - single.mean)[known] / stats.t.ppf(0.975, n[known] - 1)
    widest = stats.t.ppf((1 + level) / 2, n[known] - 1) * error
    assert (high[known] - mean[known] >= (single.high - single.mean)[known] * (1 - 1e-9)).all()
    assert (high[known] - mean[known] <= widest * (1 + 1e-9)).all()
    np.testing.assert_allclose(mean[known] - low[known], high[known] - mean[known], rtol=1e-6)


@given(st.integers(2, 10), st.integers(0, 2**32 - 1))
def test_one_group_alone_has_the_interval_of_the_paired_t_test(seeds: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(2, seeds))
    found = from_reference(values, 1)
    expected = stats.ttest_rel(values[0], values[1]).confidence_interval()
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("others", "quantile"), [(2, 2.21), (5, 2.51), (9, 2.69)])  # Dunnett 1964, table II, ∞ degrees
def test_many_seeds_of_independent_groups_have_the_quantiles_of_dunnetts_table(others: int, quantile: float) -> None:
    values = np.random.default_rng(0).normal(size=(others + 1, 1000))
    found, single = from_reference(values, 0), paired_difference(values, values[0])
    wider = ((found.high - found.mean) / (single.high - single.mean))[1:]
    np.testing.assert_allclose(wider * stats.t.ppf(0.975, 999), quantile, atol=0.04)


def test_differences_that_are_nearly_the_same_are_little_wider_than_one() -> None:
    generator = np.random.default_rng(0)
    values = np.concatenate([5 * generator.normal(size=(1, 200)), 0.1 * generator.normal(size=(8, 200))])
    found, single = from_reference(values, 0), paired_difference(values, values[0])
    wider = ((found.high - found.low) / (single.high - single.low))[1:]
    assert (wider > 1).all() and (wider < 1.2).all()


@given(groups(), st.randoms(use_true_random=False))
def test_the_seeds_have_no_order(given_: tuple[np.ndarray, int], random: object) -> None:
    values, reference = given_
    order = random.sample(range(values.shape[1]), values.shape[1])
    for was, now in zip(from_reference(values, reference), from_reference(values[:, order], reference), strict=True):
        np.testing.assert_array_equal(was, now)


@given(groups(), st.sampled_from([0.5, 8.0]), st.integers(-3, 3))
def test_differences_scale_with_the_values_and_do_not_move_with_them(given_, scale: float, shift: int) -> None:
    values, reference = given_
    before, after = from_reference(values, reference), from_reference(scale * values + shift, reference)
    for was, now in zip(before[:3], after[:3], strict=True):
        np.testing.assert_allclose(now, scale * was, atol=1e-9)


@given(groups())
def test_differences_turn_with_the_values(given_) -> None:
    values, reference = given_
    before, after = from_reference(values, reference), from_reference(-values, reference)
    np.testing.assert_allclose(after.mean, -before.mean, atol=1e-9)
    np.testing.assert_allclose(after.high - after.low, before.high - before.low, rtol=0.2)  # of other draws


def test_groups_that_differ_by_the_same_in_every_seed_have_no_width_and_widen_no_other() -> None:
    first, other = np.random.default_rng(0).normal(size=(2, 8)).round(3)
    values = np.stack([first, other, first, first + 0.5])
    found, alone = from_reference(values, 0), from_reference(values[:2], 0)
    assert (found.mean[2], found.low[2], found.high[2]) == (0, 0, 0)
    assert (found.low[3], found.high[3]) == pytest.approx((0.5, 0.5))
    assert (found.low[1], found.high[1]) == pytest.approx((alone.low[1], alone.high[1]), rel=0.25)


def test_a_reference_without_values_leaves_nothing() -> None:
    values = np.ones((3, 4))
    values[1] = np.nan
    found = from_reference(values, 1)
    assert np.isnan([found.mean, found.low, found.high]).all() and not found.n.any()
