"""Tests against a margin against those of scipy and statsmodels on samples, and against the interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from batchwise.statistics import equivalence

NUMBERS = st.floats(-5, 5)
ERRORS = st.sampled_from([0.0, 0.01, 0.4, 3.0])
DEGREES = st.sampled_from([1, 2.5, 9, np.inf])
MARGINS = st.sampled_from([0.01, 0.5, 2.0])


@given(st.integers(2, 12), MARGINS, st.integers(0, 2**32 - 1))
def test_p_values_are_those_of_t_tests_of_a_sample(n: int, margin: float, seed: int) -> None:
    sample = np.random.default_rng(seed).normal(0.5, 1, n)
    found = equivalence.tests(sample.mean(), stats.sem(sample), n - 1, margin)
    assert found.above == pytest.approx(stats.ttest_1samp(sample, margin, alternative="greater").pvalue)
    assert found.below == pytest.approx(stats.ttest_1samp(sample, -margin, alternative="less").pvalue)
    assert found.within == pytest.approx(DescrStatsW(sample).ttost_mean(-margin, margin)[0])


@given(NUMBERS, ERRORS, DEGREES, MARGINS)
def test_a_test_holds_where_the_interval_lies_on_its_side(value, error, degrees, margin) -> None:
    half = stats.t.ppf(0.975, degrees) * error
    low, high = value - half, value + half
    if min(abs(end - bound) for end in (low, high) for bound in (-margin, margin)) < 1e-6:
        return  # rounding decides
    found = equivalence.tests(value, error, degrees, margin)
    assert (found.above <= 0.025) == (low > margin)
    assert (found.below <= 0.025) == (high < -margin)
    assert (found.within <= 0.025) == (-margin < low and high < margin)


@given(NUMBERS, ERRORS, DEGREES, MARGINS)
def test_at_most_one_test_is_more_likely_than_not(value, error, degrees, margin) -> None:
    found = equivalence.tests(value, error, degrees, margin)
    assert sum(p < 0.5 for p in found) <= 1 and all(0 <= p <= 1 for p in found)


@given(NUMBERS, ERRORS, DEGREES, MARGINS)
def test_an_effect_of_the_other_sign_has_above_and_below_the_other_way_round(value, error, degrees, margin) -> None:
    assert equivalence.tests(-value, error, degrees, margin) == equivalence.tests(value, error, degrees, margin)[::-1]


@given(NUMBERS, st.sampled_from([0.01, 0.4]), DEGREES, st.floats(0.1, 1), st.floats(0.01, 1))
def test_a_wider_margin_makes_within_likelier_and_beyond_less(value, error, degrees, margin, more) -> None:
    narrow, wide = (equivalence.tests(value, error, degrees, each) for each in (margin, margin + more))
    assert wide.above >= narrow.above and wide.below >= narrow.below and wide.within <= narrow.within


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (0, 1, 1)), (0.5, (1, 0, 1)), (-0.5, (1, 0, 1)), (-2, (1, 1, 0)), (1, (1, 1, 1)), (-1, (1, 1, 1))],
)
def test_an_effect_without_an_error_is_where_it_is(value: float, expected: tuple) -> None:
    assert equivalence.tests(value, 0.0, 4, 1.0) == expected


@pytest.mark.parametrize("arguments", [(np.nan, 1, 4), (1, np.nan, 4), (1, 1, np.nan), (1, 1, 0), (9, 0, 0)])
def test_what_is_not_known_is_not_tested(arguments: tuple) -> None:
    assert equivalence.tests(*arguments, 1.0) == (1, 1, 1)
