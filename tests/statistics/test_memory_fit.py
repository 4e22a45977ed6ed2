"""The fit of memory in rows and tokens: planted truths, against statsmodels, and how often its intervals hold."""

import numpy as np
import pytest
import statsmodels.api
from hypothesis import given
from hypothesis import strategies as st

from batchwise.statistics.intervals import Estimate
from batchwise.statistics.memory_fit import memory_fit, ratio

LENGTHS = (50, 100, 200, 400)
M, T = (
    np.array(column, float) for column in zip(*[(2**k // t, t) for t in LENGTHS for k in (13, 15, 16)], strict=True)
)
NOISE = 5e6


def peaks(token: float, square: float = 0.0, seed: int = 0, noise: float = NOISE) -> np.ndarray:
    """Return the memory of each of M and T, with noise."""
    return 6e8 + token * M * T + square * M * T**2 + noise * np.random.default_rng(seed).normal(size=len(M))


@given(token=st.floats(500, 50_000), square=st.just(0.0) | st.floats(20, 200), limit=st.floats(7e8, 1e11))
def test_without_noise_the_truth_is_found(token, square, limit) -> None:
    square = square and max(square, token / 1000)
    found = memory_fit(M, T, peaks(token, square, noise=0.0))
    assert found and (found.square is None) == (square == 0)
    assert found.constant.value == pytest.approx(6e8) and found.token.value == pytest.approx(token)
    most = found.most_rows(200, limit)
    assert found.at(most, 200) == pytest.approx(limit)
    assert most * found.row(200).value == pytest.approx(limit - 6e8)


@pytest.mark.parametrize("square", [0.0, 30.0])
def test_it_is_that_of_statsmodels(square) -> None:
    y = peaks(3000, square)
    found = memory_fit(M, T, y)
    assert found
    columns = [M * T, M * T**2][: len(found.params) - 1]
    expected = statsmodels.api.OLS(y, statsmodels.api.add_constant(np.stack(columns, axis=1))).fit()
    assert found.params == pytest.approx(expected.params) and found.r_squared == pytest.approx(expected.rsquared)
    ends = expected.conf_int()
    assert found.token[1:] == pytest.approx(tuple(ends[1])) and found.constant[1:] == pytest.approx(tuple(ends[0]))
    whole = statsmodels.api.OLS(y, statsmodels.api.add_constant(np.stack([M * T, M * T**2], axis=1))).fit()
    part = statsmodels.api.OLS(y, statsmodels.api.add_constant(M * T)).fit()
    assert found.p_square == pytest.approx(whole.compare_f_test(part)[1])


def test_intervals_hold_in_95_of_100_and_a_term_that_is_not_there_is_seldom_seen() -> None:
    found = [memory_fit(M, T, peaks(3000, seed=seed)) for seed in range(1000)]
    assert sum(one.square is not None for one in found) <= 15
    inside = np.mean([one.token.low <= 3000 <= one.token.high for one in found])
    assert 0.93 <= inside <= 0.97


def test_attention_is_seen_and_measured() -> None:
    found = [memory_fit(M, T, peaks(3000, 10, seed=seed)) for seed in range(300)]
    assert all(one.square is not None for one in found)
    assert 0.92 <= np.mean([one.square.low <= 10 <= one.square.high for one in found]) <= 0.98
    inside = np.mean([one.row(400).low <= 3000 * 400 + 10 * 400**2 <= one.row(400).high for one in found])
    assert 0.92 <= inside <= 0.98


def test_too_little_is_no_fit() -> None:
    y = peaks(3000)
    assert memory_fit(M[:3], T[:3], y[:3]) is None
    assert memory_fit(M, T, 1e9 - peaks(3000)) is None  # rows that give memory back
    two = T < 200
    assert np.isnan(memory_fit(M[two], T[two], y[two]).p_square)


def test_a_ratio_has_the_errors_of_both() -> None:
    random = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        one, other = 2 + 0.04 * random.normal(), 1 + 0.03 * random.normal()
        found = ratio(*(Estimate(x, x - 1.96 * e, x + 1.96 * e) for x, e in ((one, 0.04), (other, 0.03))))
        inside.append(found.low <= 2 <= found.high)
    assert 0.94 <= np.mean(inside) <= 0.96
