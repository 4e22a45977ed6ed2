"""The critical batch size against scipy's curve_fit, planted truth, an exact quadratic, and published epochs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit

from batchwise.statistics.critical_batch_size import CriticalBatchSize, critical_batch_size, regimes
from benchmarks.truths import critical_batch_size as truths

REPEATS, MORE = 100, 200  # `python -m benchmarks.truth` makes still more
COVERED = stats.binom.ppf([0.0005, 0.9995], REPEATS, 0.95)  # how often 95 % intervals hold the truth
M = 2.0 ** np.arange(13)
SMALL = 2.0 ** np.arange(5)


def updates(critical: float, seed: int, spread: float, m: np.ndarray = M) -> np.ndarray:
    """S(m) with S_min = 500 and lognormal errors."""
    return 500 * (1 + critical / m) * np.random.default_rng([4, seed]).lognormal(0, spread, len(m))


def fitted(m: np.ndarray, s: np.ndarray) -> CriticalBatchSize:
    """Return the fit to updates of one seed that are known nearly exactly."""
    return critical_batch_size(m, np.zeros(len(m)), s * (1 - 1e-6), s)


@pytest.mark.parametrize("critical", [10, 100, 1000])
def test_a_planted_critical_batch_size_is_covered(critical: float) -> None:
    fits = [fitted(M, updates(critical, seed, 0.2)) for seed in range(REPEATS)]
    for part, truth in (("batch_size", critical), ("updates_min", 500)):
        estimates = [getattr(fit, part) for fit in fits]
        assert COVERED[0] <= sum(e.low <= truth <= e.high for e in estimates) <= COVERED[1]
        assert np.median([e.value for e in estimates]) == pytest.approx(truth, rel=0.05)
        assert all(e.low < e.value < e.high < np.inf for e in estimates)


@pytest.mark.parametrize("critical", [3, 50, 700])
def test_the_fit_is_that_of_curve_fit_and_so_is_the_interval(critical: float) -> None:
    """With one seed all points have the same variance; its errors are small, so that the law is nearly linear."""
    s = updates(critical, 0, 0.05)
    fit = fitted(M, s)

    def log_updates(m: np.ndarray, log_min: float, log_critical: float) -> np.ndarray:
        return log_min + np.log1p(np.exp(log_critical) / m)

    params, covariance = curve_fit(log_updates, M, np.log(s), p0=[6, np.log(critical)], xtol=1e-12, ftol=1e-12)
    half = 2.201 * np.sqrt(np.diag(covariance))  # t table, 97.5 %, 11 degrees
    for estimate, value, width in zip((fit.updates_min, fit.batch_size), params, half, strict=True):
        assert np.log(estimate.value) == pytest.approx(value, abs=1e-5)
        assert np.log([estimate.low, estimate.high]) == pytest.approx([value - width, value + width], abs=0.05 * width)
    rest = np.log(s) - log_updates(M, *params)
    assert [np.log1p(one.residual) for one in fit.departures] == pytest.approx(rest, abs=1e-5)
    assert np.log(fit.scatter) == pytest.approx(np.sqrt(rest @ rest / 11), rel=0.03)  # 1 % is told from no error
    assert np.isnan(fit.lack_of_fit)


@given(st.floats(-3, 8), st.floats(-3, 8), st.sampled_from([0.1, 1.0, 1000.0]))
def test_updates_without_errors_give_their_law_in_any_unit(log_min: float, log_critical: float, unit: float) -> None:
    m = np.array([1.0, 8, 60, 500])
    fit = fitted(m, unit * np.exp(log_min) * (1 + np.exp(log_critical) / m))
    assert fit.updates_min.value == pytest.approx(unit * np.exp(log_min), rel=1e-4)
    assert fit.batch_size.value == pytest.approx(np.exp(log_critical), rel=1e-4)
    assert fit.batch_size.low < fit.batch_size.value < fit.batch_size.high
    assert (fit.scatter, fit.runs, len(fit.departures)) == (1, 4, 4)
    assert np.abs([one.residual for one in fit.departures]).max() < 1e-4


@pytest.mark.parametrize("spread", [0, 0.01, 0.2])
def test_perfect_scaling_alone_bounds_the_critical_batch_size_from_below_only(spread: float) -> None:
    fits = [fitted(SMALL, updates(1e9, seed, spread, SMALL)) for seed in range(REPEATS)]
    assert sum(fit.batch_size.high == np.inf for fit in fits) >= COVERED[0]
    unbounded = [fit for fit in fits if fit.batch_size.high == np.inf]
    assert all(fit.batch_size.low > 0 and fit.updates_min.low == 0 for fit in unbounded)
    assert all((fit.batch_size.value == np.inf) == (fit.updates_min.value == 0) for fit in fits)
    if spread < 0.1:
        assert min(fit.batch_size.low for fit in unbounded) > SMALL.max()


@pytest.mark.parametrize("spread", [0, 0.01, 0.2])
def test_a_flat_curve_bounds_the_critical_batch_size_from_above_only(spread: float) -> None:
    fits = [fitted(SMALL, updates(0, seed, spread, SMALL)) for seed in range(REPEATS)]
    assert sum(fit.batch_size.low == 0 for fit in fits) >= COVERED[0]
    assert all(fit.batch_size.high < np.inf and fit.updates_min.low > 0 for fit in fits if fit.batch_size.low == 0)
    assert COVERED[0] <= sum(fit.updates_min.low <= 500 <= fit.updates_min.high for fit in fits)


@pytest.mark.parametrize("s", [[1, 1, 1, 0.5, 0.25], [1, 2, 4, 8, 16], [3, 1, 4, 1, 5], [16, 4, 1, 0.25, 0.0625]])
def test_curves_that_are_no_such_law_crash_nothing(s: list[float]) -> None:
    fit = fitted(SMALL, np.array(s))
    assert 0 <= fit.batch_size.low <= fit.batch_size.value <= fit.batch_size.high
    assert fit.batch_size.low == 0 or fit.batch_size.high == np.inf
    assert fit.scatter > 1.2


def test_a_curve_that_turns_down_fits_both_limits_and_excludes_nothing() -> None:
    fit = fitted(SMALL, np.array([1, 1, 1, 0.5, 0.25]))
    assert (fit.batch_size.low, fit.batch_size.high) == (0, np.inf)


def test_batch_sizes_that_all_get_there_at_once_or_never_do_not_count_and_two_are_too_few() -> None:
    s = updates(3, 0, 0.1, SMALL)
    lower, upper = np.append(s - 1e-3, [0, 999]), np.append(s, [5, np.inf])
    fit = critical_batch_size(np.append(SMALL, [32, 64]), np.zeros(7), lower, upper)
    assert fit == critical_batch_size(SMALL, np.zeros(5), s - 1e-3, s)
    few = critical_batch_size(np.array([1, 2, 2, 4]), np.array([0, 0, 1, 0]), np.array([8, 4, 3, 0]), np.full(4, 9))
    assert np.isnan([*few.updates_min, *few.batch_size, few.scatter, few.lack_of_fit]).all()
    assert (few.runs, few.departures) == (3, [])


@settings(max_examples=20)  # any order is sorted at once
@given(st.integers(0, 50), st.permutations(range(33)))
def test_the_order_of_the_runs_does_not_matter(seed: int, order: list[int]) -> None:
    truth = truths.Truth(seeds=3)
    runs = truths.runs(truth, np.random.default_rng(seed))
    assert critical_batch_size(*runs) == critical_batch_size(*(column[order] for column in runs))


# Planted truths: whole epochs, chosen rates


@pytest.mark.parametrize("truth", [truths.Truth(), truths.Truth(scatter=0.2), truths.Truth(batch_sizes=(8, 64, 512))])
def test_the_interval_covers_with_whole_epochs_chosen_rates_and_scatter(truth: truths.Truth) -> None:
    fits = truths.repeated(truth, MORE)
    for part in ("batch_size", "updates_min"):
        estimates = [getattr(fit, part) for fit in fits]
        assert sum(one.low <= getattr(truth, part) <= one.high for one in estimates) >= 0.92 * MORE
    assert np.median([fit.batch_size.value for fit in fits]) == pytest.approx(truth.batch_size, rel=0.1)


def test_scatter_between_batch_sizes_is_told_from_the_errors_of_runs() -> None:
    """Of as many runs: the first law holds but for their errors."""
    fits = [truths.repeated(truths.Truth(rates=1, scatter=scatter), REPEATS) for scatter in (0.0, 0.2)]
    without, scattered = (np.array([fit.lack_of_fit for fit in some]) for some in fits)
    assert np.mean(without < 0.05) <= 0.08 and np.mean(scattered < 0.05) >= 0.95
    assert np.log(np.median([fit.scatter for fit in fits[1]])) == pytest.approx(0.2, rel=0.15)
    assert np.median([fit.scatter for fit in fits[0]]) == 1


@pytest.mark.parametrize("scatter", [0.0, 0.03])
def test_the_law_breaks_where_it_does_and_seldom_elsewhere(scatter: float) -> None:
    fits = truths.repeated(truths.Truth(scatter=scatter, last=1.5), REPEATS)
    assert np.mean([fit.departures[-1].breaks for fit in fits]) >= 0.85
    assert np.mean([any(one.breaks for one in fit.departures[:-1]) for fit in fits]) <= 0.1
    assert np.median([fit.departures[-1].ratio for fit in fits]) == pytest.approx(1.5, rel=0.05)
    held = truths.repeated(truths.Truth(scatter=scatter), REPEATS)
    assert np.mean([any(one.breaks for one in fit.departures) for fit in held]) <= 0.08
    assert all((fit.no_break < 0.05) == any(one.breaks for one in fit.departures) for fit in held + fits)


@pytest.mark.parametrize("last", [2, 3])
def test_a_break_from_some_batch_size_on_is_not_masked_by_the_next(last: int) -> None:
    exact = 0
    for number in range(50):
        m, seeds, *bounds = truths.runs(truths.Truth(scatter=0, rates=1), np.random.default_rng([17, number]))
        beyond = m >= np.unique(m)[-last]
        fit = critical_batch_size(m, seeds, *(np.where(beyond, 2 * bound, bound) for bound in bounds))
        exact += [one.batch_size for one in fit.departures if one.breaks] == np.unique(m[beyond]).tolist()
    assert exact >= 40


def test_more_seeds_do_not_narrow_the_interval_beyond_the_scatter_between_batch_sizes() -> None:
    few, many = (truths.repeated(truths.Truth(seeds=seeds, rates=1), 50) for seeds in (5, 40))
    widths = [np.median([np.log(fit.batch_size.high / fit.batch_size.low) for fit in fits]) for fits in (few, many)]
    assert 0.8 * widths[0] < widths[1] < 1.05 * widths[0]


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
    fits = [fitted(m, np.array([Quadratic(k).steps(b, rates) for b in m])) for k in (5, 23)]
    for fit, noise in zip(fits, (6, 24), strict=True):
        assert noise / 2 < fit.batch_size.value < 2 * noise
        assert fit.scatter < 1.25
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


def of_resnet_50(batch_sizes: list[int]) -> CriticalBatchSize:
    """Return the fit to the runs of some batch sizes, evaluated after each epoch."""
    runs = [(m, seed, epochs) for m in batch_sizes for seed, epochs in enumerate(RESNET_50[m])]
    m, seeds, epochs = np.array(runs, float).T
    return critical_batch_size(m, seeds, (epochs - 1) * IMAGES / m, epochs * IMAGES / m)


def test_the_critical_batch_of_resnet_50_on_imagenet_is_that_of_a_line_through_its_epochs() -> None:
    """E = m·S/N = E_min (1 + m/B) is a straight line in m, which an ordinary regression finds too."""
    fit = of_resnet_50(list(RESNET_50))
    line = stats.linregress(list(RESNET_50), [np.mean(epochs) - 0.5 for epochs in RESNET_50.values()])
    assert fit.batch_size.value == pytest.approx(line.intercept / line.slope, rel=0.06)
    assert fit.updates_min.value == pytest.approx(IMAGES * line.slope, rel=0.06)
    assert fit.batch_size.low < line.intercept / line.slope < fit.batch_size.high
    names = dict(zip(RESNET_50, regimes(np.array(list(RESNET_50)), fit.batch_size.value), strict=True))
    assert names[8192] == "perfect scaling" and names[65536] == "diminishing returns"


def test_the_law_of_resnet_50_lacks_a_little_fit_and_predicts_its_largest_batch_sizes() -> None:
    """Ten runs differ by 1 %, so 5 % between batch sizes are seen, which give B an interval of ±20 %."""
    sizes = list(RESNET_50)
    fit = of_resnet_50(sizes)
    assert 1.03 < fit.scatter < 1.07 and fit.lack_of_fit < 1e-6
    assert not any(one.breaks for one in fit.departures)
    assert 1.2 < fit.batch_size.high / fit.batch_size.low < 1.6
    for fewer in (sizes[:-2], sizes[:-3], sizes[::2], sizes[1::2]):
        part = of_resnet_50(fewer).batch_size
        assert part.low < fit.batch_size.value < part.high
