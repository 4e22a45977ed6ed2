"""Ratios of times and the spread between processes, against numpy, closed forms and planted truths."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from batchwise.statistics.ratios import MEDIAN_VARIANCES, Spread, between_processes, ratio_of_times
from benchmarks.truths import times

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.lists(st.integers(0, 5), max_size=8)


def groups_of(sizes: list[int], seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(generator.normal(), 0.1, size) for size in sizes]


@given(SIZES, SEEDS)
def test_the_spread_is_the_scaled_median_distance(sizes: list[int], seed: int) -> None:
    groups = groups_of(sizes, seed)
    distances = [abs(a - b) for group in groups for a, b in combinations(group, 2)]
    spread = between_processes(groups)
    if distances:
        scale = np.median(abs(stats.norm.rvs(size=10**5, random_state=0))) * np.sqrt(2)
        assert spread.std == pytest.approx(np.median(distances) / scale, rel=0.01)
        assert spread.degrees == sum(size - 1 for size in sizes if size)
    else:
        assert np.isnan(spread.std) and spread.degrees == 0


@given(SIZES, SEEDS, st.floats(-5, 5))
def test_the_spread_knows_neither_order_nor_level(sizes: list[int], seed: int, shift: float) -> None:
    groups = groups_of(sizes, seed)
    generator = np.random.default_rng(seed)
    moved = [generator.permutation(group) + shift * place for place, group in enumerate(groups)]
    other = between_processes([moved[place] for place in generator.permutation(len(moved))])
    assert other == pytest.approx(between_processes(groups), rel=1e-9, abs=1e-12, nan_ok=True)


@given(st.integers(1, 8), st.integers(1, 8), SEEDS, st.floats(-3, 3))
def test_a_ratio_is_that_of_medians_and_turns_over(k: int, n: int, seed: int, shift: float) -> None:
    a, b = groups_of([k, n], seed)
    spread = Spread(0.1, 10.0)
    ratio, inverse = ratio_of_times(a, b, spread), ratio_of_times(b, a, spread)
    assert ratio.value == pytest.approx(np.exp(np.median(a) - np.median(b)))
    assert ratio.low < ratio.value < ratio.high
    assert (ratio.low, ratio.high) == pytest.approx((1 / inverse.high, 1 / inverse.low))
    assert ratio_of_times(a + shift, b, spread) == pytest.approx([np.exp(shift) * bound for bound in ratio])
    assert ratio_of_times(a[::-1], b, spread) == ratio


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.floats(0, 3), st.integers(0, 2))
def test_one_slow_process_of_three_moves_a_ratio_within_the_others(logs: list[float], slow: float, place: int) -> None:
    a, b = np.array(logs), np.zeros(3)
    a[place] += slow
    others = np.delete(a, place)
    assert others.min() <= np.log(ratio_of_times(a, b, Spread(0.1, 10.0)).value) + 1e-12
    assert np.log(ratio_of_times(a, b, Spread(0.1, 10.0)).value) - 1e-12 <= others.max()


@pytest.mark.parametrize("k", [1, 3, 5])
def test_variances_of_medians_are_integrals(k: int) -> None:
    """Of the density of the middle of k values: k!/(h!)² · F^h (1 − F)^h f, with h = (k − 1)/2."""
    h = (k - 1) // 2
    density = stats.beta(h + 1, h + 1)
    value, _ = integrate.quad(lambda x: x**2 * density.pdf(stats.norm.cdf(x)) * stats.norm.pdf(x), -8, 8)
    assert MEDIAN_VARIANCES[k - 1] == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("k", [2, 4])
def test_variances_of_medians_of_even_numbers_are_those_of_a_simulation(k: int) -> None:
    medians = np.median(np.random.default_rng(0).normal(size=(400_000, k)), axis=1)
    assert MEDIAN_VARIANCES[k - 1] == pytest.approx(medians.var(), rel=0.01)


def test_without_repeats_there_is_no_interval() -> None:
    a, b = np.array([0.5]), np.array([0.0])
    ratio = ratio_of_times(a, b, between_processes([a, b]))
    assert ratio == pytest.approx((np.exp(0.5), np.nan, np.nan), nan_ok=True)


def test_what_was_planted_is_found_as_often_as_wanted() -> None:
    rates = times.rates(30)
    assert all(rate.holds for rate in rates), [rate for rate in rates if not rate.holds]
