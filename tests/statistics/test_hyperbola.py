"""The law through points with known errors against weighted fits, Paule & Mandel's scatter and outlier tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import least_squares
from statsmodels.regression.linear_model import OLS

from batchwise.statistics import hyperbola

M = 2.0 ** np.arange(10)
ERRORS = np.linspace(0.02, 0.2, 10)


def points(seed: int, scatter: float, batch_size: float = 20) -> np.ndarray:
    generator = np.random.default_rng([6, seed])
    return 2 + np.log1p(batch_size / M) + generator.normal(0, np.hypot(ERRORS, scatter))


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.3]))
def test_the_fit_is_the_weighted_one_and_its_scatter_that_of_paule_and_mandel(seed: int, scatter: float) -> None:
    y = points(seed, scatter)
    law = hyperbola.fit(M, y, ERRORS)
    std = np.hypot(ERRORS, law.scatter)

    def rest(parameters: np.ndarray) -> np.ndarray:
        return (y - parameters[0] - np.log1p(np.exp(parameters[1]) / M)) / std

    fit = least_squares(rest, [2, 3], xtol=1e-12, ftol=1e-12, gtol=1e-12)
    assert (law.level.value, np.log(law.batch_size.value)) == pytest.approx(tuple(fit.x), abs=1e-4)
    assert law.expected == pytest.approx(y - std * fit.fun, abs=1e-4)
    assert 2 * fit.cost == pytest.approx(8, rel=1e-3) if law.scatter else 2 * fit.cost <= 8
    assert law.level.low < law.level.value < law.level.high
    assert law.batch_size.low < law.batch_size.value < law.batch_size.high


@pytest.mark.parametrize("scatter", [0.0, 0.1, 0.3])
def test_intervals_cover_with_errors_that_differ(scatter: float) -> None:
    laws = [hyperbola.fit(M, points(seed, scatter), ERRORS) for seed in range(300)]
    least = stats.binom.ppf(0.0005, 300, 0.95)
    assert sum(law.batch_size.low <= 20 <= law.batch_size.high for law in laws) >= least
    assert sum(law.level.low <= 2 <= law.level.high for law in laws) >= least
    squares = np.array([law.squares for law in laws])  # of χ² without scatter
    above = np.mean(squares > stats.chi2.ppf(0.95, 8))
    assert 0.02 <= above <= 0.09 if scatter == 0 else above > 0.3


@pytest.mark.parametrize("seed", range(5))
def test_a_prediction_is_that_without_the_point_and_its_test_that_of_statsmodels(seed: int) -> None:
    """The law is made linear about its fit, which small errors allow; they are all alike and so is the scatter."""
    y = 2 + np.log1p(20 / M) + np.random.default_rng([7, seed]).normal(0, 0.01, 10)
    y[3] += 0.1
    errors = np.full(10, 1e-4)
    found = [hyperbola.predict(M, y, errors, np.arange(10) == point) for point in range(10)]
    law = hyperbola.fit(M, y, errors)
    design = np.stack([np.ones(10), law.batch_size.value / M / (1 + law.batch_size.value / M)], axis=1)
    tested = OLS(y - law.expected, design).fit().outlier_test()
    p_values = np.array([one.p_value for one in found])
    assert p_values == pytest.approx(np.asarray(tested)[:, 1], rel=0.05)
    for point in range(10):
        rest = np.arange(10) != point
        others = hyperbola.fit(M[rest], y[rest], errors[rest])
        said = others.level.value + np.log1p(others.batch_size.value / M[point])
        assert found[point].expected[point] == pytest.approx(said, abs=2e-3)
    assert p_values.argmin() == 3


@given(st.floats(0.01, 1000), st.floats(-5, 5))
def test_the_unit_of_the_batch_size_and_the_level_change_nothing_else(unit: float, more: float) -> None:
    y = points(0, 0.1)
    law, other = hyperbola.fit(M, y, ERRORS), hyperbola.fit(unit * M, y + more, ERRORS)
    assert other.batch_size == pytest.approx([unit * end for end in law.batch_size], rel=1e-4)
    assert other.level == pytest.approx([more + end for end in law.level], abs=1e-4)
    assert other.scatter == pytest.approx(law.scatter, rel=1e-3)


@given(st.sets(st.integers(0, 9), min_size=1, max_size=5))
def test_points_that_are_left_out_have_no_say(out: set[int]) -> None:
    y, left_out = points(0, 0.1), np.isin(np.arange(10), list(out))
    law = hyperbola.fit(M[~left_out], y[~left_out], ERRORS[~left_out])
    for shift in (0, 5):
        found = hyperbola.predict(M, y + shift * left_out, ERRORS, left_out)
        assert found.expected[~left_out] == pytest.approx(law.expected, abs=1e-2)
    assert found.p_value < 0.05


@pytest.mark.parametrize("scatter", [0.0, 0.1, 0.3])
def test_points_that_were_named_before_are_seldom_apart_where_the_law_holds(scatter: float) -> None:
    left_out = np.arange(10) >= 8
    p_values = np.array([hyperbola.predict(M, points(seed, scatter), ERRORS, left_out).p_value for seed in range(300)])
    for level in (0.01, 0.05, 0.2):
        assert np.sum(p_values < level) <= stats.binom.ppf(0.9995, 300, level)
    assert np.mean(p_values < 0.2) > 0.05
