"""Updates to a target: the median over seeds of which some do not get there, and the critical batch size."""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from batchwise.statistics.fits import LEAST
from batchwise.statistics.intervals import CONFIDENCE, NONE, Estimate

PERFECT, DIMINISHING, MAXIMAL = "perfect scaling", "diminishing returns", "maximal data parallelism"
FAR = 16  # log units: S_min (1 + B/m) is within 1e-7 of its limit where B is so far from every m
ROUNDING = 1e-9  # of a product of ratios


class CriticalBatchSize(NamedTuple):
    """S(m) = updates_min (1 + batch_size/m); NaN for fewer than three different batch sizes."""

    updates_min: Estimate  # in the unit of the updates
    batch_size: Estimate
    r_squared: float  # of log S; NaN where S is constant
    points: int


class _Fit(NamedTuple):
    """The best log S_min for each log B, and the sum of squares that it leaves."""

    log_updates: np.ndarray
    squares: np.ndarray


def censored_median(values: np.ndarray, reached: np.ndarray) -> float:
    """Return the median of `values` [n], of which those that did not reach their end, not `reached` [n], are larger.

    It is where Kaplan & Meier's (1958) estimate of the share above falls to one half, or the middle of the stretch
    where it stays there: without censored values, the ordinary median. inf where it does not fall so far, as when all
    have the same budget and fewer than half reach their end.
    """
    if not reached.any():
        return np.inf
    above = stats.ecdf(stats.CensoredData(values[reached], right=values[~reached])).sf
    half = above.quantiles[above.probabilities <= 0.5 + ROUNDING]
    less = above.quantiles[above.probabilities < 0.5 - ROUNDING]
    if not len(half):
        return np.inf
    return float(half[0] + less[0]) / 2 if len(less) else float(half[0])  # it may stay at one half to the end


def critical_batch_size(batch_sizes: np.ndarray, updates: np.ndarray) -> CriticalBatchSize:
    """Return the fit of S(m) = S_min (1 + B/m) to the updates to a target (McCandlish 2018, eq. 2.11; Shallue 2019).

    `batch_sizes` and `updates` are [n], the latter positive, in any unit; several rows may have the same batch size.
    Updates that are not finite do not count, so give medians where some seeds do not reach the target. The fit is by
    least squares of log S. The 95 % intervals hold the parameters whose sum of squares an F test on n − 2 degrees does
    not tell from the smallest one, whatever the other parameter is (profile likelihood; Bates & Watts 1988, section
    6.1). So data that only show perfect scaling (slope −1) leave B without an
    upper bound and S_min at 0 or more, and flat data leave B at 0 or more; at such an end B itself may be inf or 0.
    """
    known = np.isfinite(updates)
    m, log_updates = np.asarray(batch_sizes, float)[known], np.log(np.asarray(updates, float)[known])
    if len(np.unique(m)) < LEAST:
        return CriticalBatchSize(NONE, NONE, np.nan, len(m))
    grid, best, limit = _profile(m, log_updates)
    low, high = _ends(grid, m, log_updates, limit)
    batch_size = Estimate(*(_unlogged(u, grid) for u in (best, low, high)))
    at_best = _fit(np.array([best]), m, log_updates)
    total = np.var(log_updates) * len(m)
    return CriticalBatchSize(
        _updates_min(at_best, _fit(np.linspace(low, high, 1001), m, log_updates), limit, batch_size, len(m)),
        batch_size,
        max(0.0, float(1 - at_best.squares[0] / total)) if np.ptp(log_updates) > 0 else np.nan,
        len(m),
    )


def regimes(batch_sizes: np.ndarray, critical: float) -> list[str]:
    """Return Shallue's (2019) regime of each batch size [n] for B = `critical`, or "" where that is NaN.

    The local slope of log S on log m is −B/(B + m). Up to −¾ (m ≤ B/3) scaling is called perfect, from −¼ on (m ≥ 3B)
    data parallelism is called maximal: own thresholds, as Shallue reads the regimes off the figures.
    """
    m = np.asarray(batch_sizes)
    names = np.select([m >= 3 * critical, m <= critical / 3, m < 3 * critical], [MAXIMAL, PERFECT, DIMINISHING], "")
    return names.tolist()


def _fit(log_critical: np.ndarray, m: np.ndarray, log_updates: np.ndarray) -> _Fit:
    """Return the fit of log S_min for each of `log_critical` [k]: the mean of log S − log(1 + B/m)."""
    rest = log_updates - np.log1p(np.exp(log_critical[:, None] - np.log(m)))  # [k, n]
    return _Fit(rest.mean(axis=1), rest.var(axis=1) * len(m))


def _squares(log_critical: float, m: np.ndarray, log_updates: np.ndarray) -> float:
    return float(_fit(np.array([log_critical]), m, log_updates).squares[0])


def _profile(m: np.ndarray, log_updates: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return a grid of log B with the best one in it, that one, and the largest sum of squares that is not worse.

    The ends of the grid stand for the limits, B = 0 and B = ∞. A sum of squares may have two valleys, so the best one
    is first looked for on the grid.
    """
    grid = np.linspace(np.log(m.min()) - FAR, np.log(m.max()) + FAR, 512)
    i = int(_fit(grid, m, log_updates).squares.argmin())
    best = grid[i]
    if 0 < i < len(grid) - 1:
        best = minimize_scalar(_squares, bounds=grid[[i - 1, i + 1]], args=(m, log_updates), options={"xatol": 1e-9}).x
    worse = stats.f.ppf(CONFIDENCE, 1, len(m) - 2) / (len(m) - 2)
    return np.union1d(grid, best), float(best), _squares(best, m, log_updates) * (1 + worse)


def _ends(grid: np.ndarray, m: np.ndarray, log_updates: np.ndarray, limit: float) -> tuple[float, float]:
    """Return the lowest and highest log B whose sum of squares is within `limit`, at most the ends of the grid."""
    within = np.flatnonzero(_fit(grid, m, log_updates).squares <= limit)

    def crossing(inside: int, outside: int) -> float:
        if not 0 <= outside < len(grid):
            return float(grid[inside])
        return brentq(lambda u: _squares(u, m, log_updates) - limit, grid[inside], grid[outside])

    return crossing(within[0], within[0] - 1), crossing(within[-1], within[-1] + 1)


def _unlogged(log_critical: float, grid: np.ndarray) -> float:
    """Return B, which is 0 or infinite at the ends of the grid."""
    return 0.0 if log_critical == grid[0] else np.inf if log_critical == grid[-1] else float(np.exp(log_critical))


def _updates_min(best: _Fit, within: _Fit, limit: float, batch_size: Estimate, points: int) -> Estimate:
    """Return S_min with the lowest and highest that stay within `limit` at some B; it falls to 0 as B grows to ∞."""
    half = np.sqrt(np.maximum(limit - within.squares, 0) / points)
    low, high = (within.log_updates - half).min(), (within.log_updates + half).max()
    unbounded = batch_size.high == np.inf
    return Estimate(
        0.0 if batch_size.value == np.inf else float(np.exp(best.log_updates[0])),
        0.0 if unbounded else float(np.exp(low)),
        float(np.exp(high)),
    )
