"""The critical batch size against scipy's curve_fit and planted truth; the censored median against two others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit
from statsmodels.duration.survfunc import SurvfuncRight

from batchwise.statistics.critical_batch_size import censored_median, critical_batch_size, regimes

REPEATS = 200
COVERED = stats.binom.ppf([0.0005, 0.9995], REPEATS, 0.95)  # how often 95 % intervals hold the truth
M = 2.0 ** np.repeat(np.arange(13), 3)  # three seeds
SMALL = 2.0 ** np.arange(5)


def updates(critical: float, seed: int, spread: float, m: np.ndarray = M) -> np.ndarray:
    """S(m) with S_min = 500 and lognormal errors."""
    return 500 * (1 + critical / m) * np.random.default_rng([4, seed]).lognormal(0, spread, len(m))


@pytest.mark.parametrize("critical", [10, 100, 1000])
def test_a_planted_critical_batch_size_is_covered(critical: float) -> None:
    fits = [critical_batch_size(M, updates(critical, seed, 0.2)) for seed in range(REPEATS)]
    for part, truth in (("batch_size", critical), ("updates_min", 500)):
        estimates = [getattr(fit, part) for fit in fits]
        assert COVERED[0] <= sum(e.low <= truth <= e.high for e in estimates) <= COVERED[1]
        assert np.median([e.value for e in estimates]) == pytest.approx(truth, rel=0.05)
        assert all(e.low < e.value < e.high < np.inf for e in estimates)


@pytest.mark.parametrize("critical", [3, 50, 700])
def test_the_fit_is_that_of_curve_fit_and_with_small_errors_so_is_the_interval(critical: float) -> None:
    s = updates(critical, 0, 0.01)
    fit = critical_batch_size(M, s)

    def log_updates(m: np.ndarray, log_min: float, log_critical: float) -> np.ndarray:
        return log_min + np.log1p(np.exp(log_critical) / m)

    params, covariance = curve_fit(log_updates, M, np.log(s), p0=[6, np.log(critical)], xtol=1e-12, ftol=1e-12)
    half = 2.026 * np.sqrt(np.diag(covariance))  # t table, 97.5 %, 37 degrees
    for estimate, value, width in zip((fit.updates_min, fit.batch_size), params, half, strict=True):
        assert np.log(estimate.value) == pytest.approx(value, abs=1e-6)
        assert np.log([estimate.low, estimate.high]) == pytest.approx([value - width, value + width], abs=0.01 * width)
    rest = np.log(s) - log_updates(M, *params)
    assert (fit.r_squared, fit.points) == (pytest.approx(1 - rest.var() / np.log(s).var()), 39)


@given(st.floats(-3, 8), st.floats(-3, 8), st.sampled_from([0.1, 1.0, 1000.0]))
def test_updates_without_errors_give_their_law_in_any_unit(log_min: float, log_critical: float, unit: float) -> None:
    m = np.array([1.0, 8, 60, 500])
    fit = critical_batch_size(m, unit * np.exp(log_min) * (1 + np.exp(log_critical) / m))
    assert fit.updates_min == pytest.approx([unit * np.exp(log_min)] * 3, rel=1e-5)
    assert fit.batch_size == pytest.approx([np.exp(log_critical)] * 3, rel=1e-5)
    assert fit.r_squared == pytest.approx(1)


@pytest.mark.parametrize("spread", [0, 0.01, 0.2])
def test_perfect_scaling_alone_bounds_the_critical_batch_size_from_below_only(spread: float) -> None:
    fits = [critical_batch_size(SMALL, updates(1e9, seed, spread, SMALL)) for seed in range(REPEATS)]
    assert sum(fit.batch_size.high == np.inf for fit in fits) >= COVERED[0]
    unbounded = [fit for fit in fits if fit.batch_size.high == np.inf]
    assert all(fit.batch_size.low > 0 and fit.updates_min.low == 0 for fit in unbounded)
    assert all((fit.batch_size.value == np.inf) == (fit.updates_min.value == 0) for fit in fits)
    if spread < 0.1:
        assert min(fit.batch_size.low for fit in unbounded) > SMALL.max()


@pytest.mark.parametrize("spread", [0, 0.01, 0.2])
def test_a_flat_curve_bounds_the_critical_batch_size_from_above_only(spread: float) -> None:
    fits = [critical_batch_size(SMALL, updates(0, seed, spread, SMALL)) for seed in range(REPEATS)]
    assert sum(fit.batch_size.low == 0 for fit in fits) >= COVERED[0]
    assert all(fit.batch_size.high < np.inf and fit.updates_min.low > 0 for fit in fits if fit.batch_size.low == 0)
    assert COVERED[0] <= sum(fit.updates_min.low <= 500 <= fit.updates_min.high for fit in fits)


@pytest.mark.parametrize("s", [[1, 1, 1, 0.5, 0.25], [1, 2, 4, 8, 16], [3, 1, 4, 1, 5], [16, 4, 1, 0.25, 0.0625]])
def test_curves_that_are_no_such_law_crash_nothing(s: list[float]) -> None:
    fit = critical_batch_size(SMALL, np.array(s))
    assert 0 <= fit.batch_size.low <= fit.batch_size.value <= fit.batch_size.high
    assert fit.batch_size.low == 0 or fit.batch_size.high == np.inf
    assert 0 <= fit.r_squared <= 1


def test_a_curve_that_turns_down_fits_both_limits_and_excludes_nothing() -> None:
    fit = critical_batch_size(SMALL, np.array([1, 1, 1, 0.5, 0.25]))
    assert (fit.batch_size.low, fit.batch_size.high) == (0, np.inf)


def test_updates_that_are_not_finite_do_not_count_and_two_batch_sizes_are_too_few() -> None:
    s = updates(3, 0, 0.1, SMALL)
    assert critical_batch_size(np.append(SMALL, [32, 64]), np.append(s, [np.inf, np.nan])) == critical_batch_size(
        SMALL, s
    )
    fit = critical_batch_size(np.array([1, 2, 2, 4]), np.array([9, 5, 4, np.inf]))
    assert np.isnan([*fit.updates_min, *fit.batch_size, fit.r_squared]).all() and fit.points == 3


class Quadratic:
    """SGD on ½ θᵀHθ with examples x ~ N(0, H), whose gradients are x xᵀθ: `stiff` curvatures of 1 and one of 0.01.

    The gradient noise is tr Σ/‖G‖² = stiff + 1 batch sizes in the stiff directions (McCandlish 2018, section 2.2). They
    limit the rate to 2/(1 + (stiff + 1)/m), and in the soft one updates to a target are inversely proportional to it.
    """

    def __init__(self, stiff: int) -> None:
        self.curvatures = np.append(np.ones(stiff), 0.01)
        self.squares = np.append(np.zeros(stiff), 100.0)  # θ² at the start: the loss is ½

    def expected(self, squares: np.ndarray, m: float, rates: np.ndarray) -> np.ndarray:
        """E θ² [rates, directions] after an update, exactly, as fourth moments of a Gaussian are known."""
        h, rates = self.curvatures, rates[:, None]
        noise = h * (squares @ h)[:, None] + h**2 * squares
        return (1 - rates * h) ** 2 * squares + rates**2 / m * noise

    def steps(self, m: float, rates: np.ndarray) -> int:
        """Updates until the expected loss is a hundredth, at the rate of the grid for which they are fewest."""
        squares, steps = np.tile(self.squares, (len(rates), 1)), 0
        while not (squares @ self.curvatures < 0.01).any():
            squares, steps = np.minimum(self.expected(squares, m, rates), 1e9), steps + 1
        return steps


def test_the_expected_loss_is_that_of_simulated_runs() -> None:
    quadratic, m, rate, runs = Quadratic(4), 8, 0.5, 4000
    generator = np.random.default_rng(5)
    theta, squares = np.tile(np.sqrt(quadratic.squares), (runs, 1)), quadratic.squares[None]
    for _ in range(20):
        x = generator.normal(size=(runs, m, 5)) * np.sqrt(quadratic.curvatures)
        theta -= rate * np.einsum("rmi,rmj,rj->ri", x, x, theta, optimize=True) / m
        squares = quadratic.expected(squares, m, np.array([rate]))
    losses = theta**2 @ quadratic.curvatures
    assert abs(losses.mean() - squares[0] @ quadratic.curvatures) < 4 * losses.std() / np.sqrt(runs)


def test_the_critical_batch_size_of_a_noisy_quadratic_is_its_noise_scale_within_a_factor_of_two() -> None:
    m = 4.0 ** np.arange(6)
    rates = 2.0 ** np.arange(-7, 1.01, 0.125)
    fits = [critical_batch_size(m, np.array([Quadratic(k).steps(b, rates) for b in m])) for k in (5, 23)]
    for fit, noise in zip(fits, (6, 24), strict=True):
        assert noise / 2 < fit.batch_size.value < 2 * noise
        assert fit.r_squared > 0.99
    assert fits[1].batch_size.low > fits[0].batch_size.high


@given(st.floats(0.1, 1e4), st.integers(1, 10_000))
def test_regimes_are_those_of_the_local_slope(critical: float, m: int) -> None:
    step = 1e-6  # of a difference quotient of log S on log m
    ends = np.log1p(critical / (m * np.exp([-step, step])))
    slope = (ends[1] - ends[0]) / (2 * step)
    expected = (
        "perfect scaling" if slope <= -0.75 else "maximal data parallelism" if slope >= -0.25 else "diminishing returns"
    )
    if min(abs(slope + 0.75), abs(slope + 0.25)) > 1e-6:
        assert regimes(np.array([m]), critical) == [expected]


def test_regimes_at_the_thresholds_and_without_a_finite_critical_batch_size() -> None:
    m = np.array([1, 10, 11, 89, 90])
    assert regimes(m, 30) == ["perfect scaling"] * 2 + ["diminishing returns"] * 2 + ["maximal data parallelism"]
    assert regimes(m, np.inf) == ["perfect scaling"] * 5
    assert regimes(m, 0) == ["maximal data parallelism"] * 5
    assert regimes(m, np.nan) == [""] * 5


TIMES = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=20)


@given(TIMES)
def test_censored_median_is_that_of_statsmodels(times: list[tuple[int, bool]]) -> None:
    values, reached = (np.array(column) for column in zip(*times, strict=True))
    median = censored_median(values, reached)
    if not reached.any():
        assert median == np.inf
        return
    curve = SurvfuncRight(values, reached)
    below = curve.quantile(0.5 + 1e-9)  # where the share above is less than one half
    at = curve.quantile(0.5 - 1e-9)  # where it is one half or less
    assert median == (np.inf if np.isnan(at) else at if np.isnan(below) else (at + below) / 2)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=15), st.integers(0, 15))
def test_censored_median_counts_seeds_at_the_end_of_the_budget_as_infinite(steps: list[int], unreached: int) -> None:
    values = np.array(steps + [51] * unreached)
    reached = values < 51
    expected = np.median(np.where(reached, values, np.inf))
    if 2 * len(steps) == len(values):  # exactly half reach the target: the last of them
        expected = max(steps)
    assert censored_median(values, reached) == expected


# Published measurements: epochs to an accuracy of 75.9 % of ResNet-50 on ImageNet (1,281,167 training images), all runs
# of each batch size, from MLPerf's reference convergence points (mlcommons/logging, training_4.0.0/rcps_resnet.json).
RESNET_50 = {
    1632: [34, 34, 34, 35, 35, 37, 35, 35, 33, 35, 35, 37, 37, 35, 35, 34, 35],
    3264: [36, 35, 34, 34, 36, 35, 35, 35, 35, 37, 35, 35, 35, 36, 35],
    4096: [39, 42, 40, 41, 39, 40, 41, 39, 40, 39],
    8192: [42, 44, 43, 41, 41, 41, 42, 42, 43, 41],
    13056: [46, 46, 44, 46, 45, 46, 45, 45, 45, 46],
    32768: [56, 56, 55, 56, 56, 56, 56, 56, 57, 56],
    49152: [68, 68, 68, 68, 69, 68, 68, 67, 69, 67],
    58880: [80, 81, 80, 78, 80, 80, 81, 79, 80, 80],
    65536: [83, 85, 84, 86, 85, 85, 83, 84, 85, 85],
}
IMAGES = 1_281_167


def test_the_critical_batch_of_resnet_50_on_imagenet_is_that_of_a_line_through_its_epochs() -> None:
    """E = m·S/N = E_min (1 + m/B) is a straight line in m, which an ordinary regression finds too."""
    m, epochs = np.array([(size, epoch) for size, runs in RESNET_50.items() for epoch in runs], float).T
    fit = critical_batch_size(m, epochs * IMAGES / m)
    line = stats.linregress(m, epochs)
    assert fit.batch_size.value == pytest.approx(line.intercept / line.slope, rel=0.05)
    assert fit.updates_min.value == pytest.approx(IMAGES * line.slope, rel=0.05)
    assert fit.batch_size.low < line.intercept / line.slope < fit.batch_size.high
    assert fit.batch_size.high < 1.1 * fit.batch_size.low and fit.r_squared > 0.99
    names = dict(zip(RESNET_50, regimes(np.array(list(RESNET_50)), fit.batch_size.value), strict=True))
    assert names[8192] == "perfect scaling" and names[65536] == "diminishing returns"


def test_the_medians_of_resnet_50_give_the_same_critical_batch() -> None:
    m = np.array(list(RESNET_50), float)
    medians = np.array(
        [censored_median(np.array(runs, float), np.ones(len(runs), bool)) for runs in RESNET_50.values()]
    )
    assert medians.tolist() == [np.median(runs) for runs in RESNET_50.values()]
    of_medians = critical_batch_size(m, medians * IMAGES / m).batch_size
    rows = np.array([(size, epoch) for size, runs in RESNET_50.items() for epoch in runs], float).T
    of_runs = critical_batch_size(rows[0], rows[1] * IMAGES / rows[0]).batch_size
    assert of_medians.low < of_runs.value < of_medians.high
