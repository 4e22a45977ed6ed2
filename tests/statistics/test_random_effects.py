"""Summaries of studies against the equations of their papers, solved in another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from batchwise.statistics.random_effects import summarise


@st.composite
def studies(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Effects and their standard errors, of three to eight studies."""
    k, tau = draw(st.integers(3, 8)), draw(st.sampled_from([0, 1, 10]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    errors = generator.uniform(0.5, 2, k)
    return generator.normal(0, tau, k) + generator.normal(0, errors), errors


def excess(squared: float, effects: np.ndarray, errors: np.ndarray) -> float:
    """The generalised Q statistic of a tau² less what it should be (Paule & Mandel 1982)."""
    weights = 1 / (errors**2 + squared)
    return weights @ (effects - np.average(effects, weights=weights)) ** 2 - (len(effects) - 1)


@given(studies())
def test_a_summary_solves_the_equations(found: tuple[np.ndarray, np.ndarray]) -> None:
    effects, errors = found
    k = len(effects)
    squared = brentq(excess, 0, 1e4, args=found) if excess(0, *found) > 0 else 0.0
    weights = 1 / (errors**2 + squared)
    mean, error = np.average(effects, weights=weights), 1 / np.sqrt(weights.sum())
    summary = summarise(effects, errors)
    assert summary.tau**2 == pytest.approx(squared, abs=1e-3)
    half = stats.t.ppf(0.975, k - 1) * error
    assert summary.mean == pytest.approx((mean, mean - half, mean + half), rel=1e-3, abs=1e-3)
    half = stats.t.ppf(0.975, k - 2) * np.hypot(error, np.sqrt(squared))
    assert summary.prediction == pytest.approx((mean, mean - half, mean + half), rel=1e-3, abs=1e-3)
    assert summary.studies == k


@given(studies(), st.randoms(use_true_random=False))
def test_studies_have_no_order_and_those_that_are_nan_do_not_count(found, random: object) -> None:
    effects, errors = (np.append(values, [1.0, np.nan]) for values in found)
    errors[-2] = np.nan
    order = random.sample(range(len(effects)), len(effects))
    assert summarise(effects[order], errors[order]) == summarise(*found)


@given(studies(), st.sampled_from([-2.0, 0.01, 1000.0]), st.integers(-5, 5))
def test_a_summary_scales_and_moves_with_the_effects(found, scale: float, shift: int) -> None:
    effects, errors = found
    before, after = summarise(effects, errors), summarise(scale * effects + shift, abs(scale) * errors)
    for was, now in zip(before[:2], after[:2], strict=True):
        value, *ends = (scale * end + shift for end in was)
        np.testing.assert_allclose(now, (value, *sorted(ends)), rtol=1e-4, atol=1e-4 * abs(scale))


@pytest.mark.parametrize("effects", [[1.0, 2, 4], [-3.0, -3, 5, 0]])
def test_effects_without_errors_have_the_t_interval_of_a_sample(effects: list[float]) -> None:
    summary = summarise(np.array(effects), np.zeros(len(effects)))
    expected = stats.ttest_1samp(effects, 0).confidence_interval()
    assert summary.mean == pytest.approx((np.mean(effects), expected.low, expected.high), rel=1e-4)
    assert summary.tau == pytest.approx(np.std(effects, ddof=1), rel=1e-4)


def test_one_effect_without_an_error_is_one_study_among_the_others() -> None:
    exact = summarise(np.array([0.0, 3, 9]), np.array([0.0, 1, 1]))
    nearly = summarise(np.array([0.0, 3, 9]), np.array([1e-3, 1, 1]))
    for was, now in zip(nearly[:2], exact[:2], strict=True):
        assert now == pytest.approx(was, rel=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0])
def test_equal_effects_without_errors_are_all_that_there_is(value: float) -> None:
    summary = summarise(np.full(4, value), np.zeros(4))
    assert (*summary.mean, *summary.prediction, summary.tau) == (*[value] * 6, 0)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_fewer_than_three_studies_have_no_interval(k: int) -> None:
    summary = summarise(np.arange(1.0, 1 + k), np.ones(k))
    assert np.isnan([*summary.mean[1:], *summary.prediction[1:], summary.tau]).all() and summary.studies == k
    assert summary.mean.value == pytest.approx(np.arange(1, 1 + k).mean() if k else np.nan, nan_ok=True)
